"""The counts of a running run, what failed in it, and how long it will take."""

from dataclasses import replace
from time import monotonic
from typing import Literal

from core.indexing.progress import Failure, Progress
from core.indexing.run_events import RunProgressed, Tell

Count = Literal["listed", "new", "changed", "unchanged", "failed", "to_embed", "embedded", "reused", "tokens"]

ENOUGH = 1.0
"""Seconds of a run after which an estimate says something."""


class RunCounters:
    """Every change is told. `speed` is how many passages a second were embedded the last time."""

    def __init__(self, tell: Tell, speed: float) -> None:
        self._tell = tell
        self._began = monotonic()
        self._embedding_since: float | None = None
        self._speed = speed
        self.progress = Progress()
        self.failures: list[Failure] = []

    def add(self, what: Count, by: int = 1) -> None:
        if what == "embedded" and self._embedding_since is None:
            self._embedding_since = monotonic()
        self.progress = replace(self.progress, **{what: getattr(self.progress, what) + by})
        self._told()

    def fail(self, failure: Failure) -> None:
        """Notes a failure; a post that failed is done, a source that failed was none."""
        self.note(failure)
        if not failure.whole_source:
            self.add("failed")

    def note(self, failure: Failure) -> None:
        """Notes a failure of something that is counted otherwise."""
        self.failures.append(failure)

    def all_listed(self) -> None:
        self.progress = replace(self.progress, listing=False)
        self._told()

    def removed(self, count: int) -> None:
        self.progress = replace(self.progress, removed=count)
        self._told()

    @property
    def seconds(self) -> float:
        """How long the run has taken."""
        return monotonic() - self._began

    @property
    def speed(self) -> float:
        """Passages that are embedded in a second: measured once enough were, before that as the last time."""
        embedding = monotonic() - self._embedding_since if self._embedding_since else 0.0
        return self.progress.embedded / embedding if embedding > ENOUGH else self._speed

    @property
    def seconds_to_embed(self) -> float:
        """An estimate of the time that embedding still takes."""
        return max(0, self.progress.to_embed - self.progress.embedded) / self.speed

    def _told(self) -> None:
        self.progress = replace(self.progress, seconds_left=self._seconds_left())
        self._tell(RunProgressed(self.progress))

    def _seconds_left(self) -> float | None:
        progress, seconds = self.progress, self.seconds
        if progress.listing or seconds < ENOUGH or not progress.done:
            return None
        reading = seconds * (progress.listed - progress.done) / progress.done
        # What is still to be read brings passages to embed, as what has been read did.
        coming = progress.to_embed * (progress.listed - progress.done) / progress.done / self.speed
        return round(max(reading, self.seconds_to_embed + coming), 1)

"""What a run of reindexing tells while it runs, and at its end."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that could not be read, and why. `whole_source` when that was a source and not a single post."""

    address: str
    reason: str
    whole_source: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of posts so far. `listed` grows while sources are still being listed, which `listing` tells; `passages`
    counts those that were embedded."""

    listed: int = 0
    listing: bool = True
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    failed: int = 0
    removed: int = 0
    passages: int = 0

    @property
    def done(self) -> int:
        """Posts that need no more work."""
        return self.new + self.changed + self.unchanged + self.failed


@dataclass(frozen=True, slots=True)
class Report:
    """How a run ended. `rebuilt` when everything was read into a new edition, for another embedding model."""

    progress: Progress
    seconds: float
    failures: tuple[Failure, ...] = ()
    rebuilt: bool = False

    @property
    def failed_sources(self) -> tuple[Failure, ...]:
        return tuple(failure for failure in self.failures if failure.whole_source)


Tell = Callable[[Progress], None]
"""Called whenever the counts have changed; it must return at once."""


class Tally:
    """The counts and failures of a running run. Every change is told."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self.progress = Progress()
        self.failures: list[Failure] = []

    def add(
        self, what: Literal["listed", "new", "changed", "unchanged", "failed", "removed", "passages"], by: int = 1
    ) -> None:
        self.progress = replace(self.progress, **{what: getattr(self.progress, what) + by})
        self._tell(self.progress)

    def fail(self, failure: Failure) -> None:
        """Notes a failure; a post that failed is done, a source that failed was none."""
        self.failures.append(failure)
        if not failure.whole_source:
            self.add("failed")

    def all_listed(self) -> None:
        self.progress = replace(self.progress, listing=False)
        self._tell(self.progress)

"""The counts and failures of a running run."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from core.reindexing.progress import Failure, Progress

Tell = Callable[[Progress], None]
"""Called whenever the counts have changed; it must return at once."""


class Tally:
    """Counts; every change is told."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self.progress = Progress()
        self.failures: list[Failure] = []

    def add(
        self, what: Literal["listed", "new", "changed", "unchanged", "failed", "removed", "embedded"], by: int = 1
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

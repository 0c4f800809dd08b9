"""What there is to do in a run of reindexing, how far it is, and what came of it: frozen values."""

from dataclasses import dataclass, replace
from typing import Literal

Outcome = Literal["published", "unchanged", "planned", "cancelled", "rolled back"]
"""How a run ended that did not fail: something new is answered from; there was nothing to do; it was a dry run; it was
stopped, and what had been embedded is kept; the edition before is answered from again."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that could not be read, and why. `whole_source` when that was a source and not a single post."""

    address: str
    reason: str
    whole_source: bool = False


@dataclass(frozen=True, slots=True)
class PostTitle:
    """A post, as a list of changes names it."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Diff:
    """Which posts a run changes."""

    new: tuple[PostTitle, ...] = ()
    changed: tuple[PostTitle, ...] = ()
    removed: tuple[PostTitle, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.removed)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is about to do. Counts of posts; `passages` and `tokens` are what has to be embedded.

    `dollars` is the estimated price of that, None where the model's price is not known; `seconds` the estimated time
    that is left. `rebuilds` when everything is read into a new edition, for another embedding model.
    """

    new: int = 0
    changed: int = 0
    gone: int = 0
    unchanged: int = 0
    failed: int = 0
    passages: int = 0
    tokens: int = 0
    dollars: float | None = None
    seconds: float = 0.0
    model: str = ""
    rebuilds: bool = False
    diff: Diff = Diff()
    failures: tuple[Failure, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.new or self.changed or self.gone or self.passages)


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of posts so far. `listed` grows while sources are still being listed, which `listing` tells.

    `embedded` counts the passages that were embedded, of the `to_embed` that are known to have to be; `reused` those
    whose vectors were there. `seconds_left` is an estimate, None as long as there is none.
    """

    listed: int = 0
    listing: bool = True
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    failed: int = 0
    removed: int = 0
    to_embed: int = 0
    embedded: int = 0
    reused: int = 0
    tokens: int = 0
    seconds_left: float | None = None

    @property
    def done(self) -> int:
        """Posts that have been read."""
        return self.new + self.changed + self.unchanged + self.failed


@dataclass(frozen=True, slots=True)
class Report:
    """How a run ended. `rebuilt` when everything was read into a new edition, for another embedding model. `posts` is
    how many are answered from now."""

    progress: Progress
    seconds: float
    failures: tuple[Failure, ...] = ()
    rebuilt: bool = False
    outcome: Outcome = "published"
    diff: Diff = Diff()
    posts: int = 0

    @property
    def failed_sources(self) -> tuple[Failure, ...]:
        return tuple(failure for failure in self.failures if failure.whole_source)

    def shortened(self, most: int) -> "Report":
        """The same with at most so many names in every list; the counts stay."""
        diff = Diff(self.diff.new[:most], self.diff.changed[:most], self.diff.removed[:most])
        return replace(self, diff=diff, failures=self.failures[:most])

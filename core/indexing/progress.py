"""The plan, the progress and the report of a run: frozen values, and the counters behind them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic
from typing import Annotated, Any, Literal

from pydantic import Field

from core.domain import ListingFound, Omission, OmissionReason

Outcome = Literal["published", "unchanged", "planned", "cancelled", "rolled back"]
"""How a run without an error ended. "planned" is a dry run; "cancelled" keeps what was embedded for the next run."""

MIN_MEASURED_SECONDS = 1.0
"""Seconds of a run before an estimate means anything."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A post, or a `whole_source`, that could not be read. `source` is its source's name, empty in older records."""

    address: str
    reason: str
    whole_source: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class PostTitle:
    """A post in a list of changes. `source` is its source's name, empty in older records."""

    title: str
    url: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Diff:
    """The posts that a run changes."""

    new: tuple[PostTitle, ...] = ()
    changed: tuple[PostTitle, ...] = ()
    removed: tuple[PostTitle, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.removed)


@dataclass(frozen=True, slots=True)
class Plan:
    """The work of a run: counts of posts, and the `passages` and `tokens` to embed.

    `dollars` is the estimated price, None if the price of the model is unknown; `seconds` the estimated time left.
    `rebuilds` means that another embedding model requires a new index version of all posts.
    """

    new: int = 0
    changed: int = 0
    removed: Annotated[int, Field(alias="gone")] = 0
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
        return not (self.new or self.changed or self.removed or self.passages)


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of posts so far; `listed` grows while `listing`.

    `to_embed`, `embedded` and `reused` count passages; `reused` ones had a vector already. `seconds_left` is None until
    it can be estimated.
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
        """The number of posts that have been dealt with."""
        return self.new + self.changed + self.unchanged + self.failed


@dataclass(frozen=True, slots=True)
class Report:
    """How a run ended.

    `rebuilt` means that another embedding model led to a new index version of all posts. `posts` is the number of
    posts in the index now. `omissions` are files and pages that are left out on purpose; `found` says where sites list
    their posts.
    """

    progress: Progress
    seconds: float
    failures: tuple[Failure, ...] = ()
    rebuilt: bool = False
    outcome: Outcome = "published"
    diff: Diff = Diff()
    posts: int = 0
    found: tuple[ListingFound, ...] = ()
    omissions: tuple[Omission, ...] = ()

    @property
    def failed_sources(self) -> tuple[Failure, ...]:
        """The sources that could not be read at all."""
        return tuple(failure for failure in self.failures if failure.whole_source)

    def shortened(self, limit: int) -> "Report":
        """Return a copy with at most `limit` names in every list; the counts stay."""
        diff = Diff(self.diff.new[:limit], self.diff.changed[:limit], self.diff.removed[:limit])
        return replace(self, diff=diff, failures=self.failures[:limit])


Counter = Literal["listed", "new", "changed", "unchanged", "failed", "to_embed", "embedded", "reused", "tokens"]


class RunCounters:
    """Counts what a run does, passes every change to `on_change`, and estimates the time left.

    `known_rate` is the embedding rate of an earlier run, in passages per second.
    """

    def __init__(self, on_change: Callable[[Progress], None], known_rate: float) -> None:
        self._on_change = on_change
        self._known_rate = known_rate
        self._began = monotonic()
        self._embedding_began: float | None = None
        self.progress = Progress()
        self.failures: list[Failure] = []
        self.found: list[ListingFound] = []
        self._omissions: dict[OmissionReason, Omission] = {}

    def add(self, counter: Counter, by: int = 1) -> None:
        if counter == "embedded" and self._embedding_began is None:
            self._embedding_began = monotonic()
        self._update(**{counter: getattr(self.progress, counter) + by})

    def fail(self, failure: Failure) -> None:
        """Record a failure. A failed post counts as done; a failed source was never counted."""
        self.warn(failure)
        if not failure.whole_source:
            self.add("failed")

    def warn(self, failure: Failure) -> None:
        """Record a failure of a post that is counted otherwise."""
        self.failures.append(failure)

    def find(self, listing: ListingFound) -> None:
        """Record where a site lists its posts."""
        self.found.append(listing)

    def omit(self, omission: Omission) -> None:
        """Record files or pages that are left out."""
        known = self._omissions.get(omission.reason, Omission(omission.reason, 0))
        kinds = tuple(dict.fromkeys((*known.kinds, *omission.kinds)))
        self._omissions[omission.reason] = Omission(omission.reason, known.count + omission.count, kinds)

    @property
    def omissions(self) -> tuple[Omission, ...]:
        """What all sources leave out, by its reason."""
        return tuple(self._omissions.values())

    def finish_listing(self) -> None:
        self._update(listing=False)

    def set_removed(self, count: int) -> None:
        self._update(removed=count)

    @property
    def seconds(self) -> float:
        return monotonic() - self._began

    @property
    def embedding_rate(self) -> float:
        """Passages embedded per second: measured as soon as possible, else `known_rate`."""
        seconds = monotonic() - self._embedding_began if self._embedding_began else 0.0
        return self.progress.embedded / seconds if seconds > MIN_MEASURED_SECONDS else self._known_rate

    @property
    def seconds_to_embed(self) -> float:
        """The estimated time to embed the passages known so far."""
        return max(0, self.progress.to_embed - self.progress.embedded) / self.embedding_rate

    def _update(self, **counts: Any) -> None:
        self.progress = replace(self.progress, **counts)
        self.progress = replace(self.progress, seconds_left=self._seconds_left())
        self._on_change(self.progress)

    def _seconds_left(self) -> float | None:
        progress, seconds = self.progress, self.seconds
        if progress.listing or seconds < MIN_MEASURED_SECONDS or not progress.done:
            return None
        unread_share = (progress.listed - progress.done) / progress.done
        reading = seconds * unread_share
        # Assume that unread posts bring as many passages to embed as the ones read so far.
        embedding = self.seconds_to_embed + progress.to_embed * unread_share / self.embedding_rate
        return round(max(reading, embedding), 1)

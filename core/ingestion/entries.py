"""What a source lists: entries, and what it could not list."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Literal
from urllib.parse import urlsplit

from core.domain import Source
from core.ingestion.fetch_result import Validators


@dataclass(frozen=True, slots=True)
class Entry:
    """A post as its source lists it. `body` is HTML, Markdown or text when the source carries it; `whole` says whether
    that is the full post, so that its page need not be fetched.

    `modified` is the last change that the source tells (a sitemap's `lastmod`, a feed's `updated`): while it stays the
    same, the page need not be asked for. `listing` is the page of the feed, or the sitemap file, that lists the entry.
    """

    url: str
    title: str
    source: Source
    published: datetime | None = None
    body: str = ""
    whole: bool = False
    format: Literal["html", "markdown", "text"] = "html"
    modified: datetime | None = None
    listing: str = ""


@dataclass(frozen=True, slots=True)
class EntrySkipped:
    """Something in a source that cannot be read; the rest of the source is."""

    address: str
    reason: str


@dataclass(frozen=True, slots=True)
class ListingFinished:
    """A page of a feed, or a sitemap file, was read to its end: it comes behind its entries. Keep `validators` when
    what it lists is safe, and not before. `moved` is where it lies now, when that was said to be for good."""

    address: str
    validators: Validators | None = None
    moved: str = ""


@dataclass(frozen=True, slots=True)
class ListingUnchanged:
    """A page of a feed, or a sitemap file, still is as it was: all that it listed, it still lists, as it listed it."""

    address: str
    validators: Validators


ListEvent = Entry | EntrySkipped | ListingFinished | ListingUnchanged

Known = Mapping[str, Validators]
"""What the pages of one source's listing said of their state, by their addresses, in the order in which they were
Listed or Unchanged. It belongs to one configuration of the source, and to what was made of it: begin with none when
either changes."""

NOTHING: Known = {}


def matches_filters(source: Source, address: str) -> bool:
    """Whether the source's patterns let a post in. With `include`, one of its patterns has to fit."""
    try:
        names = (address, urlsplit(address).path)
    except ValueError:  # that is no address; whoever fetches it will say so
        names = (address, "")

    def fits(patterns: tuple[str, ...]) -> bool:
        return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)

    return (not source.include or fits(source.include)) and not fits(source.exclude)

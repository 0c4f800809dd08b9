"""What listing a source yields: its entries, and the state of its feed pages and sitemap files."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Literal
from urllib.parse import urlsplit

from core.domain import ListingFound, Omission, OmissionReason, Source
from core.ingestion.fetch_result import Fetched, Validators

EntryFormat = Literal["html", "markdown", "mdx", "text", "rst", "asciidoc", "notebook", "pdf", "docx", "epub"]
"""How the body of an entry is written."""

DOCUMENTS = frozenset(("notebook", "pdf", "docx", "epub"))
"""Formats that are no text: such an entry has a `file` instead of a body."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A post as its source lists it. `body` is HTML, Markdown or text if the source carries it; `whole` means that it
    is the full post, so that the page need not be fetched.

    `base` is what links in the body are relative to, if not to `url`. `page` is its page if that was fetched to find
    links.
    `modified` is the last change according to the source (a sitemap's `lastmod`, a feed's `updated`): while it stays
    the same, the page is not fetched. `listing` is the feed page or sitemap file that lists the entry. `language` is as
    the source declares it.

    `name` is a title for want of a better one. `aliases` are addresses that the post had before. `warning` is what is
    wrong with an entry that is read all the same. `file` is where it is in a folder.
    """

    url: str
    title: str
    source: Source
    published: datetime | None = None
    body: str = ""
    whole: bool = False
    format: EntryFormat = "html"
    modified: datetime | None = None
    listing: str = ""
    language: str = ""
    name: str = ""
    aliases: tuple[str, ...] = ()
    warning: str = ""
    file: str = ""
    base: str = ""
    page: Fetched | None = None


@dataclass(frozen=True, slots=True)
class EntrySkipped:
    """A part of a source that cannot be read; the rest is read."""

    address: str
    reason: str


@dataclass(frozen=True, slots=True)
class EntryOmitted:
    """A page of a site that is no post."""

    address: str
    reason: OmissionReason


@dataclass(frozen=True, slots=True)
class ListingFinished:
    """A feed page or sitemap file was read completely; follows its entries. Store `validators` only once its posts are
    stored. `moved` is its new address after permanent redirects."""

    address: str
    validators: Validators | None = None
    moved: str = ""


@dataclass(frozen=True, slots=True)
class ListingUnchanged:
    """A feed page or sitemap file is unchanged, and so are its entries."""

    address: str
    validators: Validators


ListingEvent = Entry | EntrySkipped | EntryOmitted | Omission | ListingFound | ListingFinished | ListingUnchanged

KnownListings = Mapping[str, Validators]
"""The validators of a source's feed pages or sitemap files by address, in the order in which they were read. They are
valid for one configuration of the source; start with NO_LISTINGS after it changes."""

NO_LISTINGS: KnownListings = {}


def matches_filters(source: Source, address: str) -> bool:
    """Return whether the source's `include` and `exclude` patterns accept a post, by its address or its path."""
    try:
        names = (address, urlsplit(address).path)
    except ValueError:  # not an address; fetching it reports that
        names = (address, "")

    def matches(patterns: tuple[str, ...]) -> bool:
        return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)

    return (not source.include or matches(source.include)) and not matches(source.exclude)

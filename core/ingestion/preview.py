"""What a source has, without reading all of it: for people who are about to configure it."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from core.domain import ListingFound, Omission, Source
from core.errors import SourceReadError
from core.ingestion.entries import Entry, EntryOmitted, EntrySkipped, ListingEvent, matches_filters
from core.ingestion.fetch_result import NotModified
from core.ingestion.fetcher import Fetcher
from core.ingestion.sources import fetch_page, list_source, needs_page, parse_post
from core.ingestion.urls import site_host

SAMPLES = 3
SAMPLE_LENGTH = 200
"""Characters of a sample's text."""

MAX_FOLLOWED = 30
"""Pages that are found by following links; there may be more."""


@dataclass(frozen=True, slots=True)
class PreviewListing:
    """A feed, a sitemap, links or a folder, and how many posts it has that the ones before it do not have."""

    kind: Literal["feed", "sitemap", "links", "site", "folder"]
    address: str
    posts: int = 0


@dataclass(frozen=True, slots=True)
class Sample:
    """A post with its first words, or the `reason` why it cannot be read."""

    url: str
    title: str = ""
    published: datetime | None = None
    text: str = ""
    reason: str = ""


@dataclass(slots=True)
class Skipped:
    """What is skipped for one reason: how many, and the first of them."""

    example: str
    count: int = 0


@dataclass(slots=True)
class Preview:
    """The posts of a source: how many, how many of them the source carries `whole`, and of what time. There may be
    `more` than were counted."""

    listings: list[PreviewListing] = field(default_factory=list)
    whole: int = 0
    newest: datetime | None = None
    oldest: datetime | None = None
    samples: tuple[Sample, ...] = ()
    skipped: dict[str, Skipped] = field(default_factory=dict)
    more: bool = False

    @property
    def posts(self) -> int:
        return sum(listing.posts for listing in self.listings)

    def skip(self, reason: str, example: str, count: int = 1) -> None:
        """Count something that would not be read."""
        self.skipped.setdefault(reason, Skipped(example)).count += count


async def preview(source: Source, fetcher: Fetcher) -> Preview:
    """List a source, and read its newest posts. Raises SourceReadError if it cannot be read."""
    found = Preview()
    newest: list[Entry] = []
    # Patterns are applied here, so that what they leave out is counted.
    everything = replace(source, include=(), exclude=())
    async with aclosing(list_source(everything, fetcher)) as events:
        async for event in events:
            entry = await _note(event, source, fetcher, found)
            if entry:
                newest = sorted([*newest, entry], key=_age, reverse=True)[:SAMPLES]
            if found.listings and found.listings[-1].kind == "links" and found.listings[-1].posts >= MAX_FOLLOWED:
                found.more = True
                break
    found.samples = tuple([await _sample(entry, fetcher) for entry in newest])
    return found


async def _note(event: ListingEvent, source: Source, fetcher: Fetcher, found: Preview) -> Entry | None:
    """Count an event; return it if it is a post that would be read."""
    match event:
        case ListingFound():
            found.listings.append(PreviewListing(event.kind, event.address))
        case EntrySkipped():
            found.skip(event.reason, event.address)
        case EntryOmitted():
            found.skip(event.reason, event.address)
        case Omission():
            found.skip(event.reason, ", ".join(event.kinds), event.count)
        case Entry() if not matches_filters(source, event.url):
            found.skip("pattern", event.url)
        case Entry() if not await _is_allowed(event, fetcher):
            found.skip("robots", event.url)
        case Entry():
            _count(event, source, found)
            return event
    return None


async def _is_allowed(entry: Entry, fetcher: Fetcher) -> bool:
    # Other sites would each be asked for their robots.txt.
    own = site_host(entry.url) == site_host(entry.source.address)
    return not own or bool(entry.page) or not needs_page(entry) or await fetcher.allows(entry.url, entry.source.address)


def _count(entry: Entry, source: Source, found: Preview) -> None:
    if not found.listings:
        found.listings.append(PreviewListing(source.kind, source.address))
    found.listings[-1] = replace(found.listings[-1], posts=found.listings[-1].posts + 1)
    found.whole += not needs_page(entry)
    if entry.published:
        found.newest = max(found.newest or entry.published, entry.published)
        found.oldest = min(found.oldest or entry.published, entry.published)


def _age(entry: Entry) -> float:
    """Order by date; what has none keeps its place after the others."""
    moment = entry.published or entry.modified
    return moment.timestamp() if moment else float("-inf")


async def _sample(entry: Entry, fetcher: Fetcher) -> Sample:
    try:
        page = await fetch_page(entry, fetcher)
        assert not isinstance(page, NotModified), "the request had no validators"
        post = await asyncio.to_thread(parse_post, entry, page)
    except SourceReadError as error:
        return Sample(entry.url, entry.title, entry.published, reason=error.reason)
    text = " ".join(post.text.removeprefix(f"# {post.title}").split())
    shown = text if len(text) <= SAMPLE_LENGTH else f"{text[:SAMPLE_LENGTH].rsplit(' ', 1)[0]} …"
    return Sample(post.url, post.title, post.published, shown)

"""What tests of reading ask in one line: a page as an operator's address, a source's items, an entry as a post."""

import asyncio
from contextlib import aclosing
from typing import Any

from core.domain import Post, Source
from core.ingestion.entries import NO_LISTINGS, Entry, EntrySkipped, KnownListings, ListingEvent
from core.ingestion.fetch_result import PAGE, Fetched, FetchProfile, NotModified
from core.ingestion.fetcher import Fetcher
from core.ingestion.sources import fetch_page, list_source, parse_post


async def fetch(fetcher: Fetcher, address: str, kind: FetchProfile = PAGE) -> Fetched:
    """What is at an address that an operator configured."""
    came = await fetcher.fetch(address, address, kind)
    assert isinstance(came, Fetched)
    return came


async def events_of(source: Source, fetcher: Fetcher, known: KnownListings = NO_LISTINGS) -> list[ListingEvent]:
    """All that the listing of a source tells."""
    async with aclosing(list_source(source, fetcher, known)) as events:
        return [event async for event in events]


async def listed(source: Source, fetcher: Fetcher) -> list[Entry | EntrySkipped]:
    """What a source lists, and what it could not list."""
    return [event for event in await events_of(source, fetcher) if isinstance(event, Entry | EntrySkipped)]


async def post_of(entry: Entry, fetcher: Fetcher) -> Post:
    """The entry's post, read from its page where that is needed."""
    page = await fetch_page(entry, fetcher)
    assert not isinstance(page, NotModified)
    return await to_post(entry, page)


async def to_post(entry: Entry, page: Fetched | None) -> Post:
    """Parse in a thread: the parsers read files of their own on first use."""
    return await asyncio.to_thread(parse_post, entry, page)


def source(kind: Any, address: str, **options: Any) -> Source:
    return Source("blog", kind, address, **options)

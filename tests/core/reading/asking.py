"""What tests of reading ask in one line: a page as an operator's address, a source's items, an entry as a post."""

from contextlib import aclosing
from typing import Any

from core.reading.entries import NOTHING, Entry, Known, ListEvent, Skipped
from core.reading.fetched import PAGE, Fetched, Kind, NotModified
from core.reading.fetcher import Fetcher
from core.reading.sources import list_source, read_page, to_post
from core.vocabulary import Post, Source


async def fetch(fetcher: Fetcher, address: str, kind: Kind = PAGE) -> Fetched:
    """What is at an address that an operator configured."""
    came = await fetcher.get(address, address, kind)
    assert isinstance(came, Fetched)
    return came


async def told(source: Source, fetcher: Fetcher, known: Known = NOTHING) -> list[ListEvent]:
    """All that the listing of a source tells."""
    async with aclosing(list_source(source, fetcher, known)) as events:
        return [event async for event in events]


async def listed(source: Source, fetcher: Fetcher) -> list[Entry | Skipped]:
    """What a source lists, and what it could not list."""
    return [event for event in await told(source, fetcher) if isinstance(event, Entry | Skipped)]


async def post_of(entry: Entry, fetcher: Fetcher) -> Post:
    """The entry's post, read from its page where that is needed."""
    page = await read_page(entry, fetcher)
    assert not isinstance(page, NotModified)
    return await to_post(entry, page)


def source(kind: Any, address: str, **options: Any) -> Source:
    return Source("blog", kind, address, **options)

"""RSS and Atom feeds, page by page."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from itertools import takewhile

from yarl import URL

from core.domain import Source
from core.errors import SourceReadError
from core.ingestion.entries import (
    NO_LISTINGS,
    EntrySkipped,
    KnownListings,
    ListingEvent,
    ListingFinished,
    ListingUnchanged,
)
from core.ingestion.feed_items import FeedPage
from core.ingestion.feed_parser import parse_feed
from core.ingestion.fetch_result import LISTING, NotModified, PageNotFoundError
from core.ingestion.fetcher import Fetcher
from core.ingestion.urls import url_identity

MAX_PAGES = 1_000
PREFETCH = 4
"""Pages fetched at once, after a feed has shown that it has several."""


@dataclass(frozen=True, slots=True)
class _ParsedPage:
    feed_page: FeedPage
    finished: ListingFinished


_Page = _ParsedPage | ListingUnchanged | EntrySkipped
_END = EntrySkipped("", "")
"""The missing page with which a feed ends."""


async def read_feed(
    source: Source, fetcher: Fetcher, known: KnownListings = NO_LISTINGS
) -> AsyncGenerator[ListingEvent, None]:
    """Yield all entries of a feed, following `rel=next` or `?paged=N` until a page is missing or has nothing new.
    Yield ListingUnchanged for unchanged pages of `known`; if all are unchanged, do not look beyond the last.

    Raises SourceReadError if the first page cannot be read. A later page that fails ends the feed with EntrySkipped.
    """
    seen: set[str] = set()
    async with aclosing(_pages(source, fetcher, known)) as pages:
        async for page in pages:
            if not isinstance(page, _ParsedPage):
                yield page
                if isinstance(page, EntrySkipped):
                    return
                continue
            feed_page = page.feed_page
            if feed_page.damage:
                yield EntrySkipped(feed_page.address, feed_page.damage)
            new = [entry for entry in feed_page.entries if url_identity(entry.url) not in seen]
            if not new:
                return
            for entry in new:
                seen.add(url_identity(entry.url))
                yield entry
            if not feed_page.damage:
                yield page.finished


async def _pages(source: Source, fetcher: Fetcher, known: KnownListings) -> AsyncGenerator[_Page, None]:
    first = await _page(source, source.address, fetcher, known)
    yield first
    next_page = _next_page(first, known)
    unchanged = isinstance(first, ListingUnchanged)
    if unchanged and not next_page:
        return
    numbered = not next_page or next_page == _paged(source.address, 2)
    pages = (
        _numbered_pages(source, fetcher, known, unchanged)
        if numbered
        else _linked_pages(source, next_page, fetcher, known)
    )
    async with aclosing(pages):
        async for page in pages:
            if page is _END:
                return
            yield page


async def _linked_pages(
    source: Source, next_page: str, fetcher: Fetcher, known: KnownListings
) -> AsyncGenerator[_Page, None]:
    """Follow `rel=next` (RFC 5005)."""
    for _ in range(MAX_PAGES):
        page = await _later_page(source, next_page, fetcher, known)
        yield page
        if isinstance(page, EntrySkipped):
            return
        next_page = _next_page(page, known)
        if not next_page:
            return


async def _numbered_pages(
    source: Source, fetcher: Fetcher, known: KnownListings, unchanged: bool
) -> AsyncGenerator[_Page, None]:
    """Count up `?paged=N`, as WordPress does. Most other blogs repeat page 1 as page 2, so page 2 is fetched alone.
    While all pages are `unchanged`, fetch known ones only."""
    number, batch = 2, PREFETCH if unchanged else 1
    while number <= MAX_PAGES:
        addresses = [_paged(source.address, number + step) for step in range(batch)]
        if unchanged:
            addresses = list(takewhile(known.__contains__, addresses))
        if not addresses:
            return
        for page in await asyncio.gather(*(_later_page(source, address, fetcher, known) for address in addresses)):
            unchanged = unchanged and isinstance(page, ListingUnchanged)
            yield page
        number, batch = number + len(addresses), PREFETCH


async def _later_page(source: Source, address: str, fetcher: Fetcher, known: KnownListings) -> _Page:
    try:
        return await _page(source, address, fetcher, known)
    except PageNotFoundError:
        return _END
    except SourceReadError as error:
        return EntrySkipped(error.address, error.reason)


async def _page(source: Source, address: str, fetcher: Fetcher, known: KnownListings) -> _ParsedPage | ListingUnchanged:
    fetched = await fetcher.fetch(address, source.address, LISTING, known.get(address))
    if isinstance(fetched, NotModified):
        return ListingUnchanged(address, fetched.validators)
    page = await asyncio.to_thread(parse_feed, fetched, source, address)
    return _ParsedPage(page, ListingFinished(address, fetched.validators, fetched.moved))


def _next_page(page: _ParsedPage | ListingUnchanged, known: KnownListings) -> str:
    """Return the next page's address: an unchanged page is followed by the same page as in the last run."""
    if isinstance(page, _ParsedPage):
        return page.feed_page.next_page
    addresses = list(known)
    return next(iter(addresses[addresses.index(page.address) + 1 :]), "")


def _paged(address: str, number: int) -> str:
    return str(URL(address).update_query(paged=str(number)))

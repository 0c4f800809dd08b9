"""RSS and Atom, page after page."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from itertools import takewhile

from yarl import URL

from core.domain import Source
from core.errors import SourceReadError
from core.ingestion.entries import NOTHING, EntrySkipped, Known, ListEvent, ListingFinished, ListingUnchanged
from core.ingestion.feed_parser import FeedPage, parse_feed
from core.ingestion.fetch_result import LISTING, NotModified, PageNotFoundError
from core.ingestion.fetcher import Fetcher
from core.ingestion.urls import url_identity

MOST_PAGES = 1_000
AHEAD = 4
"""Pages asked for at once, when a feed has shown that it has pages."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A page that came, and what is to be kept of it."""

    page: FeedPage
    listed: ListingFinished


_Page = _Read | ListingUnchanged | EntrySkipped
_END = EntrySkipped("", "")
"""The page that is not there any more, with which a feed ends."""


async def read_feed(source: Source, fetcher: Fetcher, known: Known = NOTHING) -> AsyncGenerator[ListEvent, None]:
    """All entries of a feed, over its `rel=next` pages or `?paged=N`, until a page is missing or brings nothing new.
    Pages that are as they were `known` are told as Unchanged; while all are, nothing is looked for behind the last.

    Raises SourceReadError when the first page cannot be read. A later page that fails ends the feed and is told as
    Skipped.
    """
    seen: set[str] = set()
    async with aclosing(_pages(source, fetcher, known)) as pages:
        async for page in pages:
            if not isinstance(page, _Read):
                yield page
                if isinstance(page, EntrySkipped):
                    return
                continue
            if page.page.damage:
                yield EntrySkipped(page.page.address, page.page.damage)
            fresh = [entry for entry in page.page.entries if url_identity(entry.url) not in seen]
            if not fresh:
                return
            for entry in fresh:
                seen.add(url_identity(entry.url))
                yield entry
            if not page.page.damage:
                yield page.listed


async def _pages(source: Source, fetcher: Fetcher, known: Known) -> AsyncGenerator[_Page, None]:
    first = await _page(source, source.address, fetcher, known)
    yield first
    following = first.page.next_page if isinstance(first, _Read) else _after(first.address, known)
    numbered = not following or following == _paged(source.address, 2)
    if isinstance(first, ListingUnchanged) and not following:
        return
    pages = (
        _numbered_pages(source, fetcher, known, quiet=isinstance(first, ListingUnchanged))
        if numbered
        else _linked_pages(source, following, fetcher, known)
    )
    async with aclosing(pages):
        async for page in pages:
            if page is _END:
                return
            yield page


async def _linked_pages(source: Source, following: str, fetcher: Fetcher, known: Known) -> AsyncGenerator[_Page, None]:
    """RFC 5005's way: every page names the next one. Of one that is unchanged it is known which one that was."""
    for _ in range(MOST_PAGES):
        page = await _later_page(source, following, fetcher, known)
        yield page
        following = page.page.next_page if isinstance(page, _Read) else _after(following, known)
        if isinstance(page, EntrySkipped) or not following:
            return


async def _numbered_pages(source: Source, fetcher: Fetcher, known: Known, quiet: bool) -> AsyncGenerator[_Page, None]:
    """WordPress' way. Most other blogs answer page 2 with page 1 again, so that one is asked for alone. `quiet` while
    nothing has changed."""
    number, ahead = 2, AHEAD if quiet else 1
    while number <= MOST_PAGES:
        addresses = [_paged(source.address, number + step) for step in range(ahead)]
        if quiet:
            addresses = list(takewhile(known.__contains__, addresses))
        if not addresses:
            return
        for page in await asyncio.gather(*(_later_page(source, address, fetcher, known) for address in addresses)):
            quiet = quiet and isinstance(page, ListingUnchanged)
            yield page
        number, ahead = number + len(addresses), AHEAD


async def _later_page(source: Source, address: str, fetcher: Fetcher, known: Known) -> _Page:
    try:
        return await _page(source, address, fetcher, known)
    except PageNotFoundError:
        return _END
    except SourceReadError as error:
        return EntrySkipped(error.address, error.reason)


async def _page(source: Source, address: str, fetcher: Fetcher, known: Known) -> _Read | ListingUnchanged:
    came = await fetcher.get(address, source.address, LISTING, known.get(address))
    if isinstance(came, NotModified):
        return ListingUnchanged(address, came.validators)
    page = await asyncio.to_thread(parse_feed, came, source, address)
    return _Read(page, ListingFinished(address, came.validators, came.moved))


def _after(address: str, known: Known) -> str:
    """The page that came behind this one when the feed was read before."""
    addresses = list(known)
    place = addresses.index(address) + 1
    return addresses[place] if place < len(addresses) else ""


def _paged(address: str, number: int) -> str:
    return str(URL(address).update_query(paged=str(number)))

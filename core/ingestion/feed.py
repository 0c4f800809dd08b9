"""Feeds, page by page."""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import assert_never

from yarl import URL

from core.domain import Source
from core.errors import SourceReadError
from core.ingestion.entries import (
    NO_LISTINGS,
    Entry,
    EntrySkipped,
    KnownListings,
    ListingEvent,
    ListingFinished,
    ListingUnchanged,
)
from core.ingestion.feed_items import FeedPage
from core.ingestion.feed_parser import parse_feed
from core.ingestion.fetch_result import LISTING, Fetched, NotModified, PageNotFoundError
from core.ingestion.fetcher import Fetcher
from core.ingestion.urls import is_synthetic, url_identity

MAX_PAGES = 1_000
_ROOT = re.compile(rb"<(?:(!doctype html|html|head|body)|rss|feed|rdf:rdf|urlset|sitemapindex)\b", re.IGNORECASE)
PREFETCH = 4
"""Pages fetched at once, after a feed has shown that it has several."""


@dataclass(frozen=True, slots=True)
class _ParsedPage:
    feed_page: FeedPage
    finished: ListingFinished


_Page = _ParsedPage | ListingUnchanged | EntrySkipped
_END = EntrySkipped("", "")
"""The missing page with which a feed ends."""


class PageInsteadOfFeedError(SourceReadError):
    """The address of a feed is that of a `page`."""

    def __init__(self, page: Fetched, reason: str) -> None:
        self.page = page
        super().__init__(page.url, reason)


async def read_feed(
    source: Source, fetcher: Fetcher, known: KnownListings = NO_LISTINGS, address: str = ""
) -> AsyncGenerator[ListingEvent, None]:
    """Yield all entries of a feed, at the source's address or at one that its site names, following its links to older
    ones or `?paged=N` until a page is missing or has nothing new; a WordPress whose feed has one page is asked for the
    list of its posts. Yield ListingUnchanged for unchanged pages of `known`; if the first is unchanged, nothing is new,
    and only known ones are looked at.

    Raises SourceReadError if the first page cannot be read, PageInsteadOfFeedError if it is HTML. A later page that
    fails ends the feed with EntrySkipped.
    """
    address = address or source.address
    first = await _page(source, address, fetcher, known)
    if isinstance(first, ListingUnchanged):
        yield first
        pages = _known_pages(source, address, fetcher, known)
        reading = _Reading()
    else:
        reading = _Reading(first.feed_page)
        for event in reading.events(first):
            yield event
        pages = _older_pages(source, address, first.feed_page, fetcher, known)
    async with aclosing(pages):
        async for page in pages:
            for event in reading.events(page):
                yield event
            if isinstance(page, EntrySkipped) or (isinstance(page, _ParsedPage) and reading.at_end):
                break
    if isinstance(first, _ParsedPage) and first.feed_page.posts_api and reading.pages == 1:
        async with aclosing(_linked_pages(source, first.feed_page.posts_api, fetcher, known)) as pages:
            async for page in pages:
                if isinstance(page, EntrySkipped):
                    return  # switched off by many sites
                for event in reading.events(page, repeats=False):
                    yield event


class _Reading:
    """Tells what is new on a page of a feed. Entries without a link, whose names may be made up for each request, are
    compared by their words. `at_end`: the last page had nothing; `pages` counts those that had."""

    def __init__(self, first: FeedPage | None = None) -> None:
        self._seen: set[str] = set()
        self._first = set(map(_wording, first.entries)) - {None} if first else set()
        self.pages = 0
        self.at_end = False

    def events(self, page: _Page, repeats: bool = True) -> Iterator[ListingEvent]:
        """Yield the new entries of a page, and its state. With `repeats`, a page that has mostly the entries of the
        first one counts as the same: many servers ignore the number of a page."""
        if not isinstance(page, _ParsedPage):
            if page is not _END:
                yield page
            return
        feed_page = page.feed_page
        again = sum(_wording(entry) in self._first for entry in feed_page.entries) if self.pages else 0
        new = [entry for entry in feed_page.entries if url_identity(entry.url) not in self._seen]
        if not new or (repeats and 2 * again > len(feed_page.entries)):
            self.at_end = True
            new = []
        if feed_page.damage and (new or not self.pages):
            yield EntrySkipped(feed_page.address, feed_page.damage)
        for entry in new:
            self._seen.add(url_identity(entry.url))
            yield entry
        if new and not feed_page.damage:
            yield page.finished
        self.pages += bool(new)


def _wording(entry: Entry) -> tuple[str, str] | None:
    return (entry.title, entry.body) if is_synthetic(entry.url) else None


async def _known_pages(
    source: Source, first: str, fetcher: Fetcher, known: KnownListings
) -> AsyncGenerator[_Page, None]:
    addresses = [address for address in known if address != first]
    for start in range(0, len(addresses), PREFETCH):
        batch = addresses[start : start + PREFETCH]
        for page in await asyncio.gather(*(_later_page(source, address, fetcher, known) for address in batch)):
            yield page


def _older_pages(
    source: Source, address: str, first: FeedPage, fetcher: Fetcher, known: KnownListings
) -> AsyncGenerator[_Page, None]:
    if first.next_page and first.next_page != _paged(address, 2):
        return _linked_pages(source, first.next_page, fetcher, known)
    return _numbered_pages(source, address, 1 if first.complete else MAX_PAGES, fetcher, known)


async def _linked_pages(
    source: Source, next_page: str, fetcher: Fetcher, known: KnownListings
) -> AsyncGenerator[_Page, None]:
    """Follow `rel=next` and the like (RFC 5005)."""
    for _ in range(MAX_PAGES):
        page = await _later_page(source, next_page, fetcher, known)
        yield page
        next_page = _next_page(page, known)
        if not next_page:
            return


async def _numbered_pages(
    source: Source, first: str, last: int, fetcher: Fetcher, known: KnownListings
) -> AsyncGenerator[_Page, None]:
    """Count up `?paged=N`, as WordPress does. Most other blogs repeat page 1 as page 2, so page 2 is fetched alone."""
    number, batch = 2, 1
    while number <= last:
        addresses = [_paged(first, number + step) for step in range(batch)]
        for page in await asyncio.gather(*(_later_page(source, address, fetcher, known) for address in addresses)):
            yield page
        number, batch = number + len(addresses), PREFETCH


async def _later_page(source: Source, address: str, fetcher: Fetcher, known: KnownListings) -> _Page:
    try:
        return await _page(source, address, fetcher, known)
    except PageNotFoundError:
        return _END
    except SourceReadError as error:
        return EntrySkipped(error.address, error.reason)


def is_page(fetched: Fetched) -> bool:
    """Return whether this is HTML rather than a feed or a sitemap."""
    root = _ROOT.search(fetched.body, 0, 4_000)
    return bool(root and root[1]) and not fetched.body.lstrip().startswith((b"{", b"["))


async def _page(source: Source, address: str, fetcher: Fetcher, known: KnownListings) -> _ParsedPage | ListingUnchanged:
    fetched = await fetcher.fetch(address, source.address, LISTING, known.get(address))
    if isinstance(fetched, NotModified):
        return ListingUnchanged(address, fetched.validators)
    try:
        page = await asyncio.to_thread(parse_feed, fetched, source, address)
    except SourceReadError as error:
        if is_page(fetched):
            raise PageInsteadOfFeedError(fetched, error.reason) from error
        raise
    return _ParsedPage(page, ListingFinished(address, fetched.validators, fetched.moved))


def _next_page(page: _Page, known: KnownListings) -> str:
    """Return the next page's address: an unchanged page is followed by the same page as in the last run."""
    match page:
        case _ParsedPage():
            return page.feed_page.next_page
        case ListingUnchanged():
            addresses = list(known)
            return next(iter(addresses[addresses.index(page.address) + 1 :]), "")
        case EntrySkipped():
            return ""
        case _:
            assert_never(page)


def _paged(address: str, number: int) -> str:
    return str(URL(address).update_query(paged=str(number)))

"""Sites of which only the address is known: their feed and sitemap are found, else their links are followed."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from itertools import takewhile
from typing import Literal
from urllib.parse import urlsplit

from core.domain import ListingFound, Source
from core.errors import SourceReadError
from core.ingestion.crawl import crawl
from core.ingestion.entries import (
    NO_LISTINGS,
    Entry,
    EntryOmitted,
    EntrySkipped,
    KnownListings,
    ListingEvent,
)
from core.ingestion.feed import is_page, read_feed
from core.ingestion.feed_items import join
from core.ingestion.fetch_result import LISTING, Fetched, PageNotFoundError
from core.ingestion.fetcher import Fetcher
from core.ingestion.page_links import PageLinks, page_links
from core.ingestion.site_scope import SiteScope
from core.ingestion.sitemap import read_sitemap
from core.ingestion.urls import url_identity

FEED_PATHS = ("feed/", "feed.xml", "rss.xml", "atom.xml", "index.xml", "rss/", "feed.json")
SITEMAP_PATHS = ("sitemap.xml", "sitemap_index.xml", "sitemap-index.xml", "wp-sitemap.xml", "sitemap.txt")

_Read = Callable[[Source, Fetcher, KnownListings], AsyncGenerator[ListingEvent, None]]

MAX_TRIED = 5
"""Feeds that a page names and that are tried."""


async def read_site(
    source: Source, fetcher: Fetcher, known: KnownListings = NO_LISTINGS, page: Fetched | None = None
) -> AsyncGenerator[ListingEvent, None]:
    """Yield what was found, and its entries: those of the feed, then those of the sitemap that the feed does not have;
    if there is neither, or if the source says so, those of all pages that links lead to. `page` is the source's page
    if it has been fetched.

    Raises SourceReadError if the page cannot be fetched, or if nothing is found and links may not be followed.
    """
    missing: PageNotFoundError | None = None
    try:
        page = page or await _fetch(source, fetcher)
    except PageNotFoundError as error:
        if not is_root(source):
            raise
        # Some sites have posts and a sitemap, but no home page.
        missing, page = error, Fetched(source.address, b"<html></html>", "text/html", None)
    if not is_page(page):
        async with aclosing(_read_listing(source, fetcher, known)) as events:
            async for event in events:
                yield event
        return
    links = await asyncio.to_thread(page_links, page)
    site = _Site(source, fetcher, page, links, await fetcher.sitemaps(page.url, source.address))
    seen: set[str] = set()
    async with aclosing(site.events(known)) as events:
        async for event in events:
            if isinstance(event, Entry):
                if url_identity(event.url) in seen:
                    continue
                seen.add(url_identity(event.url))
            if missing and isinstance(event, ListingFound) and event.kind == "links":
                raise missing
            yield event


def is_root(source: Source) -> bool:
    """Return whether a source's address is that of a whole site."""
    return urlsplit(source.address).path in {"", "/"}


async def _read_listing(source: Source, fetcher: Fetcher, known: KnownListings) -> AsyncGenerator[ListingEvent, None]:
    """Read a feed or a sitemap whose own address was given."""
    kinds: dict[Literal["feed", "sitemap"], _Read] = {"feed": read_feed, "sitemap": read_sitemap}
    for kind, read in kinds.items():
        found = False
        try:
            async with aclosing(read(source, fetcher, known)) as events:
                async for event in events:
                    if not found:
                        found = True
                        yield ListingFound(kind, source.address)
                    yield event
        except SourceReadError:
            if found or kind == "sitemap":
                raise
        if found:
            return


async def _fetch(source: Source, fetcher: Fetcher) -> Fetched:
    fetched = await fetcher.fetch(source.address, source.address, LISTING)
    assert isinstance(fetched, Fetched), "the request had no validators"
    return fetched


class _Site:
    """The parts of a site. `sitemaps` are those that its robots.txt names."""

    def __init__(
        self, source: Source, fetcher: Fetcher, page: Fetched, links: PageLinks, sitemaps: tuple[str, ...]
    ) -> None:
        self._source = source
        self._fetcher = fetcher
        self._page = page
        self._links = links
        self._sitemaps = tuple(dict.fromkeys((*sitemaps, *links.sitemaps)))[:MAX_TRIED] or tuple(
            self._usual(SITEMAP_PATHS)
        )
        self._scope = SiteScope(source, page.url)
        self._has_feed = self._has_sitemap = False

    async def events(self, known: KnownListings) -> AsyncGenerator[ListingEvent, None]:
        """Yield what is found, part by part."""
        for part in (self._feed(known), self._sitemap(known), self._crawl()):
            async with aclosing(part) as events:
                async for event in events:
                    yield event

    def _usual(self, paths: tuple[str, ...]) -> Iterator[str]:
        """Return the addresses of usual paths, below the page and at the root of its site."""
        for base in dict.fromkeys((join(self._page.url, "."), join(self._page.url, "/"))):
            yield from (join(base, path) for path in paths)

    async def _feed(self, known: KnownListings) -> AsyncGenerator[ListingEvent, None]:
        # The files of the sitemap were read after the pages of the feed.
        pages = {address: known[address] for address in takewhile(lambda page: page not in self._sitemaps, known)}
        for address in self._links.feeds[:MAX_TRIED] or self._usual(FEED_PATHS):
            try:
                async with aclosing(read_feed(self._source, self._fetcher, pages, address)) as events:
                    async for event in events:
                        if not self._has_feed:
                            self._has_feed = True
                            yield ListingFound("feed", address)
                        yield event
            except SourceReadError as error:
                if self._links.feeds and not isinstance(error, PageNotFoundError):
                    yield EntrySkipped(error.address, error.reason)
            if self._has_feed:
                return

    async def _sitemap(self, known: KnownListings) -> AsyncGenerator[ListingEvent, None]:
        # With a feed beside it, it is always read: posts that are no longer in the feed are only there.
        pages = NO_LISTINGS if self._has_feed else known
        for address in self._sitemaps:
            try:
                async with aclosing(read_sitemap(self._source, self._fetcher, pages, address)) as events:
                    async for event in events:
                        if not self._has_sitemap:
                            self._has_sitemap = True
                            yield ListingFound("sitemap", address)
                        omission = isinstance(event, Entry) and self._scope.omission(
                            event.url, event.listing, self._has_feed
                        )
                        yield EntryOmitted(event.url, omission) if isinstance(event, Entry) and omission else event
            except PageNotFoundError:
                continue
            except SourceReadError as error:
                if address not in self._usual(SITEMAP_PATHS):
                    yield EntrySkipped(error.address, error.reason)
            if self._has_sitemap and address in self._usual(SITEMAP_PATHS):
                return

    async def _crawl(self) -> AsyncGenerator[ListingEvent, None]:
        found = self._has_feed or self._has_sitemap
        # An error page in place of a feed is not followed.
        is_site = self._source.kind == "site" or is_root(self._source)
        if not found and (self._source.crawl is False or not (is_site or self._source.crawl)):
            raise SourceReadError(self._source.address, "it is not a feed, and names neither a feed nor a sitemap")
        if found and not self._source.crawl:
            return
        yield ListingFound("links", self._page.url)
        async with aclosing(crawl(self._source, self._fetcher, self._page, self._scope, self._has_feed)) as events:
            async for event in events:
                yield event

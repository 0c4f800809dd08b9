"""Following the links of a site, page by page."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterator

from core.domain import Source
from core.errors import SourceReadError
from core.ingestion.entries import Entry, EntryOmitted, EntrySkipped, ListingEvent
from core.ingestion.fetch_result import PAGE, Fetched, PageNotFoundError
from core.ingestion.fetcher import Fetcher
from core.ingestion.page_links import page_links
from core.ingestion.site_scope import SiteScope
from core.ingestion.urls import accept_canonical, clean_url, extract_canonical, url_identity

MAX_PAGES = 1_000
PREFETCH = 8
"""Pages fetched at once."""


async def crawl(
    source: Source, fetcher: Fetcher, first: Fetched, scope: SiteScope, is_blog: bool = False
) -> AsyncGenerator[ListingEvent, None]:
    """Yield the pages that links lead to from the `first`, nearest first, with their content."""
    crawler = _Crawler(source, fetcher, scope, is_blog)
    pages: list[Fetched | EntrySkipped | None] = [first]
    while pages:
        for page in pages:
            if isinstance(page, Fetched):
                for event in await asyncio.to_thread(crawler.events, page):
                    yield event
            elif page:
                yield page
        pages = await crawler.next_pages()
    if crawler.waiting:
        yield EntrySkipped(source.address, f"its links lead to more than {MAX_PAGES:,} pages; the rest were skipped")


class _Crawler:
    """The pages that have been seen, and those that are `waiting` to be fetched."""

    def __init__(self, source: Source, fetcher: Fetcher, scope: SiteScope, is_blog: bool) -> None:
        self._source = source
        self._fetcher = fetcher
        self._scope = scope
        self._is_blog = is_blog
        self._seen: set[str] = set()
        self._read: set[str] = set()
        self._fetched = 1
        self.waiting: deque[str] = deque()

    async def next_pages(self) -> list[Fetched | EntrySkipped | None]:
        """Fetch some of the pages that are waiting; None for those that do not exist."""
        batch = [self.waiting.popleft() for _ in range(min(PREFETCH, len(self.waiting), MAX_PAGES - self._fetched))]
        self._fetched += len(batch)
        return list(await asyncio.gather(*map(self._fetch, batch)))

    async def _fetch(self, address: str) -> Fetched | EntrySkipped | None:
        try:
            fetched = await self._fetcher.fetch(address, self._source.address, PAGE)
        except PageNotFoundError:
            return None
        except SourceReadError as error:
            return EntrySkipped(error.address, error.reason)
        return fetched if isinstance(fetched, Fetched) else None

    def events(self, page: Fetched) -> list[ListingEvent]:
        """Return the page as an entry, unless it is none, and queue what it links to."""
        return list(self._events(page))

    def _events(self, page: Fetched) -> Iterator[ListingEvent]:
        canonical = accept_canonical(page.canonical or extract_canonical(page.body, page.url), page.url)
        address = canonical or clean_url(page.url)
        self._seen |= {url_identity(page.url), url_identity(address)}
        try:
            links = page_links(page)
        except SourceReadError as error:
            yield EntrySkipped(error.address, error.reason)
            return
        omission = self._scope.omission(page.url, is_blog=self._is_blog)
        if omission:
            yield EntryOmitted(page.url, omission)
        elif links.listed and url_identity(address) not in self._read:
            self._read.add(url_identity(address))
            yield Entry(address, "", self._source, page=page)
        for link in links.pages if omission != "elsewhere" else ():  # a redirect may leave the site
            if url_identity(link) not in self._seen and self._scope.may_follow(link):
                self._seen.add(url_identity(link))
                self.waiting.append(link)

"""Shortcuts: fetch a configured address, list a source, parse an entry into a post."""

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from core.domain import Post, Source
from core.errors import SourceReadError
from core.ingestion.article import extract
from core.ingestion.entries import NO_LISTINGS, Entry, EntrySkipped, KnownListings, ListingEvent
from core.ingestion.fetch_result import PAGE, Fetched, FetchProfile, NotModified
from core.ingestion.fetcher import Fetcher
from core.ingestion.sources import fetch_page, list_source, parse_post
from tests.servers.hostile import HostileSite, RawResponse

ADDRESS = "https://blog.example/2023/03/05/bees/"
WORDS = "The hives stand on a flat roof, and in winter the bees keep the queen warm all night, {n} of them."


async def fetch(fetcher: Fetcher, address: str, profile: FetchProfile = PAGE) -> Fetched:
    """Fetch an address as that of a configured source."""
    fetched = await fetcher.fetch(address, address, profile)
    assert isinstance(fetched, Fetched)
    return fetched


async def events_of(source: Source, fetcher: Fetcher, known: KnownListings = NO_LISTINGS) -> list[ListingEvent]:
    """Return all events of listing a source."""
    async with aclosing(list_source(source, fetcher, known)) as events:
        return [event async for event in events]


async def listed(source: Source, fetcher: Fetcher) -> list[Entry | EntrySkipped]:
    """Return the entries of a source, and those skipped."""
    return [event for event in await events_of(source, fetcher) if isinstance(event, Entry | EntrySkipped)]


async def post_of(entry: Entry, fetcher: Fetcher) -> Post:
    """Parse the entry's post, fetching its page if needed."""
    page = await fetch_page(entry, fetcher)
    assert not isinstance(page, NotModified)
    return await to_post(entry, page)


async def to_post(entry: Entry, page: Fetched | None) -> Post:
    """Parse in a thread, since parsers read files of their own on first use."""
    return await asyncio.to_thread(parse_post, entry, page)


def source(kind: Any, address: str, **options: Any) -> Source:
    return Source("blog", kind, address, **options)


async def reason(site: HostileSite, fetcher: Fetcher, answer: RawResponse, kind: str = "page") -> str:
    """Return why the response cannot be read as a page, a feed or a sitemap."""
    site.answers["/it"] = answer
    with pytest.raises(SourceReadError) as caught:
        if kind == "page":
            entry = Entry(site.url("/it"), "", source("sitemap", site.url()))
            page = await fetch_page(entry, fetcher)
            assert isinstance(page, Fetched)
            await to_post(entry, page)
        else:
            await events_of(source(kind, site.url("/it")), fetcher)
    return caught.value.reason


async def files_of(folder: Path, fetcher: Fetcher, **options: object) -> list[Entry | EntrySkipped]:
    return await listed(Source("manual", "folder", str(folder), **options), fetcher)  # type: ignore[arg-type]


async def post_of_file(folder: Path, fetcher: Fetcher, name: str, text: str | bytes, **options: object) -> Post:
    """Write the only file of a folder and return its post."""
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    (entry,) = await files_of(folder, fetcher, **options)
    assert isinstance(entry, Entry)
    assert await fetch_page(entry, fetcher) is None
    return await to_post(entry, None)


def read_article(inner: str, head: str = "", around: str = "<main><article>{}</article></main>") -> str:
    """Return the article of a page with paragraphs before and after the markup."""
    before, after = (f"<p>{WORDS.format(n=n)}</p>" * 3 for n in ("hundreds", "thousands"))
    body = around.format(f"<h1>Bees on the roof</h1>{before}{inner}{after}")
    nav, footer = "<nav><a href='/'>Home</a></nav>", "<footer>All rights reserved</footer>"
    return extract(f"<html><head>{head}</head><body>{nav}{body}{footer}</body></html>", ADDRESS).text

"""Sitemaps and their indexes are read completely, or the gap is reported."""

import gzip
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from aiohttp import web

from core.domain import Source
from core.errors import SourceReadError
from core.ingestion import sitemap as sitemaps
from core.ingestion.entries import Entry, EntrySkipped
from core.ingestion.fetch_result import LISTING, Fetched
from core.ingestion.fetcher import Fetcher
from core.ingestion.sitemap import Sitemap, parse_sitemap, read_sitemap
from core.ingestion.sources import fetch_page, needs_page
from tests.core.ingestion import helpers
from tests.core.ingestion.helpers import post_of
from tests.servers.blog import SITEMAPS, Blog, Page
from tests.servers.loopback import Status

URLS = "<url><loc>https://blog.example/a</loc></url><url><loc>https://blog.example/b</loc></url>"
WHOLE = f"<urlset {SITEMAPS}>{URLS}</urlset>"


async def listed(address: str, fetcher: Fetcher, **options: object) -> list[Entry | EntrySkipped]:
    return await helpers.listed(helpers.source("sitemap", address, **options), fetcher)


def parsed(body: str | bytes) -> Sitemap:
    body = body.encode() if isinstance(body, str) else body
    return parse_sitemap(Fetched("https://blog.example/sitemap.xml", body, "application/xml", None))


@pytest.mark.parametrize("path", ["/sitemap.xml", "/sitemap-index.xml"])
async def test_all_sitemap_pages_are_listed_with_their_dates(path: str, blog: Blog, fetcher: Fetcher) -> None:
    """The index lists one plain sitemap and one compressed."""
    items = await listed(blog.url(path), fetcher)
    assert [item.url for item in items if isinstance(item, Entry)] == [
        blog.url(f"/post-{n}/") for n in range(12, 0, -1)
    ]
    assert isinstance(items[0], Entry)
    assert items[0].modified == datetime(2026, 1, 12, tzinfo=UTC)
    assert items[0].published is None


async def test_sitemap_page_becomes_a_post(blog: Blog, fetcher: Fetcher) -> None:
    (entry,) = await listed(blog.url("/sitemap.xml"), fetcher, limit=1)
    assert isinstance(entry, Entry)
    assert needs_page(entry)
    post = await post_of(entry, fetcher)
    assert (post.title, post.source) == ("Post 12", "blog")
    assert "Number 12." in post.text


async def test_unreadable_sitemap_of_an_index_is_reported(blog: Blog, fetcher: Fetcher) -> None:
    blog.inject_fault("/sitemap-1.xml", Status(403))
    items = await listed(blog.url("/sitemap-index.xml"), fetcher)
    assert items[0] == EntrySkipped(blog.url("/sitemap-1.xml"), "the server answered 403")
    assert sum(isinstance(item, Entry) for item in items) == 6


@pytest.mark.parametrize("path", ["/post-1/", "/feed/", "/robots.txt"])
async def test_document_that_is_not_a_sitemap_is_rejected(path: str, blog: Blog, fetcher: Fetcher) -> None:
    with pytest.raises(SourceReadError, match="it is not a sitemap"):
        await listed(blog.url(path), fetcher)


@pytest.mark.parametrize("body", [b"", b" ", b"\x00", b"plain words", b"<a/>", b"<?xml version='1.0'?>"])
def test_bytes_that_are_not_a_sitemap_are_rejected(body: bytes) -> None:
    with pytest.raises(SourceReadError):
        parsed(body)


@pytest.mark.parametrize(
    "body",
    [
        WHOLE,
        f'<?xml version="1.0" encoding="UTF-8"?>\n{WHOLE}',
        WHOLE.replace(f" {SITEMAPS}", ""),
        f"<urlset {SITEMAPS}><!-- note -->{URLS}</urlset>",
        WHOLE.replace("<loc>", "<loc>\n   ").replace("</loc>", "\n</loc>"),
        WHOLE.replace("https://blog.example/a", "<![CDATA[https://blog.example/a]]>"),
        WHOLE.replace("</urlset>", "<url></url><url><loc/></url></urlset>"),
    ],
)
def test_all_sitemap_variants_are_read(body: str) -> None:
    for bytes_ in (body.encode(), gzip.compress(body.encode())):
        sitemap = parsed(bytes_)
        assert [page.address for page in sitemap.pages] == ["https://blog.example/a", "https://blog.example/b"]
        assert not sitemap.damage


@pytest.mark.parametrize(
    "body",
    [WHOLE[: WHOLE.index("/b</loc>")], WHOLE.replace("/b<", "/b?x&y<"), WHOLE.replace("</urlset>", "")],
)
def test_damaged_sitemap_is_read_as_far_as_possible(body: str) -> None:
    sitemap = parsed(body)
    assert sitemap.pages[0][0] == "https://blog.example/a"
    assert sitemap.damage.startswith("it is not well-formed")


@pytest.mark.parametrize("spoil", [lambda packed: packed[:-20], lambda packed: packed[:15] + b"\xff" + packed[16:]])
def test_damaged_archive_is_reported(spoil: object) -> None:
    with pytest.raises(SourceReadError, match="gzip"):
        parsed(spoil(gzip.compress(WHOLE.encode() * 5)))  # type: ignore[operator]


def test_oversized_archive_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemaps, "LISTING", replace(LISTING, max_bytes=1024 * 1024))
    with pytest.raises(SourceReadError, match="larger than 1 MB"):
        parsed(gzip.compress(b" " * 10 * 1024 * 1024))


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-01-12", datetime(2026, 1, 12, tzinfo=UTC)),
        ("2026-01-12T10:00:00Z", datetime(2026, 1, 12, 10, tzinfo=UTC)),
        ("2026-01-12T10:00:00+00:00", datetime(2026, 1, 12, 10, tzinfo=UTC)),
        ("2026-01-12T10:00:00+0000", datetime(2026, 1, 12, 10, tzinfo=UTC)),
        ("2026-01-12 10:00", datetime(2026, 1, 12, 10, tzinfo=UTC)),
        ("2026-1-12", datetime(2026, 1, 12, tzinfo=UTC)),
        ("2026-01", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026", datetime(2026, 1, 1, tzinfo=UTC)),
        ("Mon, 12 Jan 2026 10:00:00 GMT", datetime(2026, 1, 12, 10, tzinfo=UTC)),
        ("January 12, 2026", datetime(2026, 1, 12, tzinfo=UTC)),
        ("0000-00-00", None),
        ("9999-99-99T99:99", None),
        ("yesterday", None),
        ("2026" * 100, None),
        ("", None),
    ],
)
def test_lastmod_is_read_in_many_forms(written: str, day: datetime | None) -> None:
    body = f"<urlset {SITEMAPS}><url><loc>https://a.example/</loc><lastmod>{written}</lastmod></url></urlset>"
    assert parsed(body).pages == (("https://a.example/", day, None, ""),)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_list_of_addresses_is_a_sitemap(encoding: str) -> None:
    body = "\nhttps://blog.example/a\r\nhttps://blog.example/b?c=d&e\n\nnot an address\n".encode(encoding)
    addresses = ["https://blog.example/a", "https://blog.example/b?c=d&e"]
    assert [page.address for page in parsed(body).pages] == addresses
    assert [page.address for page in parsed(gzip.compress(body)).pages] == addresses


def test_news_have_a_title_and_a_date_and_images_are_no_pages() -> None:
    body = f"""\n<?xml version="1.0"?><urlset {SITEMAPS} xmlns:n="http://www.google.com/schemas/sitemap-news/0.9"
        xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
        <url><image:image><image:loc>https://cdn.example/a.jpg</image:loc></image:image><loc>/a</loc>
        <n:news><n:publication><n:name>N</n:name></n:publication><n:publication_date>2026-01-12</n:publication_date>
        <n:title>Flood &amp; fire</n:title></n:news></url></urlset>"""
    published = datetime(2026, 1, 12, tzinfo=UTC)
    assert parsed(body).pages == (("https://blog.example/a", None, published, "Flood & fire"),)
    assert not parsed(body).damage


class Nested(Blog):
    """Indexes that list themselves, each other, a sitemap, and one level more without end."""

    def page_for(self, request: web.Request) -> Page | None:
        if not request.path.startswith("/level-"):
            return super().page_for(request)
        level = int(request.path.removeprefix("/level-"))
        inner = (f"/level-{level}", f"/level-{max(level - 1, 0)}", f"/level-{level + 1}", "/sitemap.xml")
        places = "".join(f"<sitemap><loc>{self.url(path)}</loc></sitemap>" for path in inner)
        return Page(f"<sitemapindex {SITEMAPS}>{places}</sitemapindex>".encode(), "application/xml")


async def test_cyclic_sitemap_indexes_are_read_once_and_to_a_limited_depth(blog: Blog, fetcher: Fetcher) -> None:
    async with Nested(blog.posts) as nested:
        source = Source("blog", "sitemap", nested.url("/level-0"))
        async with aclosing(read_sitemap(source, fetcher)) as items:
            found = [item async for item in items]
        assert sum(isinstance(item, Entry) for item in found) == 12
        assert [item.address for item in found if isinstance(item, EntrySkipped)] == [nested.url("/level-4")]
        assert {count for path, count in nested.requests.items() if path != "/robots.txt"} == {1}


async def test_invalid_address_does_not_stop_the_listing(fetcher: Fetcher) -> None:
    class Odd(Blog):
        def page_for(self, request: web.Request) -> Page | None:
            body = WHOLE.replace("https://blog.example/a", "http://[bad")
            return Page(body.encode(), "application/xml") if request.path == "/sitemap.xml" else None

    async with Odd() as odd:
        first, second = await listed(odd.url("/sitemap.xml"), fetcher, exclude=("/c",))
    assert isinstance(first, Entry)
    assert isinstance(second, Entry)
    assert second.url == "https://blog.example/b"
    with pytest.raises(SourceReadError):
        await fetch_page(first, fetcher)


async def test_damaged_sitemap_makes_the_source_incomplete(fetcher: Fetcher) -> None:
    """Otherwise pages missing after the damage would be deleted."""

    class Damaged(Blog):
        def page_for(self, request: web.Request) -> Page | None:
            return Page(WHOLE[:-20].encode(), "application/xml") if request.path == "/sitemap.xml" else None

    async with Damaged() as damaged:
        items = await listed(damaged.url("/sitemap.xml"), fetcher)
    assert [item.address for item in items if isinstance(item, EntrySkipped)] == [damaged.url("/sitemap.xml")]
    assert any(isinstance(item, Entry) for item in items)

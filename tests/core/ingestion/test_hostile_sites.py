"""Hostile responses end in a clear reason, quickly and within limits."""

import gzip
import tracemalloc
import zlib
from dataclasses import replace
from datetime import timedelta
from functools import cache
from time import process_time

import pytest

from core.errors import SourceReadError
from core.ingestion.entries import Entry, EntrySkipped
from core.ingestion.fetch_result import Fetched
from core.ingestion.fetcher import Fetcher
from core.ingestion.sources import fetch_page
from tests.core.ingestion.conftest import POLICY
from tests.core.ingestion.helpers import events_of, fetch, reason, source, to_post
from tests.servers.hostile import (
    HostileSite,
    RawResponse,
    deflate_bomb,
    gzip_bomb,
    raw_tcp_server,
)

WORDS = b"<p>Words.</p>" * 1_000
BOMBS = {"gzip": cache(lambda: gzip_bomb(200)), "deflate": cache(lambda: deflate_bomb(200))}


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP", "deflate"])
async def test_compressed_page_is_decompressed(encoding: str, site: HostileSite, fetcher: Fetcher) -> None:
    packed = gzip.compress(WORDS) if "gzip" in encoding.lower() else zlib.compress(WORDS)
    site.answers["/it"] = RawResponse(packed, headers={"Content-Encoding": encoding})
    assert (await fetch(fetcher, site.url("/it"))).body == WORDS
    assert site.headers["/it"]["Accept-Encoding"] == "gzip, deflate"


@pytest.mark.parametrize(
    ("encoding", "kind"), [("gzip", "page"), ("deflate", "page"), ("gzip", "feed"), ("deflate", "sitemap")]
)
async def test_decompression_bomb_is_rejected(encoding: str, kind: str, site: HostileSite, fetcher: Fetcher) -> None:
    bomb = BOMBS[encoding]()
    tracemalloc.start()
    try:
        answer = RawResponse(
            bomb, "text/html" if kind == "page" else "text/xml", headers={"Content-Encoding": encoding}
        )
        told_reason = await reason(site, fetcher, answer, kind)
        assert tracemalloc.get_traced_memory()[1] < 100 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert told_reason == f"it is larger than {5 if kind == 'page' else 20} MB"


async def test_compressed_sitemap_is_decompressed_within_limits(site: HostileSite, fetcher: Fetcher) -> None:
    for answer in (
        RawResponse(BOMBS["gzip"](), "application/gzip"),
        RawResponse(gzip.compress(BOMBS["gzip"]()), "application/xml", headers={"Content-Encoding": "gzip"}),
    ):
        assert await reason(site, fetcher, answer, "sitemap") == "it is larger than 20 MB when decompressed"


@pytest.mark.parametrize(
    ("body", "encoding", "why"),
    [
        (WORDS, "gzip", "its gzip data is damaged"),
        (gzip.compress(WORDS, mtime=0)[:-30], "gzip", "its gzip data is damaged"),
        (b"", "gzip", "its gzip data is damaged"),
        (WORDS, "deflate", "its deflate data is damaged"),
        (zlib.compress(WORDS)[:-30], "deflate", "its deflate data is damaged"),
        (b"\x0b\x02\x80", "br", "it is compressed with br, which was not requested"),
        (b"\x28\xb5\x2f\xfd", "zstd", "it is compressed with zstd, which was not requested"),
        (gzip.compress(WORDS, mtime=0), "gzip, gzip", "it is compressed with gzip, gzip, which was not requested"),
    ],
    ids=["plain as gzip", "cut gzip", "nothing", "plain as deflate", "cut deflate", "brotli", "zstd", "twice"],
)
async def test_undecodable_body_is_reported(
    body: bytes, encoding: str, why: str, site: HostileSite, fetcher: Fetcher
) -> None:
    assert await reason(site, fetcher, RawResponse(body, headers={"Content-Encoding": encoding})) == why


async def test_long_robots_txt_is_truncated_and_obeyed(site: HostileSite, fetcher: Fetcher) -> None:
    rules = b"User-agent: *\nDisallow: /private/\n" + b"# words\n" * 200_000
    site.answers |= {
        "/robots.txt": RawResponse(rules, "text/plain"),
        "/private/": RawResponse(WORDS),
        "/open/": RawResponse(WORDS),
    }
    assert (await fetch(fetcher, site.url("/open/"))).body == WORDS
    with pytest.raises(SourceReadError, match="robots"):
        await fetch(fetcher, site.url("/private/"))


async def test_hostile_robots_txt_is_matched_quickly(site: HostileSite, fetcher: Fetcher) -> None:
    rules = "User-agent: *\n" + f"Disallow: /{'*a' * 500}b$\n" * 400
    site.answers |= {"/robots.txt": RawResponse(rules.encode(), "text/plain"), "/" + "a" * 1_000: RawResponse(WORDS)}
    began = process_time()
    assert (await fetch(fetcher, site.url("/" + "a" * 1_000))).body == WORDS
    assert process_time() - began < 5


@pytest.mark.parametrize("charset", ["punycode", "utf-7", "zlib", "no-such", "\x00"])
async def test_unsafe_encodings_are_ignored_for_pages(charset: str, site: HostileSite, fetcher: Fetcher) -> None:
    body = f"<meta charset='{charset}'><p>{'Words ' * 50_000}-über</p>".encode()
    site.answers["/it"] = RawResponse(body, "text/html" + (f"; charset={charset}" if charset.isprintable() else ""))
    entry = Entry(site.url("/it"), "", source("sitemap", site.url()))
    page = await fetch_page(entry, fetcher)
    assert isinstance(page, Fetched)
    began = process_time()
    assert "-über" in (await to_post(entry, page)).text
    assert process_time() - began < 4


@pytest.mark.parametrize(
    ("media_type", "kind", "why"),
    [
        ("application/pdf", "page", "it is not a page but application/pdf"),
        ("application/octet-stream", "page", "it is not a page but application/octet-stream"),
        ("image/png", "page", "it is not a page but image/png"),
        ("application/rss+xml", "page", "it is not a page but application/rss+xml"),
        ("image/png", "feed", "it is not a feed or sitemap but image/png"),
        ("video/mp4; codecs=x", "feed", "it is not a feed or sitemap but video/mp4"),
        ("application/pdf", "sitemap", "it is not a feed or sitemap but application/pdf"),
        ("application/zip", "sitemap", "it is not a feed or sitemap but application/zip"),
        ("text/html", "feed", "it is not a feed"),
        ("application/octet-stream", "sitemap", "it is not a sitemap"),
    ],
)
async def test_wrong_media_type_is_rejected(
    media_type: str, kind: str, why: str, site: HostileSite, fetcher: Fetcher
) -> None:
    assert (await reason(site, fetcher, RawResponse(WORDS, media_type), kind)).startswith(why)


@pytest.mark.parametrize("media_type", ["TEXT/HTML", "text/html;charset", "text/plain"])
async def test_unusual_media_types_are_accepted(media_type: str, site: HostileSite, fetcher: Fetcher) -> None:
    site.answers["/it"] = RawResponse(WORDS, media_type)
    assert (await fetch(fetcher, site.url("/it"))).body == WORDS


async def test_page_without_media_type_is_accepted(fetcher: Fetcher) -> None:
    async with raw_tcp_server(b"HTTP/1.0 200 OK\r\n\r\n<p>Words.") as address:
        fetched = await fetch(fetcher, address)
    assert (fetched.body, fetched.media_type) == (b"<p>Words.", "")


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 999 What\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFFFF\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000 + b"\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: \xff\xfe\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\n\r\n",
        b"HTTP/1.1 302 Found\r\n\r\n",
        b"HTTP/1.1 301 Moved\r\nLocation: ?" + b"x" * 5_000 + b"\r\n\r\n",
        b"\x00" * 100_000,
    ],
)
async def test_invalid_http_is_reported(said: bytes) -> None:
    async with raw_tcp_server(said) as address, Fetcher("Footnoted", POLICY) as fetcher:
        with pytest.raises(SourceReadError) as caught:
            await fetch(fetcher, address)
    assert len(caught.value.reason) < 100


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<p>"])
async def test_silent_server_times_out(said: bytes) -> None:
    patient = replace(POLICY, deadline=timedelta(seconds=0.3), read_timeout=timedelta(seconds=0.1))
    async with raw_tcp_server(said, keep_open=True) as address, Fetcher("Footnoted", patient) as fetcher:
        with pytest.raises(SourceReadError, match="it did not respond in time"):
            await fetch(fetcher, address)


async def test_redirects_share_one_deadline(site: HostileSite) -> None:
    """Each hop is in time; all together are not."""
    async with HostileSite() as slow:
        for hop in range(5):
            slow.answers[f"/{hop}"] = RawResponse(status=302, headers={"Location": f"/{hop + 1}"})
        deadline = timedelta(microseconds=1)
        async with Fetcher("Footnoted", replace(POLICY, deadline=deadline)) as fetcher:
            with pytest.raises(SourceReadError, match="it did not respond in time"):
                await fetch(fetcher, slow.url("/0"))
        assert slow.requests.total() <= 2


async def test_too_many_redirects_are_reported(site: HostileSite, fetcher: Fetcher) -> None:
    for hop in range(10):
        site.answers[f"/{hop}"] = RawResponse(status=301, headers={"Location": f"/{hop + 1}"})
    site.answers["/10"] = RawResponse(WORDS)
    assert (await fetch(fetcher, site.url("/5"))).url == site.url("/10")
    with pytest.raises(SourceReadError, match="it redirects too many times"):
        await fetch(fetcher, site.url("/4"))


@pytest.mark.parametrize("piece", ["<b>", "<pre>", "<div><", "<p>x</p>", "<template>", "<p hidden>", "<table><tr><td>"])
async def test_page_of_nothing_but_tags_is_rejected_quickly(piece: str, site: HostileSite, fetcher: Fetcher) -> None:
    body = (piece * (4_500_000 // len(piece))).encode()
    began = process_time()
    assert await reason(site, fetcher, RawResponse(body)) in {
        "it has too many elements",
        "its elements are nested too deeply",
    }
    assert process_time() - began < 5


async def test_feed_of_nothing_but_tags_is_rejected_quickly(site: HostileSite, fetcher: Fetcher) -> None:
    body = b"<rss version='2.0'><channel>" + b"<item>" * 3_000_000
    began = process_time()
    assert await reason(site, fetcher, RawResponse(body, "text/xml"), "feed") == "it has too many elements"
    assert process_time() - began < 5


async def test_endless_source_is_cut_off(site: HostileSite, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.ingestion.sources.MAX_ENTRIES", 50)
    places = "".join(f"<url><loc>{site.url(f'/{number}')}</loc></url>" for number in range(60))
    site.answers["/it"] = RawResponse(f"<urlset>{places}</urlset>".encode(), "text/xml")
    events = await events_of(source("sitemap", site.url("/it")), fetcher)
    assert sum(isinstance(event, Entry) for event in events) == 50
    assert events[-1] == EntrySkipped(site.url("/it"), "it lists more than 50 posts; the rest were skipped")


async def test_endless_sitemap_index_is_cut_off(
    site: HostileSite, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.ingestion.sitemap.MAX_FILES", 5)
    places = "".join(f"<sitemap><loc>{site.url(f'/{number}.xml')}</loc></sitemap>" for number in range(60))
    site.answers["/it"] = RawResponse(f"<sitemapindex>{places}</sitemapindex>".encode(), "text/xml")
    events = await events_of(source("sitemap", site.url("/it")), fetcher)
    assert events[1] == EntrySkipped(site.url("/it"), "it lists more than 5 sitemaps; the rest were skipped")
    assert site.requests.total() == 7  # with robots.txt

"""Feeds and sitemaps with entities or odd encodings are rejected quickly."""

from collections.abc import Callable
from time import process_time

import pytest

from core.ingestion.entries import Entry
from core.ingestion.fetcher import Fetcher
from tests.core.ingestion.helpers import events_of, reason, source
from tests.servers.hostile import HostileSite, RawResponse, billion_laughs, external_entity, quadratic_blowup

FEED = '<rss version="2.0"><channel><item><title>{bomb}</title><link>/a</link></item></channel></rss>'
SITEMAP = "<urlset><url><loc>https://blog.example/{bomb}</loc></url></urlset>"
ATTRIBUTE = '<urlset><url a="{bomb}"><loc>https://blog.example/</loc></url></urlset>'


async def assert_rejected(site: HostileSite, fetcher: Fetcher, kind: str, body: bytes) -> None:
    began = process_time()
    assert await reason(site, fetcher, RawResponse(body, "text/xml"), kind) == (
        "it declares entities that expand or refer to something external"
    )
    assert process_time() - began < 2


@pytest.mark.parametrize(
    "bomb",
    [
        lambda root, inside: billion_laughs(root, inside),
        lambda root, inside: quadratic_blowup(root, inside),
        lambda root, inside: external_entity(root, inside, "file:///etc/passwd"),
        lambda root, inside: external_entity(root, inside, "http://127.0.0.1:1/"),
        lambda root, inside: billion_laughs(root, inside).replace(b"<!DOCTYPE", b"<!-- <a> --><!DOCTYPE"),
        lambda root, inside: billion_laughs(root, inside).replace(
            b"<!DOCTYPE " + root.encode() + b" ", b"<!DOCTYPE\n" + b"r"
        ),
        lambda root, inside: quadratic_blowup(root, inside).replace(b"<!ENTITY a", b"<!ENTITY % b '#'><!ENTITY a"),
        lambda root, inside: quadratic_blowup(root, inside).replace(b"[<!ENTITY", b"[<!-- ]> --><!ENTITY"),
    ],
)
async def test_expanding_or_external_entities_are_rejected(
    bomb: Callable[[str, str], bytes], site: HostileSite, fetcher: Fetcher
) -> None:
    await assert_rejected(site, fetcher, "feed", bomb("rss", FEED))
    for inside in (SITEMAP, ATTRIBUTE):
        await assert_rejected(site, fetcher, "sitemap", bomb("urlset", inside))


@pytest.mark.parametrize("charset", ["utf-16", "utf-16-be"])
async def test_entities_are_rejected_in_other_encodings(charset: str, site: HostileSite, fetcher: Fetcher) -> None:
    for kind, root, inside in (("feed", "rss", FEED), ("sitemap", "urlset", SITEMAP)):
        body = billion_laughs(root, inside).decode().replace("UTF-8", charset.replace("-be", ""))
        await assert_rejected(site, fetcher, kind, body.encode(charset))


async def test_character_entities_are_allowed(site: HostileSite, fetcher: Fetcher) -> None:
    body = f'<!DOCTYPE rss [<!ENTITY nbsp "&#160;"><!ENTITY hi "Hello">]>{FEED.format(bomb="Tea")}'
    site.answers["/it"] = RawResponse(body.encode(), "text/xml")
    (entry,) = [
        event for event in await events_of(source("feed", site.url("/it")), fetcher) if isinstance(event, Entry)
    ]
    assert entry.title == "Tea"


@pytest.mark.parametrize(
    ("where", "charset"),
    [
        *(("<?xml version='1.0' encoding='{}'?>", charset) for charset in ("punycode", "utf-7", "cp037", "iso2022_jp")),
        ("<?x encoding='{}' ?>", "unicode_escape"),
        ("<?xml encoding = '{}'?>", "hex"),
    ],
)
async def test_unsafe_encodings_are_rejected_in_feeds(
    where: str, charset: str, site: HostileSite, fetcher: Fetcher
) -> None:
    body = where.format(charset) + FEED.format(bomb="a" * 400_000 + "-" + "b" * 400_000)
    began = process_time()
    why = await reason(site, fetcher, RawResponse(body.encode(), "text/xml"), "feed")
    assert why == "its text encoding is not supported"
    assert process_time() - began < 2

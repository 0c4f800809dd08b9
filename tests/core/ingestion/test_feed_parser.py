"""Feeds are parsed as far as possible, however odd."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime

import pytest
from aiohttp import web
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.domain import Source
from core.errors import SourceReadError
from core.ingestion.entries import Entry
from core.ingestion.feed import read_feed
from core.ingestion.feed_items import FeedPage
from core.ingestion.feed_parser import parse_feed
from core.ingestion.fetch_result import Fetched
from core.ingestion.fetcher import Fetcher
from core.ingestion.sitemap import parse_sitemap
from tests.servers.blog import Blog, Page, Post, rss_feed

ADDRESS = "https://blog.example/feed/"
SOURCE = Source("blog", "feed", ADDRESS)
HEAD = (
    '<?xml version="1.0"{encoding}?><rss version="2.0"><channel><title>Blog</title><link>https://blog.example/</link>'
)


def parsed(body: bytes, charset: str | None = None, media_type: str = "application/rss+xml") -> FeedPage:
    return parse_feed(Fetched(ADDRESS, body, media_type, charset), SOURCE)


def entry(item: str) -> Entry:
    """The only entry of an RSS feed."""
    (found,) = parsed(f"{HEAD.format(encoding='')}<item>{item}</item></channel></rss>".encode()).entries
    return found


@pytest.mark.parametrize(
    ("item", "url"),
    [
        ("<link>https://blog.example/a</link>", "https://blog.example/a"),
        ("<link>\n  /a\n</link>", "https://blog.example/a"),
        ("<link>a/b?c=d&amp;e=f</link>", "https://blog.example/feed/a/b?c=d&e=f"),
        ("<guid>https://blog.example/?p=1</guid>", "https://blog.example/?p=1"),
        (
            "<link></link><guid isPermaLink='false'>tag:x,2026:1</guid>",
            "https://blog.example/#entry:tag:x,2026:1",
        ),
        ("<link>javascript:alert(1)</link><title>One</title>", "https://blog.example/#entry:One"),
        ("<link>http://[bad</link><title>One</title>", "https://blog.example/#entry:One"),
        ("<title>A &amp; B</title>", "https://blog.example/#entry:A%20&%20B"),
    ],
)
def test_every_entry_has_a_url(item: str, url: str) -> None:
    assert entry(item).url == url


def test_entries_with_text_only_get_distinct_urls() -> None:
    one, again, other = (entry(f"<description>{text}</description>").url for text in ("one", "one", "other"))
    assert one == again != other
    assert one.startswith("https://blog.example/#entry:")


@pytest.mark.parametrize("link", ["http://[bad", "", "feed.example", "https://other.example/home"])
def test_feed_with_invalid_home_link_is_read(link: str) -> None:
    body = f"<rss version='2.0'><channel><link>{link}</link><item><link>https://blog.example/a</link></item></channel></rss>"
    assert [found.url for found in parsed(body.encode()).entries] == ["https://blog.example/a"]


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("Plain", "Plain"),
        ("Tea &amp; cake", "Tea & cake"),
        ("AT&amp;amp;T", "AT&T"),
        ("List&lt;String&gt; in Java", "List<String> in Java"),
        ("a &lt; b", "a < b"),
        ("&lt;b&gt;Bold&lt;/b&gt; words", "Bold words"),
        ("<![CDATA[<i>Two</i>\n  lines]]>", "Two lines"),
        ("", ""),
    ],
)
def test_title_is_plain_text(written: str, title: str) -> None:
    assert entry(f"<title>{written}</title><link>/a</link>").title == title


@pytest.mark.parametrize(
    ("dates", "published"),
    [
        ("<pubDate>Thu, 01 Jan 2026 02:00:00 +0200</pubDate>", datetime(2026, 1, 1, tzinfo=UTC)),
        ("<pubDate>2026-01-01T00:00:00Z</pubDate>", datetime(2026, 1, 1, tzinfo=UTC)),
        ("<pubDate>yesterday</pubDate>", None),
        ("<pubDate>Mon, 99 Foo 99999 00:00:00</pubDate>", None),
        ("<pubDate></pubDate>", None),
        ("", None),
    ],
)
def test_invalid_date_is_ignored(dates: str, published: datetime | None) -> None:
    assert entry(f"<link>/a</link>{dates}").published == published


@pytest.mark.parametrize(
    ("declared", "written", "served"),
    [
        ("", "utf-8", None),
        (' encoding="iso-8859-1"', "iso-8859-1", None),
        (' encoding="iso-8859-1"', "utf-8", "utf-8"),
        (' encoding="utf-8"', "iso-8859-1", "iso-8859-1"),
        ("", "iso-8859-1", "utf-8"),
        ("", "utf-8", "no-such-charset"),
        (' encoding="windows-1252"', "windows-1252", None),
        (' encoding="utf-16"', "utf-16", None),
    ],
)
def test_feed_charset_is_detected_despite_wrong_headers(declared: str, written: str, served: str | None) -> None:
    body = f"{HEAD.format(encoding=declared)}<item><title>Zwölf</title><link>/a</link></item></channel></rss>"
    (found,) = parsed(body.encode(written), served).entries
    assert found.title == "Zwölf"


@pytest.mark.parametrize(
    ("item", "whole"),
    [
        ("<content:encoded><![CDATA[<p>All of it.</p>]]></content:encoded>", True),
        ("<content:encoded><![CDATA[<p>Some of it […]</p>]]></content:encoded>", False),
        ("<content:encoded><![CDATA[<p>Some. <a href='/a'>Read more →</a></p>]]></content:encoded>", False),
        ("<content:encoded> </content:encoded><description>Short.</description>", False),
        (f"<description>{'A long description. ' * 100}</description>", True),
        (f"<description>{'A long description. ' * 100}…</description>", False),
        ("<description>Short.</description>", False),
        ("", False),
    ],
)
def test_summary_is_not_taken_for_the_whole_post(item: str, whole: bool) -> None:
    head = HEAD.format(encoding="").replace("<rss", '<rss xmlns:content="http://purl.org/rss/1.0/modules/content/"')
    (found,) = parsed(f"{head}<item><link>/a</link>{item}</item></channel></rss>".encode()).entries
    assert found.whole is whole


@pytest.mark.parametrize(
    "body", [b"", b" ", b"\x00", b"{}", b"<html><p>Hello</p></html>", b"\xff\xfe<", b"<rss", b"/etc/passwd"]
)
def test_input_that_is_not_a_feed_is_rejected(body: bytes) -> None:
    with pytest.raises(SourceReadError, match="it is not a feed"):
        parsed(body)


@given(st.integers(0, 400), st.binary(max_size=8), st.integers(0, 30))
@settings(deadline=None, max_examples=60)
def test_damaged_feed_is_parsed_or_rejected(place: int, noise: bytes, gone: int) -> None:
    item = "<item><title>One &amp; two</title><link>/a</link><description><![CDATA[<p>Words</p>]]></description></item>"
    body = f"{HEAD.format(encoding='')}{item}{item}</channel></rss>".encode()
    try:
        page = parsed(body[:place] + noise + body[place + gone :])
    except SourceReadError as error:
        assert error.reason
    else:
        assert all(entry.url for entry in page.entries)


PIECES = st.sampled_from(
    [
        *(b"<rss>", b"<feed xmlns='http://www.w3.org/2005/Atom'>", b"<channel>", b"<item>", b"</item>", b"<entry>"),
        *(b"<link>/a</link>", b"<link href='http://['/>", b"<title>x", b"</title>", b"<!DOCTYPE rss [", b"]>", b"&a;"),
        *(b"<![CDATA[", b"]]>", b"&#xD800;", b"&#0;", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"<where>", b"<gml:pos>"),
        *(b"<?xml version='1.0' encoding='utf-16'?>", b"<!ENTITY a '1'>", b"<updated>x", b"<dc:date>0000</dc:date>"),
        *(b"<content type='base64'>aGk</content>", b"<summary type='xhtml'><div>", b"<a xml:base='http://['>", b"<id>"),
        *(b"<urlset>", b"<url><loc>http://[</loc><lastmod>9999-99-99</lastmod></url>", b"<sitemapindex>", b"<sitemap>"),
    ]
)


@given(st.lists(PIECES, max_size=25).map(b"".join), st.sampled_from([None, "utf-8", "utf-16", "big5"]))
@example(b"<where>&#xD800;", None)
@example(b"<dc:date>0000</dc:date>", None)
@settings(deadline=None, max_examples=50)
def test_arbitrary_bytes_give_a_listing_or_a_reason(body: bytes, charset: str | None) -> None:
    for parse in (lambda came: parsed(came.body, came.charset), parse_sitemap):
        try:
            parse(Fetched(ADDRESS, body, "text/xml", charset))
        except SourceReadError as error:
            assert error.reason


class LinkedBlog(Blog):
    """A blog whose feed links its next page (RFC 5005); the last page links the first."""

    def page_for(self, request: web.Request) -> Page | None:
        if request.path != "/feed/":
            return super().page_for(request)
        number = int(request.query.get("start", "0"))
        following = f'<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="next" href="?start={(number + 2) % 6}"/>'
        body = rss_feed(self, self.posts[number : number + 2]).replace(
            "<description>Posts", f"{following}<description>Posts"
        )
        return Page(body.encode(), "application/rss+xml")


@pytest.fixture
async def linked() -> AsyncIterator[LinkedBlog]:
    async with LinkedBlog(Post(f"post-{n}", f"Post {n}", "<p>Words.</p>") for n in range(6)) as blog:
        yield blog


async def test_linked_feed_pages_are_followed_until_they_repeat(linked: LinkedBlog, fetcher: Fetcher) -> None:
    async with aclosing(read_feed(Source("blog", "feed", linked.url()), fetcher)) as items:
        found = [item.url async for item in items if isinstance(item, Entry)]
    assert found == [linked.url(f"/post-{n}/") for n in range(6)]
    assert [path for path in linked.requests if "feed" in path] == [
        "/feed/",
        "/feed/?start=2",
        "/feed/?start=4",
        "/feed/?start=0",
    ]
    assert not any("paged" in path for path in linked.requests)

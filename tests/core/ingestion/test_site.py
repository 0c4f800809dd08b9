"""The address of a site is enough: its feed and its sitemap are found, else its links are followed."""

from collections.abc import Sequence
from typing import Any

import pytest

from core.domain import ListingFound
from core.errors import SourceReadError
from core.ingestion.entries import Entry, EntryOmitted, EntrySkipped, ListingEvent
from core.ingestion.fetcher import Fetcher
from tests.core.ingestion.helpers import events_of, post_of, source
from tests.servers.blog import Blog, Post
from tests.servers.hostile import HostileSite, RawResponse

XML = "text/xml"
FEED = (
    "<rss version='2.0'><channel><link>/</link><item><link>/a</link><title>A</title><description>Short</description>"
    "</item></channel></rss>"
)
SITEMAP = "<urlset>{}</urlset>"


def page(
    *links: str, head: str = "", text: str = "Words enough to be read by somebody who looks for them. "
) -> RawResponse:
    anchors = "".join(f'<li><a href="{link}">more</a></li>' for link in links)
    body = f"<!doctype html><html><head>{head}</head><body><article><h1>Title</h1><p>{text * 20}</p></article>"
    return RawResponse(f"{body}<ul>{anchors}</ul></body></html>".encode())


def found(events: Sequence[ListingEvent], site: HostileSite | Blog) -> list[tuple[str, str]]:
    return [
        (event.kind, event.address.removeprefix(site.origin)) for event in events if isinstance(event, ListingFound)
    ]


def paths(events: Sequence[ListingEvent], site: HostileSite | Blog) -> list[str]:
    return [event.url.removeprefix(site.origin) for event in events if isinstance(event, Entry)]


@pytest.mark.parametrize("kind", ["feed", "site"])
async def test_feed_and_sitemap_are_found_by_the_home_page(kind: str, blog: Blog, fetcher: Fetcher) -> None:
    """The feed shows five posts; the sitemap has all twelve, and a list of them."""
    blog.paged = False
    blog.posts.append(Post("tag/redis", "Tagged", "<p>Posts.</p>"))
    events = await events_of(source(kind, blog.url("/")), fetcher)
    assert found(events, blog) == [("feed", "/feed/"), ("sitemap", "/sitemap.xml")]
    assert paths(events, blog) == [f"/post-{n}/" for n in range(12, 0, -1)]
    assert [event for event in events if isinstance(event, EntryOmitted)] == [
        EntryOmitted(blog.url("/tag/redis/"), "list")
    ]


@pytest.mark.parametrize(
    ("head", "links", "feed"),
    [
        ('<link rel="alternate" type="application/atom+xml" href="/one">', (), "/one"),
        ('<link rel="alternate feed" type="application/feed+json" href="/one">', (), "/one"),
        ('<base href="/sub/"><link rel="alternate" type="application/rss+xml" href="../one">', (), "/one"),
        (
            '<link rel="alternate" type="application/rss+xml" title="Comments" href="/comments/feed">'
            '<link rel="alternate" type="application/json" href="/wp-json/wp/v2/pages/2">'
            '<link rel="alternate" type="application/rss+xml" href="/gone">'
            '<link rel="alternate" type="application/rss+xml" href="/one">',
            (),
            "/one",
        ),
        ("", ("/about", "/rss.xml"), "/rss.xml"),
        ("", (), "/index.xml"),
    ],
)
async def test_feed_is_found_however_the_page_names_it(
    head: str, links: tuple[str, ...], feed: str, site: HostileSite, fetcher: Fetcher
) -> None:
    site.answers |= {"/": page(*links, head=head), feed: RawResponse(FEED.encode(), XML)}
    events = await events_of(source("site", site.url("/")), fetcher)
    assert found(events, site) == [("feed", feed)]
    assert paths(events, site) == ["/a"]


async def test_sitemap_of_robots_txt_is_read_within_the_address(site: HostileSite, fetcher: Fetcher) -> None:
    listed = (
        "/docs/",
        "/docs/install",
        "/docs/tags/x",
        "/docs/manual.pdf",
        "/blog/post",
        "https://other.example/docs/",
    )
    places = "".join(f"<url><loc>{path if ':' in path else site.url(path)}</loc></url>" for path in listed)
    site.answers |= {
        "/docs/": page(),
        "/robots.txt": RawResponse(f"Sitemap: {site.url('/map.xml')}".encode(), "text/plain"),
        "/map.xml": RawResponse(SITEMAP.format(places).encode(), XML),
    }
    events = await events_of(source("site", site.url("/docs/")), fetcher)
    assert found(events, site) == [("sitemap", "/map.xml")]
    assert paths(events, site) == ["/docs/", "/docs/install"]
    omissions = [event.reason for event in events if isinstance(event, EntryOmitted)]
    assert omissions == ["list", "attachment", "elsewhere", "elsewhere"]


@pytest.mark.parametrize("kind", ["feed", "site"])
async def test_sitemap_is_found_without_a_home_page(kind: str, site: HostileSite, fetcher: Fetcher) -> None:
    with pytest.raises(SourceReadError, match="does not exist"):
        await events_of(source(kind, site.url("/")), fetcher)
    site.answers["/sitemap.xml"] = RawResponse(SITEMAP.format(f"<url><loc>{site.url('/a')}</loc></url>").encode(), XML)
    events = await events_of(source(kind, site.url("/")), fetcher)
    assert found(events, site) == [("sitemap", "/sitemap.xml")]
    assert paths(events, site) == ["/a"]


async def test_links_are_followed_within_the_site(site: HostileSite, fetcher: Fetcher) -> None:
    site.answers |= {
        "/docs/": page("install", "/docs/use?lang=en#top", "/blog", "https://other.example/docs/x", "a.zip", "secret/"),
        "/docs/install": page("/docs/", "deep/", "install?replytocom=4", "gone"),
        "/docs/use": page(head='<link rel="canonical" href="/docs/install">'),
        "/docs/deep/": page("deep/", "hidden", head='<meta name="robots" content="noindex">'),
        "/docs/deep/deep/": page("deep/", head='<meta name="robots" content="nofollow">'),
        "/docs/deep/hidden": page("never"),
        "/docs/secret/": page(),
        "/robots.txt": RawResponse(b"User-agent: *\nDisallow: /docs/secret/", "text/plain"),
    }
    site.answers["/docs/deep/hidden"] = RawResponse(b'<html><body><p>Text</p><a rel="nofollow" href="never">x</a>')
    events = await events_of(source("site", site.url("/docs/")), fetcher)
    assert found(events, site) == [("links", "/docs/")]
    assert paths(events, site) == ["/docs/", "/docs/install", "/docs/deep/deep/", "/docs/deep/hidden"]
    assert [event.reason for event in events if isinstance(event, EntrySkipped)] == ["robots.txt does not allow it"]
    assert not {"/docs/never", "/docs/deep/never", "/docs/a.zip", "/blog", "/docs/deep/deep/deep/"} & set(site.requests)


async def test_followed_page_is_fetched_once(site: HostileSite, fetcher: Fetcher) -> None:
    site.answers |= {"/": page("/a"), "/a": page()}
    entries = [event for event in await events_of(source("site", site.url("/")), fetcher) if isinstance(event, Entry)]
    posts = [await post_of(entry, fetcher) for entry in entries]
    assert [post.title for post in posts] == ["Title", "Title"]
    assert site.requests["/a"] == 1


class Maze(HostileSite):
    """Every page links to two new ones."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = _Endless()


class _Endless(dict[str, RawResponse]):
    def get(self, path: str, default: Any = None) -> Any:
        if not path.startswith("/n"):
            return page("/n0") if path == "/" else default
        number = int(path.removeprefix("/n"))
        return page(f"/n{2 * number + 1}", f"/n{2 * number + 2}", text="x")


async def test_endless_site_is_read_to_a_limit(monkeypatch: pytest.MonkeyPatch, fetcher: Fetcher) -> None:
    monkeypatch.setattr("core.ingestion.crawl.MAX_PAGES", 30)
    async with Maze() as maze:
        events = await events_of(source("site", maze.url("/")), fetcher)
        assert len(paths(events, maze)) == 30
        assert [event.reason for event in events if isinstance(event, EntrySkipped)] == [
            "its links lead to more than 30 pages; the rest were skipped"
        ]
        assert len(paths(await events_of(source("site", maze.url("/"), limit=3), fetcher), maze)) == 3


@pytest.mark.parametrize(("kind", "path", "crawl"), [("site", "/", False), ("feed", "/feed.xml", None)])
async def test_links_are_not_followed_unasked(
    kind: str, path: str, crawl: bool | None, site: HostileSite, fetcher: Fetcher
) -> None:
    """A page in place of a feed may say that the server is down."""
    site.answers |= {path: page("/a"), "/a": page()}
    with pytest.raises(SourceReadError, match="names neither a feed nor a sitemap"):
        await events_of(source(kind, site.url(path), crawl=crawl), fetcher)
    assert not site.requests["/a"]


@pytest.mark.parametrize(("body", "kind"), [(FEED, "feed"), (SITEMAP.format("<url><loc>/a</loc></url>"), "sitemap")])
async def test_address_of_a_site_may_be_that_of_its_feed(
    body: str, kind: str, site: HostileSite, fetcher: Fetcher
) -> None:
    site.answers["/it"] = RawResponse(body.encode(), XML)
    events = await events_of(source("site", site.url("/it")), fetcher)
    assert found(events, site) == [(kind, "/it")]
    assert paths(events, site) == ["/a"]


async def test_page_cannot_name_a_private_address_as_its_feed(site: HostileSite, fetcher: Fetcher) -> None:
    async with HostileSite({"/feed": RawResponse(FEED.encode(), XML)}) as private:
        head = f'<link rel="alternate" type="application/rss+xml" href="{private.url("/feed")}">'
        site.answers["/"] = page(head=head)
        events = await events_of(source("site", site.url("/")), fetcher)
        assert not private.requests
    reasons = [event.reason for event in events if isinstance(event, EntrySkipped)]
    assert reasons == ["it leads to an address that is not public"]

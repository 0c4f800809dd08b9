"""Items of feeds become posts, with the addresses and the texts that they mean."""

import json
from datetime import UTC, datetime

import pytest

from core.domain import Source
from core.ingestion.entries import Entry
from core.ingestion.feed_items import FeedPage
from core.ingestion.feed_parser import parse_feed
from core.ingestion.fetch_result import Fetched
from core.ingestion.fetcher import Fetcher
from core.ingestion.sources import needs_page, parse_post
from tests.core.ingestion.engines import ENGINES, Engine
from tests.core.ingestion.helpers import events_of, listed, source
from tests.servers.hostile import HostileSite, RawResponse

ADDRESS = "https://blog.example/feed"
NAMES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:media="http://search.yahoo.com/mrss/" '
    'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:yt="http://www.youtube.com/xml/schemas/2015"'
)


def parsed(body: str, address: str = ADDRESS, media_type: str = "text/xml") -> FeedPage:
    return parse_feed(Fetched(address, body.encode(), media_type, None), Source("blog", "feed", address))


def rss(*items: str, link: str = "https://blog.example/") -> str:
    inside = "".join(f"<item>{item}</item>" for item in items)
    return f'<rss version="2.0" {NAMES}><channel><title>Blog</title><link>{link}</link>{inside}</channel></rss>'


def atom(*entries: str, base: str = "") -> str:
    inside = "".join(f"<entry>{entry}</entry>" for entry in entries)
    return f'<feed xmlns="http://www.w3.org/2005/Atom" {NAMES} {base}><title>Blog</title>{inside}</feed>'


def urls(page: FeedPage) -> list[str]:
    return [entry.url.removeprefix("https://blog.example/") for entry in page.entries]


def text_of(entry: Entry) -> str:
    return parse_post(entry, None).text


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: str(engine.name))
def test_feeds_of_engines_are_read(engine: Engine) -> None:
    page = parsed(engine.feed, media_type=engine.media_type)
    assert not page.damage
    assert tuple(entry.url for entry in page.entries) == engine.urls
    assert tuple(entry.title for entry in page.entries) == engine.titles
    assert tuple(not needs_page(entry) for entry in page.entries) == engine.whole
    assert " ".join(text_of(page.entries[0]).split()).endswith(engine.words)


@pytest.mark.parametrize("none", ["N/A", "none", "#", "-", "http://", "https://blog.example/", "/"])
def test_link_that_is_none_gives_every_entry_an_address_of_its_own(none: str) -> None:
    page = parsed(rss(*(f"<title>{name}</title><link>{none}</link><guid>{none}</guid>" for name in ("A", "B"))))
    assert urls(page) == ["#entry:A", "#entry:B"]


def test_link_that_is_shared_stays_the_page_of_its_entries() -> None:
    page = parsed(rss(*(f"<title>{n}</title><link>https://blog.example/log#{n}</link>" for n in ("1.0", "1.1"))))
    assert urls(page) == ["log#entry:1.0", "log#entry:1.1"]
    assert not any(needs_page(entry) for entry in page.entries)


def test_link_of_the_same_post_is_kept() -> None:
    item = "<title>A</title><link>/a</link>"
    assert urls(parsed(rss(item, item, "<title>B</title><link>/b</link>"))) == ["a", "a", "b"]


@pytest.mark.parametrize(
    ("body", "url"),
    [
        (rss("<guid>https://blog.example/a</guid>"), "a"),
        (rss("<guid isPermaLink='true'>https://blog.example/a</guid>"), "a"),
        (rss("<guid isPermaLink='false'>https://blog.example/a</guid>"), "#entry:https://blog.example/a"),
        (rss("<guid>12</guid>"), "#entry:12"),
        (rss("<title>T</title><guid>N/A</guid>", "<title>U</title><guid>N/A</guid>"), "#entry:T"),
        (atom("<id>https://blog.example/a</id>"), "feed#entry:https://blog.example/a"),
        (atom("<id>https://blog.example/a</id><link href='https://blog.example/a'/>"), "a"),
    ],
)
def test_id_is_an_address_only_if_it_says_so(body: str, url: str) -> None:
    assert urls(parsed(body))[0] == url


@pytest.mark.parametrize(
    ("base", "link", "inner"),
    [
        ("", "/posts/a", "https://blog.example/posts/b"),
        ('xml:base="https://blog.example/posts/"', "a", "https://blog.example/posts/b"),
        ('xml:base="/posts/"', "a", "https://blog.example/posts/b"),
    ],
)
def test_links_are_relative_to_xml_base(base: str, link: str, inner: str) -> None:
    body = '<content type="html">&lt;p&gt;See &lt;a href="b"&gt;b&lt;/a&gt;.&lt;/p&gt;</content>'
    (entry,) = parsed(atom(f'<title>A</title><link href="{link}"/>{body}', base=base)).entries
    assert entry.url == "https://blog.example/posts/a"
    assert text_of(entry) == f"See [b]({inner})."


@pytest.mark.parametrize("kind", ["", ' type="text"', ' type="text/plain"'])
@pytest.mark.parametrize("element", ["content", "summary"])
def test_text_in_atom_is_no_markup(kind: str, element: str) -> None:
    written = "run x &lt;job_id&gt;; a &lt;b&gt;word&lt;/b&gt;\nMap&lt;K,V&gt; &amp;&amp; &amp;lt;none&amp;gt;\n\nNext."
    (entry,) = parsed(atom(f"<link href='/a'/><title>A</title><{element}{kind}>{written}</{element}>")).entries
    text = text_of(entry).replace("\\", "")
    assert "run x <job_id>; a <b>word</b>" in text.replace("&lt;", "<", 3)
    assert "Map<K,V> && &lt;none&gt;" in text.replace("&amp;", "&")
    assert text.endswith("\n\nNext.")


def test_markup_that_calls_itself_text_is_read_as_markup_if_it_is_all_there_is() -> None:
    (entry,) = parsed(atom("<link href='/a'/><summary>&lt;p&gt;A &lt;b&gt;word&lt;/b&gt;.&lt;/p&gt;</summary>")).entries
    assert text_of(entry) == "A **word**."


def test_paragraphs_of_text_in_rss_stay_apart() -> None:
    (entry,) = parsed(rss("<link>/a</link><description>One &amp;amp; two.\n\nThree.</description>")).entries
    assert text_of(entry) == "One & two.\n\nThree."


@pytest.mark.parametrize(
    "body",
    [
        rss("<link>/a</link><description>Short.</description><itunes:summary>The notes of the show.</itunes:summary>"
            '<enclosure url="/a.mp3" type="audio/mpeg"/>'),
        rss("<link>/a</link><enclosure url='/a.mp3' type='audio/mpeg'/>"
            "<itunes:summary>&lt;p&gt;The notes of the show.&lt;/p&gt;</itunes:summary>"),
        rss("<link>/a</link><media:content url='/a.mp4' medium='video'>"
            "<media:description type='plain'>The notes of the show.</media:description></media:content>"),
        rss("<enclosure url='/a.mp3' type='audio/mpeg'/><content:encoded>The notes of the show.</content:encoded>"),
        atom("<link href='https://video.example/watch?v=a'/><yt:videoId>a</yt:videoId><media:group><media:title>A"
             "</media:title><media:description>The notes of the show.</media:description></media:group>"),
    ],
)  # fmt: skip
def test_episodes_and_videos_keep_their_notes(body: str) -> None:
    (entry,) = parsed(body).entries
    assert not needs_page(entry)
    assert text_of(entry) == "The notes of the show."


def test_caption_of_a_picture_is_not_taken_for_the_post() -> None:
    caption = "<media:content url='/a.jpg' medium='image'/><media:description>A picture of a leek.</media:description>"
    (entry,) = parsed(rss(f"<link>/a</link><description>Leeks stand frost.</description>{caption}")).entries
    assert needs_page(entry)
    assert entry.body == "<p>Leeks stand frost.</p>"


def wordpress(*paths: str) -> str:
    items = "".join(f"<item><title>{path}</title><link>{{root}}/{path}</link></item>" for path in paths)
    generator = "<generator>https://wordpress.org/?v=6.8</generator>"
    return f"<rss version='2.0'><channel><link>{{root}}</link>{generator}{items}</channel></rss>"


async def test_wordpress_whose_feed_is_short_lists_all_its_posts(site: HostileSite, fetcher: Fetcher) -> None:
    """The feed has the same ten posts whatever page is asked for."""
    posts = [
        {"link": site.url(f"/{name}"), "title": {"rendered": f"{name} &amp; co"}, "date_gmt": "2026-01-12T10:00:00",
         "content": {"rendered": f"<p>All of {name}.</p>", "protected": False}} for name in ("a", "b", "c")
    ]  # fmt: skip
    site.answers |= {
        "/feed/": RawResponse(wordpress("a", "b").format(root=site.origin).encode(), "text/xml"),
        "/wp-json/wp/v2/posts": RawResponse(json.dumps(posts).encode(), "application/json"),
    }
    found = await listed(source("feed", site.url("/feed/")), fetcher)
    assert [entry.url for entry in found if isinstance(entry, Entry)] == [site.url(f"/{name}") for name in "abc"]
    last = found[-1]
    assert isinstance(last, Entry)
    assert (last.title, text_of(last), last.whole) == ("c & co", "All of c.", True)
    assert last.published == datetime(2026, 1, 12, 10, tzinfo=UTC)
    assert site.requests == {"/robots.txt": 1, "/feed/": 2, "/wp-json/wp/v2/posts": 1}


async def test_feed_of_a_category_is_not_completed_by_other_posts(site: HostileSite, fetcher: Fetcher) -> None:
    site.answers["/category/x/feed/"] = RawResponse(wordpress("a").format(root=site.origin).encode(), "text/xml")
    await events_of(source("feed", site.url("/category/x/feed/")), fetcher)
    assert not any("wp-json" in path for path in site.requests)


async def test_entries_without_links_cost_no_requests_and_make_no_copies(site: HostileSite, fetcher: Fetcher) -> None:
    """The server ignores the number of the page, and the feed names no home page."""
    items = "".join(f"<item><title>News {n}</title><description>Words {n}.</description></item>" for n in range(3))
    site.answers["/feed"] = RawResponse(f"<rss version='2.0'><channel>{items}</channel></rss>".encode(), "text/xml")
    entries = [event for event in await listed(source("feed", site.url("/feed")), fetcher) if isinstance(event, Entry)]
    assert [entry.url.removeprefix(site.origin) for entry in entries] == [f"/feed#entry:News%20{n}" for n in range(3)]
    assert not any(needs_page(entry) for entry in entries)
    assert site.requests == {"/robots.txt": 1, "/feed": 2}


@pytest.mark.parametrize(
    ("head", "requests"),
    [
        ('<link rel="prev-archive" href="/older"/>', {"/robots.txt": 1, "/feed": 1, "/older": 1}),
        ('<link rel="next" href="/older"/>', {"/robots.txt": 1, "/feed": 1, "/older": 1}),
        ('<fh:complete xmlns:fh="http://purl.org/syndication/history/1.0"/>', {"/robots.txt": 1, "/feed": 1}),
    ],
)
async def test_archives_of_a_feed_are_followed(
    head: str, requests: dict[str, int], site: HostileSite, fetcher: Fetcher
) -> None:
    entry = "<entry><title>A</title><link href='/{}'/></entry>"
    for path, inside in (("/feed", head + entry.format("new")), ("/older", entry.format("old"))):
        body = f'<feed xmlns="http://www.w3.org/2005/Atom">{inside}</feed>'
        site.answers[path] = RawResponse(body.encode(), "application/atom+xml")
    found = await listed(source("feed", site.url("/feed")), fetcher)
    assert [item.url for item in found if isinstance(item, Entry)] == [
        site.url(path) for path in ("/new", "/old")[: len(requests) - 1]
    ]
    assert site.requests == requests

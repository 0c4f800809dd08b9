"""Conditional requests: unchanged pages cost one 304, and no change is missed."""

from collections.abc import Callable, Sequence

import pytest
from aiohttp import web

from core.domain import Source
from core.errors import SourceReadError
from core.ingestion.entries import Entry, ListingEvent, ListingFinished, ListingUnchanged
from core.ingestion.fetch_result import PAGE, Fetched, NotModified, Validators, make_validators
from core.ingestion.fetcher import Fetcher
from core.ingestion.sources import fetch_page, post_url
from tests.core.ingestion.helpers import events_of, fetch, source
from tests.core.ingestion.test_feed_parser import LinkedBlog
from tests.servers.blog import Blog, Post, Redirect
from tests.servers.loopback import Status

KnownListings = dict[str, Validators]


async def again(fetcher: Fetcher, address: str, known: Validators | None) -> Fetched | NotModified:
    return await fetcher.fetch(address, address, PAGE, known)


def known_from(events: Sequence[ListingEvent]) -> KnownListings:
    """Return the validators of a listing, as a run stores them."""
    pages = (event for event in events if isinstance(event, ListingFinished | ListingUnchanged))
    return {page.address: page.validators for page in pages if page.validators}


def paths(blog: Blog, events: Sequence[ListingEvent]) -> list[str]:
    """Return the paths of entries, and those of unchanged listing pages in brackets."""
    shown = [
        event.url if isinstance(event, Entry) else f"[{event.address}]"
        for event in events
        if isinstance(event, Entry | ListingUnchanged)
    ]
    return [text.replace(blog.origin, "") for text in shown]


@pytest.mark.parametrize("etags", [True, False])
@pytest.mark.parametrize("dates", [True, False])
async def test_unchanged_page_is_answered_with_not_modified(
    etags: bool, dates: bool, blog: Blog, fetcher: Fetcher
) -> None:
    blog.etags, blog.dates = etags, dates
    url = blog.url("/post-1/")
    first = await fetch(fetcher, url)
    second = await again(fetcher, url, first.validators)
    if not (etags or dates):
        assert first.validators is None
        assert isinstance(second, Fetched)
        return
    assert second == NotModified(url, first.validators or Validators(""))
    blog.posts[0].html += "<p>More.</p>"
    third = await again(fetcher, url, first.validators)
    assert isinstance(third, Fetched)
    assert third.validators != first.validators


async def test_validators_are_sent_only_to_the_url_that_gave_them(blog: Blog, fetcher: Fetcher) -> None:
    """Two pages may have the same ETag."""
    other = await fetch(fetcher, blog.url("/post-2/"))
    assert isinstance(await again(fetcher, blog.url("/post-1/"), other.validators), Fetched)
    blog.inject_fault("/post-1/", Redirect("/post-2/", 302))
    assert isinstance(await again(fetcher, blog.url("/post-1/"), other.validators), NotModified)
    blog.inject_fault("/post-1/", Redirect("/post-3/", 302))
    assert isinstance(await again(fetcher, blog.url("/post-1/"), other.validators), Fetched)


async def test_unsolicited_304_is_an_error(blog: Blog, fetcher: Fetcher) -> None:
    blog.inject_fault("/post-1/", Status(304))
    with pytest.raises(SourceReadError, match="the server answered 304"):
        await fetch(fetcher, blog.url("/post-1/"))


@pytest.mark.parametrize(
    ("etag", "modified", "kept"),
    [
        ('"a"', "", True),
        ('W/"a"', "", True),
        ("", "Mon, 12 Jan 2026 00:00:00 GMT", True),
        ("", "", False),
        ("ü", "", False),
        ("a\udcff", "", False),
        ("x" * 5_000, "", False),
        (" ", "\t", False),
    ],
)
def test_unsendable_validators_are_dropped(etag: str, modified: str, kept: bool) -> None:
    assert make_validators("https://blog.example/", etag, modified) == (
        Validators("https://blog.example/", etag, modified) if kept else None
    )


@pytest.mark.parametrize(
    ("statuses", "moved"),
    [
        ((301,), True),
        ((308,), True),
        ((301, 308, 301), True),
        ((302,), False),
        ((303,), False),
        ((307,), False),
        ((301, 302), False),
        ((302, 301), False),
        ((), False),
    ],
)
async def test_page_has_moved_only_if_every_redirect_is_permanent(
    statuses: tuple[int, ...], moved: bool, blog: Blog, fetcher: Fetcher
) -> None:
    places = ["/start/", *(f"/hop-{n}/" for n in range(1, len(statuses))), "/post-2/"] if statuses else ["/post-2/"]
    for place, following, status in zip(places, places[1:], statuses, strict=False):
        blog.inject_fault(place, Redirect(following, status))
    first = await fetch(fetcher, blog.url(places[0]))
    second = await again(fetcher, blog.url(places[0]), first.validators)
    assert isinstance(second, NotModified)
    assert {first.url, second.url} == {blog.url("/post-2/")}
    assert {first.moved, second.moved} == {blog.url("/post-2/") if moved else ""}


async def test_post_url_follows_permanent_redirects(blog: Blog, fetcher: Fetcher) -> None:
    entry = Entry(blog.url("/old/"), "", Source("blog", "sitemap", blog.url("/sitemap.xml")))
    blog.inject_fault("/old/", Redirect("/post-2/?utm_source=old", 301))
    page = await fetch_page(entry, fetcher)
    assert post_url(entry, page) == blog.url("/post-2/")
    blog.inject_fault("/old/", Redirect("/post-2/", 302))
    assert post_url(entry, await fetch_page(entry, fetcher)) == blog.url("/old/")
    assert post_url(entry, None) == blog.url("/old/")


@pytest.mark.parametrize(
    ("where", "believed"),
    [
        ("/post-1/", True),
        ("{other}/post-1/", False),
        ("/", False),
    ],
)
async def test_canonical_link_decides_the_post_url(where: str, believed: bool, blog: Blog, fetcher: Fetcher) -> None:
    async with Blog() as other:
        where = where.format(other=other.origin)
        blog.posts.append(Post("copy", "Copy", f'<p>One.</p></body><link rel="canonical" href="{where}">'))
        entry = Entry(blog.url("/copy/"), "", Source("blog", "sitemap", blog.url("/sitemap.xml")))
        page = await fetch_page(entry, fetcher)
        assert post_url(entry, page) == blog.url("/copy/"), "a link in the body may be user content"
        blog.links["/copy/"] = f'<{where}>; rel="canonical"'
        page = await fetch_page(entry, fetcher)
        assert post_url(entry, page) == (blog.url("/post-1/") if believed else blog.url("/copy/"))


@pytest.mark.parametrize("past_end", ["404", "repeat", "empty"])
async def test_unchanged_feed_costs_one_304_per_page(past_end: str, blog: Blog, fetcher: Fetcher) -> None:
    blog.past_end = past_end  # type: ignore[assignment]
    feed = source("feed", blog.url())
    known = known_from(await events_of(feed, fetcher))
    blog.requests.clear()
    events = await events_of(feed, fetcher, known)
    assert paths(blog, events) == ["[/feed/]", "[/feed/?paged=2]", "[/feed/?paged=3]"]
    assert known_from(events) == known
    assert blog.requests == {"/feed/": 1, "/feed/?paged=2": 1, "/feed/?paged=3": 1}
    assert blog.unchanged["/feed/"] == 3


async def test_unchanged_feed_without_pages_costs_one_304(blog: Blog, fetcher: Fetcher) -> None:
    blog.paged = False
    feed = source("feed", blog.url())
    known = known_from(await events_of(feed, fetcher))
    blog.requests.clear()
    assert paths(blog, await events_of(feed, fetcher, known)) == ["[/feed/]"]
    assert blog.requests == {"/feed/": 1}


def edited(number: int) -> Callable[[Blog], None]:
    def edit(blog: Blog) -> None:
        blog.posts[number - 1].html += "<p>More.</p>"

    return edit


def added(blog: Blog) -> None:
    blog.posts.append(Post("new", "New", "<p>New.</p>", "2026-02-01"))


def removed(blog: Blog) -> None:
    del blog.posts[0]


@pytest.mark.parametrize(
    ("change", "listed"),
    [
        (edited(12), ["/post-12/", "/post-11/", "/post-10/", "/post-9/", "/post-8/", "[2]", "[3]"]),
        (edited(5), ["[]", "/post-7/", "/post-6/", "/post-5/", "/post-4/", "/post-3/", "[3]"]),
        (edited(1), ["[]", "[2]", "/post-2/", "/post-1/"]),
        (removed, ["[]", "[2]", "/post-2/"]),
        (added, ["/new/", *(f"/post-{n}/" for n in range(12, 0, -1))]),
    ],
)
async def test_only_changed_feed_pages_are_listed(
    change: Callable[[Blog], None], listed: list[str], blog: Blog, fetcher: Fetcher
) -> None:
    feed = source("feed", blog.url())
    known = known_from(await events_of(feed, fetcher))
    change(blog)
    events = await events_of(feed, fetcher, known)
    assert [path.replace("/feed/?paged=", "").replace("/feed/", "") for path in paths(blog, events)] == listed
    # The validators of this partial listing suffice for the next run.
    assert all(isinstance(event, ListingUnchanged) for event in await events_of(feed, fetcher, known_from(events)))


async def test_linked_feed_pages_are_followed_though_unchanged(fetcher: Fetcher) -> None:
    async with LinkedBlog(Post(f"post-{n}", f"Post {n}", "<p>Words.</p>") for n in range(6)) as blog:
        feed = source("feed", blog.url())
        known = known_from(await events_of(feed, fetcher))
        pages = ["[/feed/]", "[/feed/?start=2]", "[/feed/?start=4]"]
        assert paths(blog, await events_of(feed, fetcher, known)) == pages
        blog.posts[2].html = "<p>Other words.</p>"
        assert paths(blog, await events_of(feed, fetcher, known)) == [pages[0], "/post-2/", "/post-3/", pages[2]]


async def test_damaged_feed_page_is_fetched_again(blog: Blog, fetcher: Fetcher) -> None:
    blog.paged, blog.malformed = False, "ampersand"
    feed = source("feed", blog.url())
    assert known_from(await events_of(feed, fetcher)) == {}


async def test_limit_disables_conditional_requests(blog: Blog, fetcher: Fetcher) -> None:
    feed = source("feed", blog.url(), limit=7)
    known = known_from(await events_of(feed, fetcher))
    blog.requests.clear()
    events = await events_of(feed, fetcher, known)
    assert len([event for event in events if isinstance(event, Entry)]) == 7
    assert not blog.unchanged


async def test_sitemap_index_is_read_and_its_files_are_conditional(blog: Blog, fetcher: Fetcher) -> None:
    sitemap = source("sitemap", blog.url("/sitemap-index.xml"))
    first = await events_of(sitemap, fetcher)
    known = known_from(first)
    assert list(known) == [blog.url("/sitemap-1.xml"), blog.url("/sitemap-2.xml.gz")]
    assert {entry.listing for entry in first if isinstance(entry, Entry)} == set(known)
    blog.posts[0].date = "2026-01-01T12:00:00Z"
    events = await events_of(sitemap, fetcher, known)
    assert paths(blog, events) == ["[/sitemap-1.xml]", *(f"/post-{n}/" for n in range(6, 0, -1))]


async def test_modified_date_comes_from_the_source(blog: Blog, fetcher: Fetcher) -> None:
    for listing in (source("sitemap", blog.url("/sitemap.xml")), source("feed", blog.url("/atom.xml"))):
        entry = next(event for event in await events_of(listing, fetcher) if isinstance(event, Entry))
        assert entry.modified == blog.posts[-1].published
    rss = next(event for event in await events_of(source("feed", blog.url()), fetcher) if isinstance(event, Entry))
    assert rss.modified is None


async def test_moved_listing_reports_its_new_address(blog: Blog, fetcher: Fetcher) -> None:
    blog.inject_fault("/rss/", Redirect("/feed/", 301))
    blog.paged = False
    feed = source("feed", blog.url("/rss/"))
    events = await events_of(feed, fetcher)
    (listed,) = [event for event in events if isinstance(event, ListingFinished)]
    assert (listed.address, listed.moved) == (blog.url("/rss/"), blog.url("/feed/"))
    assert paths(blog, await events_of(feed, fetcher, known_from(events))) == ["[/rss/]"]


async def test_server_that_always_answers_304_ends_the_listing(fetcher: Fetcher) -> None:
    """A server that answers 304 to whatever it is asked tells nothing new, and ends."""

    class Stubborn(Blog):
        async def serve(self, request: web.Request) -> web.StreamResponse:
            if request.headers.get("If-None-Match"):
                return web.Response(status=304)
            return await super().serve(request)

    async with Stubborn([Post("a", "A", "<p>Words.</p>")]) as blog:
        feed = source("feed", blog.url())
        known = known_from(await events_of(feed, fetcher))
        assert await events_of(feed, fetcher, known) == [ListingUnchanged(blog.url(), known[blog.url()])]

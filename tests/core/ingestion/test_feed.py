"""A feed is read completely, over all its pages."""

from collections.abc import Sequence
from contextlib import aclosing
from typing import Any, Literal

import pytest

from core.domain import Source
from core.errors import SourceReadError
from core.ingestion.entries import Entry, EntrySkipped, ListingEvent, ListingFinished
from core.ingestion.fetcher import Fetcher
from core.ingestion.sources import fetch_page, list_source, needs_page
from tests.core.ingestion import helpers
from tests.core.ingestion.helpers import post_of, to_post
from tests.servers.blog import Blog, Post
from tests.servers.loopback import Status


async def listed(blog: Blog, fetcher: Fetcher, path: str = "/feed/", **options: Any) -> list[Entry | EntrySkipped]:
    return await helpers.listed(helpers.source("feed", blog.url(path), **options), fetcher)


def entries(items: Sequence[ListingEvent]) -> list[Entry]:
    return [item for item in items if isinstance(item, Entry)]


@pytest.mark.parametrize("path", ["/feed/", "/atom.xml"])
@pytest.mark.parametrize("past_end", ["404", "repeat", "empty"])
async def test_all_feed_pages_are_read_whatever_follows_the_last(
    path: str, past_end: Literal["404", "repeat", "empty"], blog: Blog, fetcher: Fetcher
) -> None:
    blog.past_end = past_end
    items = await listed(blog, fetcher, path)
    assert [item.url for item in entries(items)] == [blog.url(f"/post-{n}/") for n in range(12, 0, -1)]
    assert len(items) == 12


async def test_feed_without_pages_is_probed_for_one_more(blog: Blog, fetcher: Fetcher) -> None:
    blog.paged = False
    assert len(await listed(blog, fetcher)) == 5
    assert sorted(path for path in blog.requests if "feed" in path) == ["/feed/", "/feed/?paged=2"]


async def test_failing_later_page_ends_the_feed_and_is_reported(blog: Blog, fetcher: Fetcher) -> None:
    source = Source("blog", "feed", blog.url())
    async with aclosing(list_source(source, fetcher)) as items:
        seen = []
        async for item in items:
            seen.append(item)
            blog.inject_fault("/feed/", Status(503))
    assert len(entries(seen)) == 5
    assert [event for event in seen if isinstance(event, ListingFinished)] == seen[5:6]
    assert seen[-1] == EntrySkipped(blog.url("/feed/?paged=2"), "the server answered 503")


@pytest.mark.parametrize("status", [404, 403, 503])
async def test_unreadable_feed_is_reported(status: int, blog: Blog, fetcher: Fetcher) -> None:
    blog.inject_fault("/feed/", Status(status))
    with pytest.raises(SourceReadError, match=str(status)):
        await listed(blog, fetcher)


async def test_feed_with_wrong_content_type_is_read(blog: Blog, fetcher: Fetcher) -> None:
    blog.content_types["/feed/"] = "text/html; charset=iso-8859-1"
    blog.posts[11].title = "Zwölf"
    items = await listed(blog, fetcher)
    assert len(items) == 12
    assert entries(items)[0].title == "Zwölf"


async def test_entries_without_link_id_or_date_are_listed(blog: Blog, fetcher: Fetcher) -> None:
    blog.posts = [
        Post("a", "No link", "<p>a</p>", has_link=False),
        Post("b", "No link, no id", "<p>b</p>", has_link=False, has_id=False),
        Post("c", "No date", "<p>c</p>", has_date=False),
        Post("d", "Relative", "<p>d</p>", relative_link=True),
        Post("日本語", "Japanese", "<p>e</p>"),
    ]
    found = {entry.title: entry for entry in entries(await listed(blog, fetcher))}
    assert {title: entry.url.removeprefix(blog.origin) for title, entry in found.items()} == {
        "No link": f"/#entry:{blog.url('/?p=a')}",
        "No link, no id": "/#entry:No%20link,%20no%20id",
        "No date": "/c/",
        "Relative": "/d/",
        "Japanese": "/%E6%97%A5%E6%9C%AC%E8%AA%9E/",
    }
    assert found["No date"].published is None
    assert found["Relative"].published is not None


@pytest.mark.parametrize(("malformed", "least"), [("ampersand", 12), ("truncated", 4)])
async def test_damaged_feed_is_read_as_far_as_possible_and_reported(
    malformed: Literal["ampersand", "truncated"], least: int, blog: Blog, fetcher: Fetcher
) -> None:
    blog.malformed = malformed
    items = await listed(blog, fetcher)
    assert len(entries(items)) >= least
    assert any(isinstance(item, EntrySkipped) and item.reason.startswith("it is not well-formed") for item in items)


@pytest.mark.parametrize(("text", "pages"), [("full", False), ("summary", True), ("title", True)])
async def test_page_is_fetched_if_feed_lacks_the_whole_post(
    text: Literal["full", "summary", "title"], pages: bool, blog: Blog, fetcher: Fetcher
) -> None:
    blog.text = text
    entry = entries(await listed(blog, fetcher))[0]
    assert needs_page(entry) is pages
    page = await fetch_page(entry, fetcher)
    assert (page is not None) is pages
    post = await post_of(entry, fetcher)
    assert (post.title, post.url) == ("Post 12", blog.url("/post-12/"))
    assert "Number 12." in post.text
    assert "powered by" not in post.text


async def test_selector_forces_fetching_the_page(blog: Blog, fetcher: Fetcher) -> None:
    entry = entries(await listed(blog, fetcher, selector="time"))[0]
    assert (await post_of(entry, fetcher)).text == "2026-01-12"


@pytest.mark.parametrize("media_type", ["image/png", "application/pdf"])
async def test_wrong_media_type_is_not_read_as_page(media_type: str, blog: Blog, fetcher: Fetcher) -> None:
    blog.text = "title"
    blog.content_types["/post-12/"] = media_type
    with pytest.raises(SourceReadError, match=media_type):
        await fetch_page(entries(await listed(blog, fetcher))[0], fetcher)


async def test_entry_without_text_is_rejected(blog: Blog, fetcher: Fetcher) -> None:
    blog.posts = [Post("a", "Empty", "<p> <!-- nothing --></p>", has_link=False)]
    entry = entries(await listed(blog, fetcher))[0]
    with pytest.raises(SourceReadError, match="it contains no text"):
        await to_post(entry, None)


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        ({"limit": 3}, [12, 11, 10]),
        ({"limit": 0}, []),
        ({"include": ("/post-1*",)}, [12, 11, 10, 1]),
        ({"include": ("http://*/post-2/", "/post-3/")}, [3, 2]),
        ({"exclude": ("*/post-?/",)}, [12, 11, 10]),
        ({"include": ("/post-1*",), "exclude": ("/post-1/",), "limit": 2}, [12, 11]),
    ],
)
async def test_filters_and_limit_select_posts(
    options: dict[str, Any], numbers: list[int], blog: Blog, fetcher: Fetcher
) -> None:
    items = await listed(blog, fetcher, **options)
    assert [item.url for item in entries(items)] == [blog.url(f"/post-{n}/") for n in numbers]


async def test_limit_saves_fetching_later_pages(blog: Blog, fetcher: Fetcher) -> None:
    await listed(blog, fetcher, limit=5)
    assert [path for path in blog.requests if "paged" in path] in ([], ["/feed/?paged=2"])

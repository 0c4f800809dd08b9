"""Runs over blogs that change and fail: failures are reported, and no post is lost."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from core.domain import ListingFound, Source
from core.domain import Post as Article
from core.errors import IndexUnavailableError
from core.index.catalog import Catalog
from core.index.version import live_version
from core.indexing import post_parser, reindex_job
from core.indexing.progress import Report
from core.ingestion.entries import Entry
from core.ingestion.fetch_result import Fetched
from core.ingestion.sources import parse_post
from core.models.offline_embedder import OfflineEmbedder
from tests.posts import POSTS, reindexing, url_of, write_posts
from tests.servers.blog import Blog, Post, Redirect
from tests.servers.hostile import HostileSite, RawResponse
from tests.servers.loopback import Status


def entry(number: int) -> Post:
    html = f"<p>Entry {number} is about subject {number}. It is long enough to be read as the whole of a post.</p>"
    return Post(f"entry-{number}", f"Entry {number}", html, date=f"2026-01-{number:02}")


@pytest.fixture
async def blog() -> AsyncIterator[Blog]:
    async with Blog([entry(number) for number in range(1, 4)], paged=False) as blog:
        yield blog


async def read(redis: Redis, embedder: OfflineEmbedder, *sources: Source) -> Report:
    async with reindexing(redis, embedder) as run:
        return await run(*sources)


async def urls(redis: Redis) -> set[str]:
    live = await live_version(redis)
    return set(await live.ledger()) if live else set()


def feed_of(blog: Blog) -> Source:
    return Source("blog", "feed", blog.url())


def sitemap_of(blog: Blog) -> Source:
    return Source("blog", "sitemap", blog.url("/sitemap.xml"))


async def test_a_post_stays_when_it_leaves_its_feed(redis: Redis, embedder: OfflineEmbedder, blog: Blog) -> None:
    await read(redis, embedder, feed_of(blog))
    blog.posts = [entry(4)]
    report = await read(redis, embedder, feed_of(blog))
    assert (report.progress.new, report.progress.removed) == (1, 0)
    assert await urls(redis) == {blog.url(f"/entry-{number}/") for number in range(1, 5)}


async def test_a_post_is_removed_when_it_leaves_its_sitemap(
    redis: Redis, embedder: OfflineEmbedder, blog: Blog
) -> None:
    await read(redis, embedder, sitemap_of(blog))
    blog.posts = blog.posts[1:]
    report = await read(redis, embedder, sitemap_of(blog))
    assert report.progress.removed == 1
    assert await urls(redis) == {blog.url(f"/entry-{number}/") for number in (2, 3)}


async def test_posts_of_a_site_stay_when_they_leave_its_feed(
    redis: Redis, embedder: OfflineEmbedder, blog: Blog
) -> None:
    """The feed shows two posts, the sitemap all of them."""
    blog.per_page = 2
    site = Source("blog", "site", blog.url("/"))
    first = await read(redis, embedder, site)
    assert first.found == (ListingFound("feed", blog.url()), ListingFound("sitemap", blog.url("/sitemap.xml")))
    assert (first.progress.new, first.failures) == (3, ())
    again = await read(redis, embedder, site)
    assert (again.outcome, again.progress.unchanged) == ("unchanged", 3)
    blog.posts.append(entry(4))
    last = await read(redis, embedder, site)
    assert (last.progress.new, last.progress.removed) == (1, 0)
    assert await urls(redis) == {blog.url(f"/entry-{number}/") for number in range(1, 5)}


async def test_followed_pages_are_removed_when_no_link_leads_to_them(redis: Redis, embedder: OfflineEmbedder) -> None:
    def page(text: str) -> RawResponse:
        return RawResponse(f"<html><body><article><h1>T</h1><p>{text}</p></article></body></html>".encode())

    links = '<a href="/a">First</a> and <a href="/b">second</a>, which are about gardens and all that grows there.'
    pages = {"/": page(links), "/a": page("Leeks stand frost. " * 9), "/b": page("Beds are dug in autumn. " * 9)}
    async with HostileSite(pages) as served:
        site = Source("blog", "site", served.url("/"))
        first = await read(redis, embedder, site)
        assert (first.progress.new, first.found) == (3, (ListingFound("links", served.url("/")),))
        assert (await read(redis, embedder, site)).progress.unchanged == 3
        served.answers["/"] = page(links.replace("/b", "/a"))
        last = await read(redis, embedder, site)
        assert (last.progress.changed, last.progress.removed) == (1, 1)
        assert await urls(redis) == {served.url("/"), served.url("/a")}


async def test_an_unreachable_blog_keeps_its_posts_and_is_reported(
    redis: Redis, embedder: OfflineEmbedder, blog: Blog, tmp_path: Path
) -> None:
    await read(redis, embedder, feed_of(blog))
    blog.inject_fault("/feed/", Status(403))
    folder = write_posts(tmp_path / "notes", name="notes")
    report = await read(redis, embedder, feed_of(blog), folder)
    assert [failure.address for failure in report.failed_sources] == [blog.url()]
    assert report.progress.new == len(POSTS)
    assert len(await urls(redis)) == len(POSTS) + 3


async def test_a_failing_page_keeps_its_post(redis: Redis, embedder: OfflineEmbedder, blog: Blog) -> None:
    blog.text = "summary"
    await read(redis, embedder, feed_of(blog))
    blog.inject_fault("/entry-2/", Status(403))
    for _ in range(2):
        report = await read(redis, embedder, feed_of(blog))
        [failure] = report.failures
        assert failure.address == blog.url("/entry-2/")
        assert not failure.whole_source
        assert (report.progress.failed, report.progress.unchanged, report.progress.removed) == (1, 2, 0)
    post = await Catalog(redis).post(blog.url("/entry-2/"))
    assert post is not None
    assert "about subject 2" in post.text


async def test_an_unchanged_page_is_requested_at_most_once(redis: Redis, embedder: OfflineEmbedder, blog: Blog) -> None:
    await read(redis, embedder, sitemap_of(blog))
    blog.requests.clear()
    report = await read(redis, embedder, sitemap_of(blog))
    assert (report.outcome, report.progress.unchanged) == ("unchanged", 3)
    assert blog.requests == {"/robots.txt": 1, "/sitemap.xml": 1}
    blog.text = "summary"
    source = replace(feed_of(blog), name="other")
    await read(redis, embedder, source)
    blog.requests.clear()
    blog.unchanged.clear()
    report = await read(redis, embedder, source)
    assert (report.outcome, report.progress.unchanged) == ("unchanged", 3)
    pages = {f"/entry-{number}/" for number in range(1, 4)}
    assert set(blog.unchanged) == {"/feed/", *pages}
    assert all(blog.requests[page] == 1 for page in pages)


async def test_pages_with_a_new_lastmod_are_read_again(redis: Redis, embedder: OfflineEmbedder, blog: Blog) -> None:
    await read(redis, embedder, sitemap_of(blog))
    blog.posts[0] = replace(
        blog.posts[0], html="<p>It was rewritten from its first word to its last.</p>", date="2026-02-01"
    )
    blog.requests.clear()
    report = await read(redis, embedder, sitemap_of(blog))
    assert (report.progress.changed, report.progress.unchanged) == (1, 2)
    assert blog.requests["/entry-1/"] == 1
    assert blog.requests["/entry-2/"] == 0


async def test_a_post_is_removed_when_its_page_is_missing_in_two_runs_in_a_row(
    redis: Redis, embedder: OfflineEmbedder, blog: Blog
) -> None:
    blog.text = "summary"
    await read(redis, embedder, feed_of(blog))
    blog.inject_fault("/entry-2/", Status(410), times=1)
    report = await read(redis, embedder, feed_of(blog))
    assert (report.progress.failed, report.progress.removed) == (1, 0)
    assert "the post will be removed if the next run finds the same" in report.failures[0].reason
    assert (await read(redis, embedder, feed_of(blog))).progress.unchanged == 3
    blog.inject_fault("/entry-2/", Status(404))
    assert (await read(redis, embedder, feed_of(blog))).progress.removed == 0
    report = await read(redis, embedder, feed_of(blog))
    assert [title.url for title in report.diff.removed] == [blog.url("/entry-2/")]
    assert len(await urls(redis)) == 2
    # The feed still lists it: it comes back with its page.
    blog.clear_faults("/entry-2/")
    assert (await read(redis, embedder, feed_of(blog))).progress.new == 1


async def test_a_permanently_moved_post_keeps_its_vectors_under_the_new_address(
    redis: Redis, embedder: OfflineEmbedder, blog: Blog
) -> None:
    blog.text = "summary"
    await read(redis, embedder, feed_of(blog))
    blog.posts.append(Post("moved", "Entry 2", entry(2).html, date="2026-01-02"))
    blog.inject_fault("/entry-2/", Redirect("/moved/", 301))
    feed = replace(feed_of(blog), exclude=("/moved/",))
    report = await read(redis, embedder, feed)
    assert (report.progress.changed, report.progress.removed, report.progress.embedded) == (1, 0, 0)
    assert await urls(redis) == {blog.url(f"/{slug}/") for slug in ("entry-1", "entry-3", "moved")}
    blog.requests.clear()
    assert (await read(redis, embedder, feed)).outcome == "unchanged"
    assert (blog.requests["/entry-2/"], blog.requests["/moved/"]) == (0, 1)


async def test_a_page_that_redirects_to_the_home_page_counts_as_missing(
    redis: Redis, embedder: OfflineEmbedder, blog: Blog
) -> None:
    blog.text = "summary"
    await read(redis, embedder, feed_of(blog))
    blog.inject_fault("/entry-2/", Redirect("/", 301))
    await read(redis, embedder, feed_of(blog))
    assert (await read(redis, embedder, feed_of(blog))).progress.removed == 1
    assert blog.url("/") not in await urls(redis)


async def test_validators_are_not_stored_before_the_posts_are(
    redis: Redis, embedder: OfflineEmbedder, blog: Blog, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise IndexUnavailableError("it went away")

    await read(redis, embedder, feed_of(blog))
    blog.posts.append(entry(4))
    with monkeypatch.context() as broken:
        broken.setattr(reindex_job, "apply_in_place", refuse)
        with pytest.raises(IndexUnavailableError):
            await read(redis, embedder, feed_of(blog))
    report = await read(redis, embedder, feed_of(blog))
    assert (report.progress.new, report.progress.reused, report.progress.embedded) == (1, 1, 0)


async def test_a_failed_post_is_tried_again_even_if_its_listing_is_unchanged(
    redis: Redis, embedder: OfflineEmbedder, blog: Blog
) -> None:
    blog.inject_fault("/entry-2/", Status(403), times=1)
    first = await read(redis, embedder, sitemap_of(blog))
    assert (first.progress.new, first.progress.failed) == (2, 1)
    assert (await read(redis, embedder, sitemap_of(blog))).progress.new == 1


async def test_a_removed_post_comes_back_from_an_unchanged_source_that_lists_it(
    redis: Redis, embedder: OfflineEmbedder, blog: Blog
) -> None:
    feed, sitemap = replace(feed_of(blog), exclude=("/entry-1/",)), replace(sitemap_of(blog), name="map")
    await read(redis, embedder, sitemap, feed)
    await read(redis, embedder, feed)
    assert len(await urls(redis)) == 2
    await read(redis, embedder, sitemap, feed)
    assert len(await urls(redis)) == 3


async def test_a_changed_sidebar_does_not_change_the_post(redis: Redis, embedder: OfflineEmbedder, blog: Blog) -> None:
    await read(redis, embedder, sitemap_of(blog))
    blog.posts.append(entry(4))  # it shows in the sidebar of every page
    report = await read(redis, embedder, sitemap_of(blog))
    assert (report.progress.new, report.progress.changed, report.progress.unchanged) == (1, 0, 3)


async def test_the_text_in_the_feed_replaces_a_page_that_cannot_be_fetched(
    redis: Redis, embedder: OfflineEmbedder, blog: Blog
) -> None:
    blog.text = "summary"
    blog.inject_fault("/entry-2/", Status(403))
    report = await read(redis, embedder, feed_of(blog))
    assert report.progress.new == 3
    assert [failure.address for failure in report.failures] == [blog.url("/entry-2/")]


async def test_a_post_in_two_sources_is_read_once(redis: Redis, embedder: OfflineEmbedder, blog: Blog) -> None:
    twice = Source("again", "sitemap", blog.url("/sitemap.xml"))
    report = await read(redis, embedder, feed_of(blog), twice)
    assert report.progress.new == 3
    assert len(await urls(redis)) == 3


async def test_a_post_that_crashes_the_parser_does_not_stop_the_run(
    redis: Redis, embedder: OfflineEmbedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash_on_bees(post: Entry, page: Fetched | None) -> Article:
        if post.url == url_of("bees"):
            raise RecursionError("a thousand nested tables")
        return parse_post(post, page)

    monkeypatch.setattr(post_parser, "parse_post", crash_on_bees)
    with capture_logs() as logs:
        report = await read(redis, embedder, write_posts(tmp_path / "blog"))
    assert logs[0]["address"] == url_of("bees")
    [failure] = report.failures
    assert failure.address == url_of("bees")
    assert "RecursionError" in failure.reason
    assert (report.progress.new, report.progress.failed) == (len(POSTS) - 1, 1)


@pytest.mark.parametrize(
    "text", ["", "   ", "[a]: https://e.com", "# ", "<!-- -->", "\0", "---\ndate: 2026-02-30\n---\nText of it."]
)
async def test_a_file_without_usable_text_does_not_stop_the_run(
    redis: Redis, embedder: OfflineEmbedder, tmp_path: Path, text: str
) -> None:
    report = await read(redis, embedder, write_posts(tmp_path / "blog", POSTS | {"strange": text}))
    assert report.progress.new >= len(POSTS)
    assert report.failed_sources == ()

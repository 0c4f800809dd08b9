"""Blogs misbehave: what fails is named, the rest is read, and nothing that is still there gets lost."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from core.knowledge.edition import current
from core.knowledge.library import Library
from core.models.offline_embedder import OfflineEmbedder
from core.reading.entries import Entry
from core.reading.fetched import Fetched
from core.reading.sources import to_post
from core.reindexing import pipeline
from core.reindexing.progress import Report
from core.vocabulary import Post as Article
from core.vocabulary import Source
from tests.posts import POSTS, reindexing, url_of, write_posts
from tests.servers import Status
from tests.servers.blog import Blog, Post


def entry(number: int) -> Post:
    html = f"<p>Entry {number} is about subject {number}. It is long enough to be read as the whole of a post.</p>"
    return Post(f"entry-{number}", f"Entry {number}", html, date=f"2026-01-{number:02}")


@pytest.fixture
async def blog() -> AsyncIterator[Blog]:
    async with Blog([entry(number) for number in range(1, 4)], paged=False) as blog:
        yield blog


async def read(redis: Redis, embedder: OfflineEmbedder, *sources: Source) -> Report:
    async with reindexing(redis, embedder) as run:
        return await run.run(sources, tell=lambda progress: None)


async def urls(redis: Redis) -> set[str]:
    live = await current(redis)
    return set(await live.ledger()) if live else set()


def feed_of(blog: Blog) -> Source:
    return Source("blog", "feed", blog.url())


def sitemap_of(blog: Blog) -> Source:
    return Source("blog", "sitemap", blog.url("/sitemap.xml"))


async def test_an_entry_that_left_the_feed_stays(redis: Redis, embedder: OfflineEmbedder, blog: Blog) -> None:
    await read(redis, embedder, feed_of(blog))
    blog.posts = [entry(4)]
    report = await read(redis, embedder, feed_of(blog))
    assert (report.progress.new, report.progress.removed) == (1, 0)
    assert await urls(redis) == {blog.url(f"/entry-{number}/") for number in range(1, 5)}


async def test_a_page_that_left_the_sitemap_goes(redis: Redis, embedder: OfflineEmbedder, blog: Blog) -> None:
    await read(redis, embedder, sitemap_of(blog))
    blog.posts = blog.posts[1:]
    report = await read(redis, embedder, sitemap_of(blog))
    assert report.progress.removed == 1
    assert await urls(redis) == {blog.url(f"/entry-{number}/") for number in (2, 3)}


async def test_a_blog_that_is_down_keeps_its_posts_and_is_named(
    redis: Redis, embedder: OfflineEmbedder, blog: Blog, tmp_path: Path
) -> None:
    await read(redis, embedder, feed_of(blog))
    blog.misbehave("/feed/", Status(403))
    folder = write_posts(tmp_path / "notes", name="notes")
    report = await read(redis, embedder, feed_of(blog), folder)
    assert [failure.address for failure in report.failed_sources] == [blog.url()]
    assert report.progress.new == len(POSTS)
    assert len(await urls(redis)) == len(POSTS) + 3


async def test_a_page_that_fails_keeps_what_was_read_of_it(redis: Redis, embedder: OfflineEmbedder, blog: Blog) -> None:
    await read(redis, embedder, sitemap_of(blog))
    blog.misbehave("/entry-2/", Status(403))
    report = await read(redis, embedder, sitemap_of(blog))
    [failure] = report.failures
    assert failure.address == blog.url("/entry-2/")
    assert not failure.whole_source
    assert (report.progress.failed, report.progress.unchanged, report.progress.removed) == (1, 2, 0)
    assert await Library(redis).post(blog.url("/entry-2/")) is not None


async def test_a_page_whose_frame_alone_changed_is_not_embedded_again(
    redis: Redis, embedder: OfflineEmbedder, blog: Blog
) -> None:
    await read(redis, embedder, sitemap_of(blog))
    blog.posts.append(entry(4))  # it shows in the sidebar of every page
    report = await read(redis, embedder, sitemap_of(blog))
    assert (report.progress.new, report.progress.changed, report.progress.unchanged) == (1, 0, 3)


async def test_a_page_that_cannot_be_had_is_read_from_the_feed(
    redis: Redis, embedder: OfflineEmbedder, blog: Blog
) -> None:
    blog.text = "summary"
    blog.misbehave("/entry-2/", Status(403))
    report = await read(redis, embedder, feed_of(blog))
    assert report.progress.new == 3
    assert [failure.address for failure in report.failures] == [blog.url("/entry-2/")]


async def test_a_post_in_two_sources_is_read_once(redis: Redis, embedder: OfflineEmbedder, blog: Blog) -> None:
    twice = Source("again", "sitemap", blog.url("/sitemap.xml"))
    report = await read(redis, embedder, feed_of(blog), twice)
    assert report.progress.new == 3
    assert len(await urls(redis)) == 3


async def test_a_post_that_nobody_thought_of_does_not_stop_the_run(
    redis: Redis, embedder: OfflineEmbedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def strange(post: Entry, page: Fetched | None) -> Article:
        if post.url == url_of("bees"):
            raise RecursionError("a thousand nested tables")
        return await to_post(post, page)

    monkeypatch.setattr(pipeline, "to_post", strange)
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
async def test_a_strange_file_does_not_stop_the_run(
    redis: Redis, embedder: OfflineEmbedder, tmp_path: Path, text: str
) -> None:
    report = await read(redis, embedder, write_posts(tmp_path / "blog", POSTS | {"strange": text}))
    assert report.progress.new >= len(POSTS)
    assert report.failed_sources == ()

"""The loopback blog, through a real HTTP client."""

import asyncio
import gzip
from pathlib import Path

import aiohttp
import feedparser
import pytest

from tests.servers.blog import Blog, Drip, Huge, Post, Redirect, RedirectLoop, load
from tests.servers.loopback import Slow, Status


def posts(number: int) -> list[Post]:
    return [
        Post(f"post-{n}", f"Post {n}", f"<p>Text of post {n}.</p>", f"2026-01-{n:02}") for n in range(1, number + 1)
    ]


async def test_feed_is_paged(web: aiohttp.ClientSession) -> None:
    async with Blog(posts(12)) as blog:
        pages = []
        for query in ("", "?paged=2", "?paged=3"):
            async with web.get(blog.url("/feed/" + query)) as response:
                pages.append((response.status, feedparser.parse(await response.read())))
        assert [(status, len(page.entries)) for status, page in pages] == [(200, 10), (200, 2), (404, 0)]
        newest = pages[0][1].entries[0]
        assert (newest.title, newest.content[0].value) == ("Post 12", "<p>Text of post 12.</p>")
        assert newest.link == blog.url("/post-12/")
        assert blog.requests == {"/feed/": 1, "/feed/?paged=2": 1, "/feed/?paged=3": 1}
        for past_end, number in (("repeat", 2), ("empty", 0)):
            blog.past_end = past_end  # type: ignore[assignment]
            async with web.get(blog.url("/feed/?paged=9")) as response:
                assert len(feedparser.parse(await response.read()).entries) == number


async def test_feed_entries_omit_configured_fields(web: aiohttp.ClientSession) -> None:
    bare = Post("静か", "Quiet", "<p>Text</p>", has_link=False, has_id=False, has_date=False)
    async with Blog([bare, Post("other", "Other", "<p>Text</p>", relative_link=True)], text="title") as blog:
        for path in ("/feed/", "/atom.xml"):
            async with web.get(blog.url(path)) as response:
                quiet, other = feedparser.parse(await response.read()).entries
            assert not {"link", "id", "published", "summary", "content"} & set(quiet)
            assert other.link == "/other/"
        async with web.get(blog.url(bare.path)) as response:
            assert '<div class="entry-content"><p>Text</p></div>' in await response.text()
        assert blog.requests["/静か/"] == 1


async def test_feeds_can_be_malformed_or_have_a_wrong_content_type(web: aiohttp.ClientSession) -> None:
    async with Blog(posts(3), malformed="ampersand") as blog:
        blog.content_types["/feed/"] = "text/plain"
        for malformed in ("ampersand", "truncated"):
            blog.malformed = malformed
            async with web.get(blog.url()) as response:
                feed = feedparser.parse(await response.read())
                assert response.content_type == "text/plain"
            assert feed.bozo
            assert feed.entries


async def test_sitemaps_and_robots_list_the_posts(web: aiohttp.ClientSession) -> None:
    async with Blog(posts(3), crawl_delay=2) as blog:
        texts = {}
        for path in ("/sitemap.xml", "/sitemap-index.xml", "/sitemap-1.xml", "/sitemap-2.xml.gz", "/robots.txt"):
            async with web.get(blog.url(path)) as response:
                texts[path] = await response.read()
        assert texts["/sitemap.xml"].count(b"<lastmod>") == 3
        assert texts["/sitemap-index.xml"].count(b"<sitemap>") == 2
        assert texts["/sitemap-1.xml"].count(b"<loc>") == 2
        assert gzip.decompress(texts["/sitemap-2.xml.gz"]).count(b"<loc>") == 1
        assert b"Disallow: /private/\nCrawl-delay: 2\n" in texts["/robots.txt"]


@pytest.mark.parametrize("declared", [True, False])
async def test_page_is_encoded_in_latin_1(web: aiohttp.ClientSession, declared: bool) -> None:
    post = Post("cafe", "Café", "<p>Café</p>", charset="latin-1", declares_charset=declared)
    async with Blog([post], theme="plain") as blog, web.get(blog.url("/cafe/")) as response:
        assert response.charset == ("latin-1" if declared else None)
        body = await response.read()
    assert "Café".encode("latin-1") in body
    assert (b"charset" in body) is declared


async def test_unchanged_page_returns_304(web: aiohttp.ClientSession) -> None:
    async with Blog(posts(1)) as blog:
        for etags, sent, header in ((True, "ETag", "If-None-Match"), (False, "Last-Modified", "If-Modified-Since")):
            blog.etags = etags
            async with web.get(blog.url("/post-1/")) as response:
                known = {header: response.headers[sent]}
            async with web.get(blog.url("/post-1/"), headers=known) as response:
                assert response.status == 304
            blog.posts[0].html += "<p>More.</p>"
            async with web.get(blog.url("/post-1/"), headers=known) as response:
                assert response.status == 200
        assert blog.unchanged == {"/post-1/": 2}
        blog.posts.clear()
        async with web.get(blog.url("/post-1/")) as response:
            assert response.status == 404


async def test_faults_are_injected_per_path(web: aiohttp.ClientSession) -> None:
    async with Blog(posts(2)) as blog:
        page = blog.url("/post-1/")
        blog.inject_fault("/post-1/", Status(503, retry_after=1), times=1)
        async with web.get(page) as response:
            assert (response.status, response.headers["Retry-After"]) == (503, "1")
        blog.inject_fault("/post-1/", Redirect("/post-2/"))
        async with web.get(page) as response:
            assert response.url.path == "/post-2/"
        blog.inject_fault("/post-1/", RedirectLoop())
        with pytest.raises(aiohttp.TooManyRedirects):
            await web.get(page)
        for declared in (True, False):
            blog.inject_fault("/post-1/", Huge(2, declared))
            async with web.get(page) as response:
                assert len(await response.read()) == 2 * 1024 * 1024
                assert ("Content-Length" in response.headers) is declared
        for slow in (Drip(0.01), Slow(5)):
            blog.inject_fault("/post-1/", slow)
            with pytest.raises(TimeoutError):
                await (await web.get(page, timeout=aiohttp.ClientTimeout(total=0.1))).read()
        blog.clear_faults("/post-1/")
        async with web.get(page) as response:
            assert response.status == 200


async def test_concurrent_requests_are_counted(web: aiohttp.ClientSession) -> None:
    async with Blog(posts(5), delay=0.05) as blog:
        headers = {"User-Agent": "Reader/1"}
        answers = await asyncio.gather(*(web.get(blog.url(post.path), headers=headers) for post in blog.posts))
        assert {answer.status for answer in answers} == {200}
        assert (blog.in_flight_peak, blog.user_agents["Reader/1"]) == (5, 5)


def test_posts_are_loaded_from_a_folder_or_a_file(folder: Path) -> None:
    assert load(folder) == load(folder / "posts.jsonl") == [Post("a/b", "A", "<p>One\u2028two</p>")]

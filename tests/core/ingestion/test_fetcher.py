"""Pages are fetched with retries and within limits."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from core.errors import SourceReadError
from core.ingestion.fetch_result import PAGE, PageNotFoundError
from core.ingestion.fetcher import Fetcher
from tests.core.ingestion.conftest import POLICY
from tests.core.ingestion.helpers import fetch
from tests.servers.blog import Blog, Drip, Huge, Post, Redirect, RedirectLoop
from tests.servers.loopback import Slow, Status


async def refusal(fetcher: Fetcher, address: str) -> str:
    """Return why an address cannot be read."""
    with pytest.raises(SourceReadError) as caught:
        await fetch(fetcher, address)
    return caught.value.reason


async def test_fetched_page_has_url_media_type_and_charset(blog: Blog, fetcher: Fetcher) -> None:
    fetched = await fetch(fetcher, blog.url("/post-3/"))
    assert (fetched.url, fetched.media_type, fetched.charset) == (blog.url("/post-3/"), "text/html", "utf-8")
    assert b"Number 3." in fetched.body


async def test_requests_carry_the_user_agent(blog: Blog, fetcher: Fetcher) -> None:
    await fetch(fetcher, blog.url("/post-3/"))
    assert set(blog.user_agents) == {"Footnoted/1 (reads posts to answer questions about them)"}


async def test_robots_txt_is_obeyed_and_fetched_once(blog: Blog, fetcher: Fetcher) -> None:
    blog.posts.append(Post("private/diary", "Diary", "<p>Secret.</p>"))
    results = await asyncio.gather(
        *(fetch(fetcher, blog.url(path)) for path in ("/private/diary/", "/post-1/", "/post-2/")),
        return_exceptions=True,
    )
    assert [type(result).__name__ for result in results] == ["SourceReadError", "Fetched", "Fetched"]
    assert blog.requests["/robots.txt"] == 1
    assert not any(path.startswith("/private") for path in blog.requests)


@pytest.mark.parametrize("status", [500, 503])
async def test_site_whose_robots_txt_fails_is_left_alone_for_the_run(status: int, blog: Blog, fetcher: Fetcher) -> None:
    blog.inject_fault("/robots.txt", Status(status))
    for path in ("/post-1/", "/post-2/"):
        assert await refusal(fetcher, blog.url(path)) == f"the server answered {status} when asked for its robots.txt"
    assert set(blog.requests) == {"/robots.txt"}
    assert blog.requests["/robots.txt"] <= POLICY.attempts


async def test_response_without_content_is_no_damaged_archive(blog: Blog, fetcher: Fetcher) -> None:
    blog.inject_fault("/post-1/", Status(204))
    assert await refusal(fetcher, blog.url("/post-1/")) == "the server answered 204, without any content"


@pytest.mark.parametrize("status", [204, 401, 403, 404, 429])
async def test_missing_robots_txt_allows_everything(status: int, blog: Blog, fetcher: Fetcher) -> None:
    blog.inject_fault("/robots.txt", Status(status))
    assert (await fetch(fetcher, blog.url("/post-1/"))).body


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_transient_errors_are_retried(status: int, blog: Blog, fetcher: Fetcher) -> None:
    blog.inject_fault("/post-1/", Status(status), times=2)
    assert b"Number 1." in (await fetch(fetcher, blog.url("/post-1/"))).body
    assert blog.requests["/post-1/"] == 3


async def test_persistent_transient_error_is_given_up(blog: Blog, fetcher: Fetcher) -> None:
    blog.inject_fault("/post-1/", Status(503))
    assert await refusal(fetcher, blog.url("/post-1/")) == "the server answered 503"
    assert blog.requests["/post-1/"] == 3


@pytest.mark.parametrize("status", [404, 410])
async def test_missing_page_is_not_retried(status: int, blog: Blog, fetcher: Fetcher) -> None:
    blog.inject_fault("/post-1/", Status(status))
    with pytest.raises(PageNotFoundError, match=str(status)):
        await fetch(fetcher, blog.url("/post-1/"))
    assert blog.requests["/post-1/"] == 1


@pytest.mark.parametrize("status", [400, 401, 403, 451])
async def test_client_error_is_not_retried(status: int, blog: Blog, fetcher: Fetcher) -> None:
    blog.inject_fault("/post-1/", Status(status))
    assert await refusal(fetcher, blog.url("/post-1/")) == f"the server answered {status}"
    assert blog.requests["/post-1/"] == 1


async def test_redirect_is_followed(blog: Blog, fetcher: Fetcher) -> None:
    blog.inject_fault("/old/", Redirect("/post-2/"))
    fetched = await fetch(fetcher, blog.url("/old/"))
    assert fetched.url == blog.url("/post-2/")
    assert b"Number 2." in fetched.body


async def test_redirect_loop_ends(blog: Blog, fetcher: Fetcher) -> None:
    blog.inject_fault("/post-1/", RedirectLoop())
    assert await refusal(fetcher, blog.url("/post-1/")) == "it redirects too many times"
    assert blog.requests.total() < 10


@pytest.mark.parametrize("place", ["file:///etc/passwd", "ftp://127.0.0.1/", "http://[bad", "http://"])
async def test_redirect_to_invalid_address_is_not_followed(place: str, blog: Blog, fetcher: Fetcher) -> None:
    blog.inject_fault("/post-1/", Redirect(place))
    assert await refusal(fetcher, blog.url("/post-1/"))


@pytest.mark.parametrize("declared", [True, False])
async def test_too_large_page_is_rejected(declared: bool, blog: Blog, fetcher: Fetcher) -> None:
    blog.inject_fault("/post-1/", Huge(3, declared))
    with pytest.raises(SourceReadError, match="it is larger than 1 MB"):
        await fetch(fetcher, blog.url("/post-1/"), replace(PAGE, max_bytes=1024 * 1024))


@pytest.mark.parametrize("how", [Drip(), Slow(30)])
async def test_endless_response_times_out(how: Drip | Slow, blog: Blog) -> None:
    blog.inject_fault("/post-1/", how)
    async with Fetcher("Footnoted", replace(POLICY, deadline=timedelta(seconds=0.1))) as fetcher:
        assert await refusal(fetcher, blog.url("/post-1/")) == "it did not respond in time"
    assert blog.requests["/post-1/"] == 1


async def test_unreachable_host_is_reported(fetcher: Fetcher, unused_port: int) -> None:
    assert (await refusal(fetcher, f"http://127.0.0.1:{unused_port}/")).startswith("the connection failed")


@pytest.fixture
async def unused_port() -> int:
    async with Blog() as gone:
        return gone.port


@pytest.mark.parametrize(
    "address",
    [
        "",
        "feed.xml",
        "/etc/passwd",
        "file:///etc/passwd",
        "ftp://host/",
        "http://",
        "http://[bad",
        "data:,x",
        "http://a b/",
    ],
)
async def test_only_web_addresses_are_fetched(address: str, fetcher: Fetcher) -> None:
    assert await refusal(fetcher, address)

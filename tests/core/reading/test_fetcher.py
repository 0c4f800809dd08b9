"""Pages are fetched politely, patiently, and within bounds."""

import asyncio
from time import monotonic

import aiohttp
import pytest

from core.errors import CannotRead
from core.reading import fetcher as fetching
from core.reading.fetcher import PER_HOST, Fetcher, Gone
from tests.servers import Drip, Huge, Redirect, RedirectLoop, Slow, Status
from tests.servers.blog import Blog, Post


async def refusal(fetcher: Fetcher, address: str) -> str:
    """Why an address cannot be read."""
    with pytest.raises(CannotRead) as caught:
        await fetcher.fetch(address)
    return caught.value.reason


async def test_a_page_comes_with_its_address_type_and_charset(blog: Blog, fetcher: Fetcher) -> None:
    fetched = await fetcher.fetch(blog.url("/post-3/"))
    assert (fetched.url, fetched.media_type, fetched.charset) == (blog.url("/post-3/"), "text/html", "utf-8")
    assert b"Number 3." in fetched.body


async def test_the_bot_says_who_it_is(blog: Blog, fetcher: Fetcher) -> None:
    await fetcher.fetch(blog.url("/post-3/"))
    assert set(blog.user_agents) == {"Footnoted/1 (reads posts to answer questions about them)"}


async def test_robots_txt_is_obeyed_and_read_once(blog: Blog, fetcher: Fetcher) -> None:
    blog.posts.append(Post("private/diary", "Diary", "<p>Secret.</p>"))
    results = await asyncio.gather(
        *(fetcher.fetch(blog.url(path)) for path in ("/private/diary/", "/post-1/", "/post-2/")), return_exceptions=True
    )
    assert [type(result).__name__ for result in results] == ["CannotRead", "Fetched", "Fetched"]
    assert blog.requests["/robots.txt"] == 1
    assert not any(path.startswith("/private") for path in blog.requests)


@pytest.mark.parametrize("status", [404, 403, 500])
async def test_without_robots_txt_all_may_be_read(status: int, blog: Blog, fetcher: Fetcher) -> None:
    blog.misbehave("/robots.txt", Status(status))
    assert (await fetcher.fetch(blog.url("/post-1/"))).body


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_what_may_pass_is_tried_again(status: int, blog: Blog, fetcher: Fetcher) -> None:
    blog.misbehave("/post-1/", Status(status, retry_after=1), times=2)
    assert b"Number 1." in (await fetcher.fetch(blog.url("/post-1/"))).body
    assert blog.requests["/post-1/"] == 3


async def test_what_does_not_pass_is_given_up(blog: Blog, fetcher: Fetcher) -> None:
    blog.misbehave("/post-1/", Status(503))
    assert await refusal(fetcher, blog.url("/post-1/")) == "the server answered 503"
    assert blog.requests["/post-1/"] == 3


async def test_the_pause_that_the_server_asks_for_is_kept(
    blog: Blog, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "LONGEST_PAUSE", 20.0)
    blog.misbehave("/post-1/", Status(429, retry_after=1), times=1)
    before = monotonic()
    await fetcher.fetch(blog.url("/post-1/"))
    assert monotonic() - before >= 1


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("", None),
        (None, None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("-1", None),
        ("²", None),
    ],
)
def test_an_odd_wish_for_a_pause_is_no_wish(said: str | None, seconds: float | None) -> None:
    assert fetching._seconds(said) == seconds


@pytest.mark.parametrize("status", [404, 410])
async def test_a_page_that_is_not_there_is_gone_at_once(status: int, blog: Blog, fetcher: Fetcher) -> None:
    blog.misbehave("/post-1/", Status(status))
    with pytest.raises(Gone, match=str(status)):
        await fetcher.fetch(blog.url("/post-1/"))
    assert blog.requests["/post-1/"] == 1


@pytest.mark.parametrize("status", [400, 401, 403, 451])
async def test_a_refusal_is_not_asked_twice(status: int, blog: Blog, fetcher: Fetcher) -> None:
    blog.misbehave("/post-1/", Status(status))
    assert await refusal(fetcher, blog.url("/post-1/")) == f"the server answered {status}"
    assert blog.requests["/post-1/"] == 1


async def test_a_redirect_is_followed_and_told(blog: Blog, fetcher: Fetcher) -> None:
    blog.misbehave("/old/", Redirect("/post-2/"))
    fetched = await fetcher.fetch(blog.url("/old/"))
    assert fetched.url == blog.url("/post-2/")
    assert b"Number 2." in fetched.body


async def test_redirects_without_end_have_an_end(blog: Blog, fetcher: Fetcher) -> None:
    blog.misbehave("/post-1/", RedirectLoop())
    assert await refusal(fetcher, blog.url("/post-1/")) == "it redirects without end"
    assert blog.requests.total() < 10


@pytest.mark.parametrize("place", ["file:///etc/passwd", "ftp://127.0.0.1/", "http://[bad", "http://"])
async def test_a_redirect_to_what_is_no_web_address_is_not_followed(place: str, blog: Blog, fetcher: Fetcher) -> None:
    blog.misbehave("/post-1/", Redirect(place))
    assert await refusal(fetcher, blog.url("/post-1/"))


@pytest.mark.parametrize("declared", [True, False])
async def test_a_page_that_is_too_large_is_left(
    declared: bool, blog: Blog, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "LARGEST", 1024 * 1024)
    blog.misbehave("/post-1/", Huge(3, declared))
    assert await refusal(fetcher, blog.url("/post-1/")) == "it is larger than 1 MB"


@pytest.mark.parametrize("how", [Drip(), Slow(30)])
async def test_a_server_that_never_ends_is_left(
    how: Drip | Slow, blog: Blog, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "TIMEOUT", aiohttp.ClientTimeout(total=0.1))
    blog.misbehave("/post-1/", how)
    assert await refusal(fetcher, blog.url("/post-1/")) == "it did not answer in time"


async def test_a_host_that_is_down_is_told(fetcher: Fetcher, unused_port: int) -> None:
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
async def test_only_web_addresses_are_read(address: str, fetcher: Fetcher) -> None:
    assert await refusal(fetcher, address)


async def test_one_host_is_not_flooded(blog: Blog, fetcher: Fetcher) -> None:
    blog.delay = 0.03
    await asyncio.gather(*(fetcher.fetch(blog.url(f"/post-{n % 12 + 1}/")) for n in range(24)))
    assert 1 < blog.in_flight_peak <= PER_HOST


async def test_a_slow_host_keeps_no_others_waiting(blog: Blog, fetcher: Fetcher) -> None:
    """Requests that wait for a busy host take no slot from another one."""
    async with Blog([Post("post", "Post", "<p>Quick.</p>")]) as quick:
        await fetcher.fetch(blog.url("/post-1/"))
        blog.misbehave("/post-1/", Slow(30))
        waiting = [asyncio.create_task(fetcher.fetch(blog.url("/post-1/"))) for _ in range(fetching.AT_ONCE + 8)]
        while blog.in_flight < PER_HOST:
            await asyncio.sleep(0.01)
        async with asyncio.timeout(5):
            # The two are one host by name: what tells them apart for this fetcher is how they are written.
            fetched = await fetcher.fetch(quick.url("/post/").replace("127.0.0.1", "localhost"))
        assert b"Quick." in fetched.body
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

"""Crawling is throttled, and honours Retry-After and Crawl-delay."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from core.errors import SourceReadError
from core.ingestion.crawl_policy import CrawlPolicy, HostBackoffError, HostThrottle, parse_retry_after
from core.ingestion.fetcher import Fetcher
from core.telemetry import RequestRetried, TelemetryEvent, Throttled, subscribed
from tests.core.ingestion.conftest import POLICY
from tests.core.ingestion.helpers import fetch
from tests.servers.blog import Blog, Post
from tests.servers.loopback import Slow, Status


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("7", 7.0), ("0", 0.0), ("9" * 400, 999999999.0), ("", None), ("-1", None), ("²", None), ("soon", None)],
)
def test_retry_after_is_parsed_as_seconds(said: str, seconds: float | None) -> None:
    assert parse_retry_after(said) == seconds


@pytest.mark.parametrize(("away", "least", "most"), [(90, 85, 90), (-90, 0, 0)])
def test_retry_after_is_parsed_as_date(away: int, least: float, most: float) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=away)
    seconds = parse_retry_after(format_datetime(moment, usegmt=True))
    assert seconds is not None
    assert least <= seconds <= most


async def begin(throttle: HostThrottle) -> float:
    """Return the time at which a request's turn came."""
    async with throttle.slot():
        return asyncio.get_running_loop().time()


async def test_requests_to_one_host_are_spaced_out() -> None:
    throttle = HostThrottle("blog.example", CrawlPolicy(min_interval=timedelta(milliseconds=20)))
    begun = await asyncio.gather(*(begin(throttle) for _ in range(6)))
    assert max(begun) - min(begun) >= 5 * 0.02 * 0.9


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.3.2.1", "::1"])
async def test_loopback_hosts_are_not_throttled(host: str) -> None:
    throttle = HostThrottle(host, CrawlPolicy(min_interval=timedelta(hours=1)))
    async with asyncio.timeout(5):
        assert len(await asyncio.gather(*(begin(throttle) for _ in range(50)))) == 50


async def test_crawl_delay_is_honoured_up_to_the_maximum() -> None:
    throttle = HostThrottle("127.0.0.1", CrawlPolicy(max_crawl_delay=timedelta(milliseconds=50)))
    throttle.apply_crawl_delay(86_400.0)
    before = await begin(throttle)
    assert 0.045 <= await begin(throttle) - before < 5


async def test_blocked_host_opens_again_for_all_requests() -> None:
    throttle = HostThrottle("127.0.0.1", CrawlPolicy())
    first = await begin(throttle)
    throttle.block(0.1)
    assert min(await asyncio.gather(*(begin(throttle) for _ in range(4)))) - first >= 0.1


async def test_host_that_asks_for_hours_is_given_up() -> None:
    throttle = HostThrottle("127.0.0.1", CrawlPolicy())
    throttle.block(7_200.0)
    with pytest.raises(HostBackoffError, match="asked to wait 2:00:00"):
        await begin(throttle)


async def test_retry_after_is_waited_before_retrying(blog: Blog, fetcher: Fetcher) -> None:
    blog.inject_fault("/post-1/", Status(429, retry_after=1), times=1)
    await fetch(fetcher, blog.url("/post-2/"))
    before = asyncio.get_running_loop().time()
    events: list[TelemetryEvent] = []
    with subscribed(events.append):
        await fetch(fetcher, blog.url("/post-1/"))
    assert asyncio.get_running_loop().time() - before >= 0.99
    assert blog.requests["/post-1/"] == 2
    assert events == [Throttled("sources"), RequestRetried("sources")]


async def test_server_that_asks_for_an_hour_gets_no_more_requests(blog: Blog, fetcher: Fetcher) -> None:
    blog.inject_fault("/post-1/", Status(503, retry_after=3600))
    for path in ("/post-1/", "/post-2/"):
        with pytest.raises(SourceReadError, match="asked to wait"):
            await fetch(fetcher, blog.url(path))
    assert blog.requests == {"/robots.txt": 1, "/post-1/": 1}


async def test_crawl_delay_of_robots_txt_is_honoured(blog: Blog) -> None:
    blog.crawl_delay = 30
    async with Fetcher("Footnoted", replace(POLICY, max_crawl_delay=timedelta(milliseconds=100))) as fetcher:
        await fetch(fetcher, blog.url("/post-1/"))
        before = asyncio.get_running_loop().time()
        await asyncio.gather(*(fetch(fetcher, blog.url(f"/post-{n}/")) for n in (2, 3, 4)))
        assert asyncio.get_running_loop().time() - before >= 0.19  # three requests, two intervals


async def test_concurrent_requests_per_host_are_limited(blog: Blog, fetcher: Fetcher) -> None:
    blog.delay = 0.03
    await asyncio.gather(*(fetch(fetcher, blog.url(f"/post-{n % 12 + 1}/")) for n in range(24)))
    assert 1 < blog.in_flight_peak <= POLICY.max_per_host


async def test_slow_host_does_not_delay_other_hosts(blog: Blog, fetcher: Fetcher) -> None:
    """Requests waiting for a busy host take no slot from another one."""
    async with Blog([Post("post", "Post", "<p>Quick.</p>")]) as quick:
        await fetch(fetcher, blog.url("/post-1/"))
        blog.inject_fault("/post-1/", Slow(30))
        waiting = [asyncio.create_task(fetch(fetcher, blog.url("/post-1/"))) for _ in range(POLICY.max_requests + 8)]
        while blog.in_flight < POLICY.max_per_host:
            await asyncio.sleep(0.01)
        async with asyncio.timeout(5):
            # Both servers have the same address; the fetcher tells them apart by host name.
            fetched = await fetch(fetcher, quick.url("/post/").replace("127.0.0.1", "localhost"))
        assert b"Quick." in fetched.body
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

"""Limits on how hard and how often other people's servers are asked."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from core.ingestion.fetch_result import FetchError, SiteDownError
from core.loopback import is_loopback


@dataclass(frozen=True, slots=True)
class CrawlPolicy:
    """How sites are crawled. `min_interval` is between the starts of two requests to a host. A host whose Retry-After
    exceeds `max_retry_after` is not asked again. `deadline` covers a request with its redirects and body;
    `read_timeout` is the longest pause between two reads."""

    max_requests: int = 32
    max_per_host: int = 8
    min_interval: timedelta = timedelta(milliseconds=50)
    max_crawl_delay: timedelta = timedelta(seconds=10)
    max_retry_after: timedelta = timedelta(seconds=30)
    attempts: int = 3
    backoff: timedelta = timedelta(seconds=0.5)
    deadline: timedelta = timedelta(seconds=60)
    read_timeout: timedelta = timedelta(seconds=20)


class HostBackoffError(FetchError):
    """The host's Retry-After is longer than the policy allows."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the server asked to wait {timedelta(seconds=round(seconds))}", SiteDownError)


class HostThrottle:
    """Spaces out the requests to one host and holds them back while the host asks to wait."""

    def __init__(self, host: str, policy: CrawlPolicy) -> None:
        self._policy = policy
        self._slots = asyncio.Semaphore(policy.max_per_host)
        self._interval = 0.0 if is_loopback(host) else policy.min_interval.total_seconds()
        self._next_start = 0.0
        self._blocked_until = 0.0

    @asynccontextmanager
    async def slot(self) -> AsyncGenerator[None, None]:
        """Wait for a request's turn and hold one of the host's slots. Raises HostBackoffError."""
        async with self._slots:
            await self._wait()
            yield

    async def _wait(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            if self._blocked_until - clock() > self._policy.max_retry_after.total_seconds():
                raise HostBackoffError(self._blocked_until - clock())
            start = max(clock(), self._next_start, self._blocked_until)
            self._next_start = start + self._interval
            if start > clock():
                await asyncio.sleep(start - clock())
            if self._blocked_until <= clock():  # else another request blocked the host meanwhile
                return

    def block(self, seconds: float) -> None:
        self._blocked_until = max(self._blocked_until, asyncio.get_running_loop().time() + seconds)

    def apply_crawl_delay(self, seconds: float) -> None:
        """Honour a robots.txt's Crawl-delay, up to the policy's maximum."""
        self._interval = max(self._interval, min(seconds, self._policy.max_crawl_delay.total_seconds()))


def parse_retry_after(header: str) -> float | None:
    """Return the seconds that a Retry-After header asks for, given as seconds or as a date (RFC 9110 §10.2.3); None if
    it is invalid."""
    if header.isascii() and header.isdecimal():
        return float(header[:9])
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())

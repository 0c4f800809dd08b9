"""How much a stranger's server is asked at once, and how soon again."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import ip_address


@dataclass(frozen=True, slots=True)
class CrawlPolicy:
    """How sites are treated. `pause` lies between the beginnings of two requests to one host, `crawl_delay` is the
    longest of a robots.txt that is honoured. `patience` is the longest that a server may ask to wait: one that asks
    for more is left alone. `deadline` is for one request with its body, `silence` for no byte within it."""

    at_once: int = 32
    per_host: int = 8
    pause: timedelta = timedelta(milliseconds=50)
    crawl_delay: timedelta = timedelta(seconds=10)
    patience: timedelta = timedelta(seconds=30)
    attempts: int = 3
    backoff: timedelta = timedelta(seconds=0.5)
    deadline: timedelta = timedelta(seconds=60)
    silence: timedelta = timedelta(seconds=20)


class HostBackoffError(Exception):
    """The server asks to come back later than anybody waits for."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the server asks to come back in {timedelta(seconds=round(seconds))}")


class HostThrottle:
    """One host's: requests begin one after the other, `pause` apart, and none while the host wants none."""

    def __init__(self, host: str, manners: CrawlPolicy) -> None:
        self._manners = manners
        self._slots = asyncio.Semaphore(manners.per_host)
        # Nobody is annoyed by requests to one's own machine.
        self._pause = 0.0 if _is_own_machine(host) else manners.pause.total_seconds()
        self._next = 0.0
        self._closed_until = 0.0

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None, None]:
        """Waits for a request's turn, and holds one of the host's slots for it. Raises HostBackoffError."""
        async with self._slots:
            await self._wait()
            yield

    async def _wait(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            if self._closed_until - clock() > self._manners.patience.total_seconds():
                raise HostBackoffError(self._closed_until - clock())
            begin = max(clock(), self._next, self._closed_until)
            self._next = begin + self._pause
            if begin > clock():
                await asyncio.sleep(begin - clock())
            if self._closed_until <= clock():  # else it was closed meanwhile
                return

    def close(self, seconds: float) -> None:
        """No request begins for so long."""
        self._closed_until = max(self._closed_until, asyncio.get_running_loop().time() + seconds)

    def slow_down(self, delay: float) -> None:
        """Takes a robots.txt's Crawl-delay, in seconds, up to the longest that is honoured."""
        self._pause = max(self._pause, min(delay, self._manners.crawl_delay.total_seconds()))


def _is_own_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def seconds_to_wait(retry_after: str) -> float | None:
    """What a Retry-After header asks for: seconds or a date (RFC 9110 §10.2.3). An odd wish is no wish."""
    if retry_after.isascii() and retry_after.isdecimal():
        return float(retry_after[:9])
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())

"""Fetching over HTTP, politely and within bounds."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass

import aiohttp
from protego import Protego
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_exponential_jitter
from yarl import URL

from core.errors import CannotRead

AT_ONCE = 32
PER_HOST = 8
LARGEST = 20 * 1024 * 1024
REDIRECTS = 5
LONGEST_ROBOTS = 512 * 1024
"""Bytes; RFC 9309 §2.5 asks to read at least 500 KiB."""
TIMEOUT = aiohttp.ClientTimeout(total=60, connect=10, sock_read=20)
ATTEMPTS = 3
LONGEST_PAUSE = 20.0
USER_AGENT = "Footnoted/{version} (reads posts to answer questions about them)"
ROBOT = "Footnoted"

_backoff = wait_exponential_jitter(multiplier=0.5, max=5)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came: `url` after redirects, the body decompressed, the media type and the charset the server names."""

    url: str
    body: bytes
    media_type: str
    charset: str | None


class Gone(CannotRead):
    """404 or 410: there is no such page."""


class _TryAgain(Exception):
    """A failure that may pass. `after` is what the server asks to wait, in seconds."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


class Fetcher:
    """Honours robots.txt, keeps `AT_ONCE` requests in flight and `PER_HOST` to one host, and retries what may pass."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._host_slots: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(PER_HOST))
        self._robots: dict[str, asyncio.Task[Protego]] = {}

    async def fetch(self, address: str) -> Fetched:
        """Raises CannotRead, with a reason fit for a list of failures; Gone for a page that is not there."""
        url = _checked(address)
        if not (await self._robots_of(url)).can_fetch(str(url), ROBOT):
            raise CannotRead(address, "robots.txt keeps bots out")
        return await self._patiently(url, address)

    async def _robots_of(self, url: URL) -> Protego:
        origin = str(url.origin())
        if origin not in self._robots:
            self._robots[origin] = asyncio.create_task(self._read_robots(url.origin()))
        return await asyncio.shield(self._robots[origin])

    async def _read_robots(self, origin: URL) -> Protego:
        try:
            fetched = await self._patiently(origin / "robots.txt", str(origin))
        except CannotRead:
            # RFC 9309 §2.3.1.3: without a robots.txt, all may be read. A host that is down fails on its pages, by name.
            return Protego.parse("")
        text = fetched.body[:LONGEST_ROBOTS].decode("utf-8", "replace")
        return await asyncio.to_thread(Protego.parse, text)

    async def _patiently(self, url: URL, address: str) -> Fetched:
        # The host first: what waits for a busy one takes no slot from others.
        async with self._host_slots[url.host or ""], self._slots:
            try:
                async for attempt in AsyncRetrying(
                    stop=stop_after_attempt(ATTEMPTS),
                    wait=_pause,
                    retry=retry_if_exception_type(_TryAgain),
                    reraise=True,
                ):
                    with attempt:
                        return await self._once(url, address)
            except _TryAgain as error:
                raise CannotRead(address, str(error)) from error
        raise AssertionError("tenacity either returns or raises")

    async def _once(self, url: URL, address: str) -> Fetched:
        try:
            async with self._session.get(url, timeout=TIMEOUT, max_redirects=REDIRECTS) as response:
                _check_status(response, address)
                body = await _bounded(response, address)
                return Fetched(str(response.url), body, response.content_type, response.charset)
        except aiohttp.TooManyRedirects as error:
            raise CannotRead(address, "it redirects without end") from error
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
            raise CannotRead(address, "it leads to an address that is none") from error
        except TimeoutError as error:
            raise _TryAgain("it did not answer in time") from error
        except aiohttp.ClientError as error:
            raise _TryAgain(f"the connection failed ({type(error).__name__})") from error


def _checked(address: str) -> URL:
    try:
        url = URL(address)
    except ValueError as error:
        raise CannotRead(address, "that is no web address") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise CannotRead(address, "only http and https addresses can be read")
    return url


def _check_status(response: aiohttp.ClientResponse, address: str) -> None:
    status = response.status
    if status in {404, 410}:
        raise Gone(address, f"there is no such page ({status})")
    if status in {429, 500, 502, 503, 504}:
        raise _TryAgain(f"the server answered {status}", _seconds(response.headers.get("Retry-After")))
    if status >= 400:
        raise CannotRead(address, f"the server answered {status}")


async def _bounded(response: aiohttp.ClientResponse, address: str) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > LARGEST:
            raise CannotRead(address, f"it is larger than {LARGEST // 1024 // 1024} MB")
    return bytes(body)


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after and retry_after.isdecimal() else None


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.after if isinstance(error, _TryAgain) else None
    return min(asked, LONGEST_PAUSE) if asked is not None else _backoff(state)

"""Fetching what sources lead to: politely, patiently, within bounds, and nowhere that is not open to everybody."""

import asyncio
from dataclasses import replace
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_exponential_jitter
from yarl import URL

from core.errors import SourceReadError
from core.ingestion.crawl_policy import CrawlPolicy, HostBackoffError, HostThrottle, seconds_to_wait
from core.ingestion.fetch_result import (
    LISTING,
    PAGE,
    ROBOTS,
    AddressBlockedError,
    Fetched,
    FetchProfile,
    NotModified,
    PageNotFoundError,
    Validators,
    validators,
)
from core.ingestion.robots import Robots, allows, delay
from core.ingestion.ssrf import IsPublic, is_public
from core.ingestion.transport import (
    BlockedRedirectError,
    Deadline,
    HttpResponse,
    HttpTransport,
    Request,
    ResponseNotFoundError,
    TransientFetchError,
    UnusableResponseError,
)
from core.telemetry import RequestRetried, emit

__all__ = [
    "LISTING",
    "PAGE",
    "USER_AGENT",
    "AddressBlockedError",
    "CrawlPolicy",
    "Fetched",
    "Fetcher",
    "NotModified",
    "PageNotFoundError",
    "Validators",
]

USER_AGENT = "Footnoted/{version} (reads posts to answer questions about them)"
MOST_REDIRECTS = 5
LONGEST_ADDRESS = 4_000
_PERMANENT = frozenset({301, 308})


class Fetcher:
    """Reads over HTTP for one run. Open inside `async with`.

    Whatever is read is read on behalf of a `home`, the address of a source as an operator configured it: that origin
    may lie in a private network, with its other pages. All else that links and redirects lead to has to be public.
    """

    def __init__(
        self,
        agent: str,
        manners: CrawlPolicy | None = None,
        resolver: AbstractResolver | None = None,
        public: IsPublic = is_public,
    ) -> None:
        self._manners = manners or CrawlPolicy()
        self._wire = HttpTransport(agent, resolver, public)
        self._slots = asyncio.Semaphore(self._manners.at_once)
        self._paces: dict[str, HostThrottle] = {}
        self._robots = Robots(self._read_robots)
        first = self._manners.backoff.total_seconds()
        self._exponential = wait_exponential_jitter(multiplier=first, max=5, jitter=first)

    async def __aenter__(self) -> Self:
        await self._wire.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._robots.aclose()
        await self._wire.__aexit__()

    async def get(
        self, address: str, home: str, kind: FetchProfile, known: Validators | None = None
    ) -> Fetched | NotModified:
        """What is at the address; NotModified when it still is what it was when `known` was said of it.

        Raises SourceReadError, with a reason fit for a list of failures; Gone for a page that is not there,
        AddressBlockedError for one
        that is not for everybody.
        """
        url, shown = _checked(address), _shown(address)
        deadline = Deadline(self._manners.deadline, self._manners.silence)
        lasting, passed = True, {url}
        for _ in range(MOST_REDIRECTS + 1):
            request = _request(url, home, kind, known)
            if kind is not ROBOTS:
                await self._ask_robots(request.url, home, shown)
            answer = await self._patiently(request, deadline, shown)
            if answer.leads_to is None:
                moved = str(request.url) if lasting and len(passed) > 1 else ""
                return _came(answer, request, moved)
            lasting = lasting and answer.status in _PERMANENT
            url = _checked(str(answer.leads_to), shown)
            if url in passed:
                break
            passed.add(url)
        raise SourceReadError(shown, "it redirects without end")

    async def _ask_robots(self, url: URL, home: str, shown: str) -> None:
        try:
            rules = await self._robots.of(url, home)
        except AddressBlockedError as error:
            raise AddressBlockedError(shown, error.reason) from error
        self._pace(url).slow_down(delay(rules))
        if not allows(rules, url):
            raise SourceReadError(shown, "robots.txt keeps bots out")

    async def _read_robots(self, url: URL, home: str) -> bytes:
        try:
            fetched = await self.get(str(url), home, ROBOTS)
        except AddressBlockedError:
            raise
        except SourceReadError:
            # RFC 9309 §2.3.1.3: without a robots.txt, all may be read. A host that is down fails on its pages, by name.
            return b""
        return fetched.body if isinstance(fetched, Fetched) else b""

    def _pace(self, url: URL) -> HostThrottle:
        host = url.host or ""
        if host not in self._paces:
            self._paces[host] = HostThrottle(host, self._manners)
        return self._paces[host]

    async def _patiently(self, request: Request, deadline: Deadline, shown: str) -> HttpResponse:
        attempts = AsyncRetrying(
            stop=stop_after_attempt(self._manners.attempts),
            wait=self._backoff,
            retry=retry_if_exception_type(TransientFetchError),
            before_sleep=lambda _: emit(RequestRetried("sources")),
            reraise=True,
        )
        try:
            async for attempt in attempts:
                with attempt:
                    return await self._in_turn(request, deadline)
        except ResponseNotFoundError as error:
            raise PageNotFoundError(shown, str(error)) from error
        except BlockedRedirectError as error:
            raise AddressBlockedError(shown, str(error)) from error
        except (UnusableResponseError, TransientFetchError, HostBackoffError) as error:
            raise SourceReadError(shown, str(error)) from error
        raise AssertionError("tenacity either returns or raises")

    async def _in_turn(self, request: Request, deadline: Deadline) -> HttpResponse:
        pace = self._pace(request.url)
        # The host's turn first: what waits for a busy one takes no slot from others.
        async with pace.turn(), self._slots:
            try:
                return await self._wire.send(request, deadline)
            except TransientFetchError as error:
                pace.close(seconds_to_wait(error.after) or 0.0)
                raise

    def _backoff(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = isinstance(error, TransientFetchError) and seconds_to_wait(error.after) is not None
        return 0.0 if asked else self._exponential(state)  # what the server asked for, its pace keeps


def _request(url: URL, home: str, kind: FetchProfile, known: Validators | None) -> Request:
    """A name and a password are shown to the origin that they were configured for, and to no other."""
    configured = URL(home)
    own = configured.absolute and url.origin() == configured.origin()
    auth = aiohttp.encode_basic_auth(configured.user, configured.password or "") if own and configured.user else ""
    return Request(url.with_user(None), kind, own, auth, known)


def _came(answer: HttpResponse, request: Request, moved: str) -> Fetched | NotModified:
    url = str(request.url)
    said = validators(url, answer.etag, answer.last_modified)
    if answer.status != 304:
        return Fetched(url, answer.body, answer.media_type, answer.charset, said, moved, answer.canonical)
    before = request.known or Validators(url)
    # A 304 need not repeat what still holds.
    now = said or before
    return NotModified(
        url, replace(now, etag=now.etag or before.etag, last_modified=now.last_modified or before.last_modified), moved
    )


def _checked(address: str, shown: str = "") -> URL:
    """Raises SourceReadError for what cannot be fetched; `shown` is where it was found when it was not given."""
    try:
        url = URL(address).with_fragment(None)
        told = url.scheme in {"http", "https"} and bool(url.host) and url.port is not None
    except ValueError as error:
        reason = "it leads to an address that is none" if shown else "that is no web address"
        raise SourceReadError(shown or address, reason) from error
    if not told:
        raise SourceReadError(shown or _shown(address), "only http and https addresses can be read")
    if len(address) > LONGEST_ADDRESS:
        raise SourceReadError((shown or address)[:200], "its address is too long")
    return url


def _shown(address: str) -> str:
    """The address without a name and a password."""
    try:
        url = URL(address)
        return str(url.with_user(None)) if url.user else address
    except ValueError:
        return address

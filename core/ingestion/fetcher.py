"""Fetching of sources and their pages: obeys robots.txt, throttles, retries, and follows redirects safely."""

import asyncio
from dataclasses import replace
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_exponential_jitter
from yarl import URL

from core.errors import SourceReadError, is_retryable
from core.ingestion.crawl_policy import CrawlPolicy, HostThrottle, parse_retry_after
from core.ingestion.fetch_result import (
    ROBOTS,
    AddressBlockedError,
    Fetched,
    FetchError,
    FetchProfile,
    NotModified,
    SiteDownError,
    TransientFetchError,
    Validators,
    make_validators,
)
from core.ingestion.robots import RobotsCache, crawl_delay, is_allowed, sitemaps_of
from core.ingestion.ssrf import IsPublic, is_public
from core.ingestion.transport import Deadline, HttpResponse, HttpTransport, Request
from core.telemetry import RequestRetried, emit

USER_AGENT = "Footnoted/{version} (reads posts to answer questions about them)"
MAX_REDIRECTS = 5
MAX_URL_LENGTH = 4_000
_PERMANENT = frozenset({301, 308})


class Fetcher:
    """Fetches over HTTP for one run. Use as an async context manager.

    Every fetch is made on behalf of a `home`, the configured address of a source. Its origin may be in a private
    network; all other origins that links and redirects lead to must be public.
    """

    def __init__(
        self,
        user_agent: str,
        policy: CrawlPolicy | None = None,
        resolver: AbstractResolver | None = None,
        public: IsPublic = is_public,
    ) -> None:
        self._policy = policy or CrawlPolicy()
        self._transport = HttpTransport(user_agent, resolver, public)
        self._slots = asyncio.Semaphore(self._policy.max_requests)
        self._throttles: dict[str, HostThrottle] = {}
        self._robots = RobotsCache(self._fetch_robots)
        first = self._policy.backoff.total_seconds()
        self._exponential = wait_exponential_jitter(multiplier=first, max=5, jitter=first)

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._robots.aclose()
        await self._transport.__aexit__()

    def clear_dns_cache(self) -> None:
        """Resolve names of links again."""
        self._transport.clear_dns_cache()

    async def fetch(
        self, address: str, home: str, profile: FetchProfile, validators: Validators | None = None
    ) -> Fetched | NotModified:
        """Fetch an address; NotModified if it is unchanged since it gave `validators`.

        Raises SourceReadError with a reason for the list of failures: PageNotFoundError for 404 and 410,
        AddressBlockedError for an address that is not public.
        """
        url, shown = _parse_url(address), _without_credentials(address)
        deadline = Deadline(self._policy.deadline, self._policy.read_timeout)
        permanent, visited = True, {url}
        for _ in range(MAX_REDIRECTS + 1):
            request = _make_request(url, home, profile, validators)
            if profile is not ROBOTS:
                await self._check_robots(request.url, home, shown)
            try:
                response = await self._send_with_retries(request, deadline)
            except FetchError as error:
                raise error.reported_as(shown, str(error)) from error
            if response.location is None:
                moved = str(request.url) if permanent and len(visited) > 1 else ""
                return _to_result(response, request, moved)
            permanent = permanent and response.status in _PERMANENT
            url = _parse_url(str(response.location), shown)
            if url in visited:
                break
            visited.add(url)
        raise SourceReadError(shown, "it redirects too many times")

    async def sitemaps(self, address: str, home: str) -> tuple[str, ...]:
        """Return the addresses of the sitemaps that the site's robots.txt names; none if it cannot be read."""
        try:
            return sitemaps_of(await self._robots.rules_for(_parse_url(address), home))
        except SourceReadError:
            return ()

    async def allows(self, address: str, home: str) -> bool:
        """Return whether the robots.txt of the address allows it to be fetched."""
        try:
            await self._check_robots(_parse_url(address), home, address)
        except SourceReadError:
            return False
        return True

    async def _check_robots(self, url: URL, home: str, shown: str) -> None:
        try:
            rules = await self._robots.rules_for(url, home)
        except AddressBlockedError as error:
            raise AddressBlockedError(shown, error.reason) from error
        except SiteDownError as error:
            where = " when asked for its robots.txt" if "answered" in error.reason else ""
            raise SiteDownError(shown, error.reason + where) from error
        self._throttle(url).apply_crawl_delay(crawl_delay(rules))
        if not is_allowed(rules, url):
            raise SourceReadError(shown, "robots.txt does not allow it")

    async def _fetch_robots(self, url: URL, home: str) -> bytes:
        try:
            fetched = await self.fetch(str(url), home, ROBOTS)
        except (AddressBlockedError, SiteDownError):
            raise
        except SourceReadError:
            return b""  # RFC 9309 §2.3.1.3: without a robots.txt everything is allowed
        return fetched.body if isinstance(fetched, Fetched) else b""

    def _throttle(self, url: URL) -> HostThrottle:
        host = url.host or ""
        if host not in self._throttles:
            self._throttles[host] = HostThrottle(host, self._policy)
        return self._throttles[host]

    async def _send_with_retries(self, request: Request, deadline: Deadline) -> HttpResponse:
        attempts = AsyncRetrying(
            stop=stop_after_attempt(self._policy.attempts),
            wait=self._backoff,
            retry=retry_if_exception(is_retryable),
            before_sleep=lambda _: emit(RequestRetried("sources")),
            reraise=True,
        )
        return await attempts(self._send_throttled, request, deadline)

    async def _send_throttled(self, request: Request, deadline: Deadline) -> HttpResponse:
        throttle = self._throttle(request.url)
        # The host's slot first, so that requests waiting for a busy host take no slot from others.
        async with throttle.slot(), self._slots:
            try:
                return await self._transport.send(request, deadline)
            except TransientFetchError as error:
                throttle.block(parse_retry_after(error.retry_after) or 0.0)
                raise

    def _backoff(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        throttled = isinstance(error, TransientFetchError) and parse_retry_after(error.retry_after) is not None
        return 0.0 if throttled else self._exponential(state)  # the throttle waits as long as the server asked


def _make_request(url: URL, home: str, profile: FetchProfile, validators: Validators | None) -> Request:
    """Credentials are sent only to the origin that they were configured for."""
    configured = URL(home)
    trusted = configured.absolute and url.origin() == configured.origin()
    credentials = trusted and configured.user
    authorization = aiohttp.encode_basic_auth(configured.user or "", configured.password or "") if credentials else ""
    return Request(url.with_user(None), profile, trusted, authorization, validators)


def _to_result(response: HttpResponse, request: Request, moved: str) -> Fetched | NotModified:
    url = str(request.url)
    new = make_validators(url, response.etag, response.last_modified)
    if response.status != 304:
        return Fetched(url, response.body, response.media_type, response.charset, new, moved, response.canonical)
    old = request.validators or Validators(url)
    # A 304 need not repeat the validators that still hold.
    merged = new or old
    merged = replace(merged, etag=merged.etag or old.etag, last_modified=merged.last_modified or old.last_modified)
    return NotModified(url, merged, moved)


def _parse_url(address: str, found_on: str = "") -> URL:
    """Parse a URL. Raises SourceReadError, for the page that it was `found_on` if any, if it cannot be fetched."""
    try:
        url = URL(address).with_fragment(None)
        is_web = url.scheme in {"http", "https"} and bool(url.host) and url.port is not None
    except ValueError as error:
        reason = "it leads to an invalid address" if found_on else "it is not a valid web address"
        raise SourceReadError(found_on or address, reason) from error
    if not is_web:
        raise SourceReadError(found_on or _without_credentials(address), "only http and https addresses are supported")
    if len(address) > MAX_URL_LENGTH:
        raise SourceReadError((found_on or address)[:200], "its address is too long")
    return url


def _without_credentials(address: str) -> str:
    try:
        url = URL(address)
        return str(url.with_user(None)) if url.user else address
    except ValueError:
        return address

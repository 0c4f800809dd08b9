"""HTTP requests within limits on time and size. Redirects are not followed here."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from time import monotonic
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from core.errors import SourceReadError
from core.ingestion.decompression import ACCEPT_ENCODING, CorruptDataError, DecompressionLimitError, decompress
from core.ingestion.fetch_result import (
    AddressBlockedError,
    FetchError,
    FetchProfile,
    PageNotFoundError,
    SiteDownError,
    TransientFetchError,
    Validators,
)
from core.ingestion.ssrf import IsPublic, NonPublicAddressError, is_public, public_only
from core.throttle_telemetry import throttle_trace_config

CONNECT_TIMEOUT = 10.0
"""Seconds."""

MAX_INLINE_BYTES = 4 * 1024
"""Larger compressed bodies are decompressed in a thread."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_EMPTY = frozenset({204, 205})
_TRANSIENT = frozenset({429, 500, 502, 503, 504})
_TIMEOUT = "it did not respond in time"


class Deadline:
    """The time left for a request with its redirects and retries; waiting for a turn does not count."""

    def __init__(self, total: timedelta, read_timeout: timedelta) -> None:
        self._left = total.total_seconds()
        self._read_timeout = read_timeout.total_seconds()

    @property
    def timeout(self) -> aiohttp.ClientTimeout:
        """Raises FetchError if no time is left."""
        if self._left <= 0:
            raise FetchError(_TIMEOUT, SiteDownError)
        return aiohttp.ClientTimeout(total=self._left, connect=CONNECT_TIMEOUT, sock_read=self._read_timeout)

    def spend(self, seconds: float) -> None:
        self._left -= seconds


@dataclass(frozen=True, slots=True)
class Request:
    """`trusted` is for the origin of a configured source, which may be in a private network; `authorization` is the
    header with that source's credentials."""

    url: URL
    profile: FetchProfile
    trusted: bool = False
    authorization: str = ""
    validators: Validators | None = None

    @property
    def headers(self) -> dict[str, str]:
        return self.conditions | ({"Authorization": self.authorization} if self.authorization else {})

    @property
    def conditions(self) -> dict[str, str]:
        """The headers that make the request conditional; none if the validators are of another URL."""
        if self.validators is None or self.validators.url != str(self.url):
            return {}
        conditions = {"If-None-Match": self.validators.etag, "If-Modified-Since": self.validators.last_modified}
        return {name: value for name, value in conditions.items() if value}


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """2xx with its body, 304, or a redirect to `location`."""

    status: int
    media_type: str
    charset: str | None
    etag: str
    last_modified: str
    canonical: str
    location: URL | None = None
    body: bytes = b""


class HttpTransport:
    """Two connection pools: one for configured sources, and one for links, which connects to public addresses only.
    Use as an async context manager. Tests pass `resolver` and `public`."""

    def __init__(self, user_agent: str, resolver: AbstractResolver | None = None, public: IsPublic = is_public) -> None:
        self._headers = {"User-Agent": user_agent, "Accept-Encoding": ACCEPT_ENCODING}
        self._resolver = resolver
        self._public = public

    async def __aenter__(self) -> Self:
        self._trusted = self._session(aiohttp.TCPConnector(resolver=self._resolver))
        self._guarded = aiohttp.TCPConnector(resolver=self._resolver, socket_factory=public_only(self._public))
        self._untrusted = self._session(self._guarded)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._trusted.close()
        await self._untrusted.close()

    def clear_dns_cache(self) -> None:
        """Resolve names of links again, as happens anyway every ten seconds."""
        self._guarded.clear_dns_cache()

    def _session(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        # Bodies are decompressed below, within limits. No cookies, and no proxies from the environment.
        return aiohttp.ClientSession(
            connector=connector,
            headers=self._headers,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[throttle_trace_config("sources")],
        )

    async def send(self, request: Request, deadline: Deadline) -> HttpResponse:
        """Send one request. Raises FetchError."""
        began = monotonic()
        try:
            return await self._send(request, deadline.timeout)
        except DecompressionLimitError as error:
            raise FetchError(f"it is larger than {request.profile.max_bytes / 1024 / 1024:g} MB") from error
        except CorruptDataError as error:
            raise FetchError(str(error)) from error
        except TimeoutError as error:
            raise TransientFetchError(_TIMEOUT) from error
        except (aiohttp.ClientError, ValueError) as error:
            raise _to_fetch_error(error) from error
        finally:
            deadline.spend(monotonic() - began)

    async def _send(self, request: Request, timeout: aiohttp.ClientTimeout) -> HttpResponse:
        session = self._trusted if request.trusted else self._untrusted
        async with session.get(
            request.url, headers=request.headers, timeout=timeout, allow_redirects=False
        ) as response:
            head = _read_head(response, bool(request.conditions))
            if head.location is not None or head.status == 304:
                return head
            if head.media_type and not request.profile.media_types.fullmatch(head.media_type):
                raise FetchError(f"it is not {request.profile.name} but {head.media_type}")
            return replace(head, body=await _read_body(response, request.profile))


def _read_head(response: aiohttp.ClientResponse, conditional: bool) -> HttpResponse:
    status, headers = response.status, response.headers
    if status in {404, 410}:
        raise FetchError(f"the page does not exist ({status})", PageNotFoundError)
    kind = SiteDownError if status >= 500 else SourceReadError
    if status in _TRANSIENT:
        raise TransientFetchError(f"the server answered {status}", headers.get("Retry-After", ""), kind)
    if status in _EMPTY:
        raise FetchError(f"the server answered {status}, without any content")
    location = headers.get("Location", "") if status in _REDIRECTS else ""
    if not (200 <= status < 300 or location or (status == 304 and conditional)):
        raise FetchError(f"the server answered {status}", kind)
    return HttpResponse(
        status=status,
        media_type=response.content_type.lower() if headers.get("Content-Type") else "",
        charset=response.charset,
        etag=headers.get("ETag", ""),
        last_modified=headers.get("Last-Modified", ""),
        canonical=_canonical_link(response),
        location=_resolve(response.url, location) if location else None,
    )


def _resolve(base: URL, location: str) -> URL:
    try:
        return base.join(URL(location))
    except ValueError as error:
        raise FetchError("it leads to an invalid address") from error


def _canonical_link(response: aiohttp.ClientResponse) -> str:
    """Return the canonical URL of the Link header (RFC 6596), if it has one."""
    if "canonical" not in response.headers.get("Link", ""):
        return ""
    try:
        link = response.links.get("canonical")
    except ValueError:
        return ""
    return str(link["url"]) if link else ""


async def _read_body(response: aiohttp.ClientResponse, profile: FetchProfile) -> bytes:
    if (response.content_length or 0) > profile.max_bytes and not profile.truncate:
        raise DecompressionLimitError
    received = bytearray()
    async for piece in response.content.iter_chunked(64 * 1024):
        received += piece
        if len(received) > profile.max_bytes:
            break
    encoding = response.headers.get("Content-Encoding", "")
    arguments = (bytes(received), encoding, profile.max_bytes, profile.truncate)
    inline = not encoding or len(received) < MAX_INLINE_BYTES
    return decompress(*arguments) if inline else await asyncio.to_thread(decompress, *arguments)


def _to_fetch_error(error: Exception) -> FetchError:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return FetchError("its TLS certificate is not trusted", SiteDownError)
        case aiohttp.ClientConnectorDNSError():
            return TransientFetchError("its host name cannot be resolved")
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, NonPublicAddressError):
            return FetchError("it leads to an address that is not public", AddressBlockedError)
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return FetchError("it leads to an invalid address")
        case aiohttp.ClientResponseError() | ValueError():
            return FetchError("the server did not send a valid HTTP response", SiteDownError)
        case _:
            return TransientFetchError(f"the connection failed ({type(error).__name__})")

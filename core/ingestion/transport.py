"""One request over HTTP: sent, answered and unpacked within bounds, with nothing followed."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from time import monotonic
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from core.ingestion.decompression import ACCEPTED, CorruptDataError, DecompressionLimitError, unpacked
from core.ingestion.fetch_result import FetchProfile, Validators
from core.ingestion.ssrf import IsPublic, NonPublicAddressError, is_public, public_only
from core.throttle_telemetry import throttle_trace_config

CONNECTING = 10.0
"""Seconds that a connection may take."""

SMALL = 4 * 1024
"""Packed bytes that are unpacked at once; more are unpacked in a thread."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAY_PASS = frozenset({429, 500, 502, 503, 504})


class UnusableResponseError(Exception):
    """The answer cannot be used, and would not be better the next time."""


class ResponseNotFoundError(UnusableResponseError):
    """404 or 410."""


class BlockedRedirectError(UnusableResponseError):
    """A link led into a network that is not open to everybody."""


class TransientFetchError(Exception):
    """A failure after which the same request may do better. `after` is a Retry-After header."""

    def __init__(self, reason: str, after: str = "") -> None:
        super().__init__(reason)
        self.after = after


class Deadline:
    """What is left of the time that requests which belong together may take; waiting for a turn does not count."""

    def __init__(self, within: timedelta, silence: timedelta) -> None:
        self._left = within.total_seconds()
        self._silence = silence.total_seconds()

    @property
    def timeout(self) -> aiohttp.ClientTimeout:
        """Raises UnusableResponseError when nothing is left."""
        if self._left <= 0:
            raise UnusableResponseError("it did not answer in time")
        return aiohttp.ClientTimeout(total=self._left, connect=CONNECTING, sock_read=self._silence)

    def spend(self, seconds: float) -> None:
        self._left -= seconds


@dataclass(frozen=True, slots=True)
class Request:
    """`own` is within the origin of an address that an operator configured, and may lie anywhere; `auth` is what
    that address holds, as a header."""

    url: URL
    kind: FetchProfile
    own: bool = False
    auth: str = ""
    known: Validators | None = None

    @property
    def headers(self) -> dict[str, str]:
        return self.conditions | ({"Authorization": self.auth} if self.auth else {})

    @property
    def conditions(self) -> dict[str, str]:
        if self.known is None or self.known.url != str(self.url):
            return {}
        asked = {"If-None-Match": self.known.etag, "If-Modified-Since": self.known.last_modified}
        return {name: value for name, value in asked.items() if value}


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """2xx with its body, 304, or a redirect to `leads_to`."""

    status: int
    media_type: str
    charset: str | None
    etag: str
    last_modified: str
    canonical: str
    leads_to: URL | None = None
    body: bytes = b""


class HttpTransport:
    """Two pools of connections: one for what operators configured, and one for what strangers' links lead to, which is
    public or is not connected to. Open inside `async with`. Tests bring a `resolver` and an idea of `public`."""

    def __init__(self, agent: str, resolver: AbstractResolver | None = None, public: IsPublic = is_public) -> None:
        self._headers = {"User-Agent": agent, "Accept-Encoding": ACCEPTED}
        self._resolver = resolver
        self._public = public

    async def __aenter__(self) -> Self:
        self._own = self._session(aiohttp.TCPConnector(resolver=self._resolver))
        guarded = aiohttp.TCPConnector(resolver=self._resolver, socket_factory=public_only(self._public))
        self._others = self._session(guarded)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._own.close()
        await self._others.close()

    def _session(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        # Bodies are unpacked here, within bounds; cookies and proxies of the environment are nobody's business.
        return aiohttp.ClientSession(
            connector=connector,
            headers=self._headers,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[throttle_trace_config("sources")],
        )

    async def send(self, request: Request, deadline: Deadline) -> HttpResponse:
        """Raises UnusableResponseError (Missing for 404 and 410, Closed for what is not public), and
        TransientFetchError."""
        began = monotonic()
        try:
            return await self._send(request, deadline.timeout)
        except (DecompressionLimitError, CorruptDataError) as error:
            raise UnusableResponseError(
                _too_large(request.kind) if isinstance(error, DecompressionLimitError) else f"it is {error}"
            ) from error
        except TimeoutError as error:
            raise TransientFetchError("it did not answer in time") from error
        except (aiohttp.ClientError, ValueError) as error:
            raise _understood(error) from error
        finally:
            deadline.spend(monotonic() - began)

    async def _send(self, request: Request, timeout: aiohttp.ClientTimeout) -> HttpResponse:
        session = self._own if request.own else self._others
        async with session.get(
            request.url, headers=request.headers, timeout=timeout, allow_redirects=False
        ) as response:
            answer = _head(response, bool(request.conditions))
            if answer.leads_to is not None or answer.status == 304:
                return answer
            if answer.media_type and not request.kind.media_types.fullmatch(answer.media_type):
                raise UnusableResponseError(f"it is no {request.kind.name} but {answer.media_type}")
            return await _with_body(answer, response, request.kind)


def _head(response: aiohttp.ClientResponse, conditional: bool) -> HttpResponse:
    status, headers = response.status, response.headers
    if status in {404, 410}:
        raise ResponseNotFoundError(f"there is no such page ({status})")
    if status in _MAY_PASS:
        raise TransientFetchError(f"the server answered {status}", headers.get("Retry-After", ""))
    location = headers.get("Location", "") if status in _REDIRECTS else ""
    if not (200 <= status < 300 or location or (status == 304 and conditional)):
        raise UnusableResponseError(f"the server answered {status}")
    return HttpResponse(
        status=status,
        media_type=response.content_type.lower() if headers.get("Content-Type") else "",
        charset=response.charset,
        etag=headers.get("ETag", ""),
        last_modified=headers.get("Last-Modified", ""),
        canonical=_canonical(response),
        leads_to=_joined(response.url, location) if location else None,
    )


def _joined(base: URL, location: str) -> URL:
    try:
        return base.join(URL(location))
    except ValueError as error:
        raise UnusableResponseError("it leads to an address that is none") from error


def _canonical(response: aiohttp.ClientResponse) -> str:
    """What a Link header names so (RFC 6596)."""
    if "canonical" not in response.headers.get("Link", ""):
        return ""
    try:
        link = response.links.get("canonical")
    except ValueError:
        return ""
    return str(link["url"]) if link else ""


async def _with_body(answer: HttpResponse, response: aiohttp.ClientResponse, kind: FetchProfile) -> HttpResponse:
    if (response.content_length or 0) > kind.largest and not kind.cut:
        raise DecompressionLimitError
    packed = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        packed += chunk
        if len(packed) > kind.largest:
            break
    encoding = response.headers.get("Content-Encoding", "")
    unpack = (bytes(packed), encoding, kind.largest, kind.cut)
    body = unpacked(*unpack) if not encoding or len(packed) < SMALL else await asyncio.to_thread(unpacked, *unpack)
    return replace(answer, body=body)


def _too_large(kind: FetchProfile) -> str:
    return f"it is larger than {kind.largest / 1024 / 1024:g} MB"


def _understood(error: Exception) -> Exception:
    """What went wrong with a connection, in words for people."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return UnusableResponseError("its certificate cannot be trusted")
        case aiohttp.ClientConnectorDNSError():
            return TransientFetchError("its host is not known")
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, NonPublicAddressError):
            return BlockedRedirectError("it leads to an address that is not public")
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return UnusableResponseError("it leads to an address that is none")
        case aiohttp.ClientResponseError() | ValueError():
            return UnusableResponseError("the server does not speak HTTP")
        case _:
            return TransientFetchError(f"the connection failed ({type(error).__name__})")

"""Request guard of the web page: token, origin, host and body size; and security headers."""

import hmac
import json
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from yarl import URL

from core.loopback import is_loopback

MAX_BODY_BYTES = 64 * 1024

LOCAL_ONLY = web.AppKey("local_only", bool)
"""Whether only this machine may use the page."""

SELF_AUTHENTICATED_PATHS = web.AppKey("self_authenticated_paths", frozenset[str])
"""Paths whose handlers authenticate the sender themselves; the guard skips them."""

TOKEN = web.AppKey("token", str)
"""The required bearer token; empty for none."""

PUBLIC_PATHS = ("/", "/healthz", "/readyz")
"""Paths that need no token, besides the page's static files; they reveal no questions or posts."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types dompurify"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Reject requests from other sites and requests without the token."""
    if request.path in request.app[SELF_AUTHENTICATED_PATHS]:
        return await handler(request)
    if request.method not in {"GET", "HEAD"}:
        _check_origin(request)
    _check_host(request)
    _check_token(request)
    return await handler(request)


async def set_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add the security headers to a response."""
    response.headers.update(HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")


def _check_origin(request: web.Request) -> None:
    """Reject cross-site requests (CSRF), by `Sec-Fetch-Site` or, where browsers omit it, by `Origin`.

    Programs send neither header and are let through. A JSON body needs a CORS preflight, which is never granted.
    """
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    same_site = site in {"same-origin", "none"} if site else not origin or _authority(origin) == request.host.lower()
    if not same_site:
        raise refused(web.HTTPForbidden, "Only this bot's own page may send this request.")
    if request.content_type != "application/json":
        raise refused(web.HTTPUnsupportedMediaType, "Send JSON, with Content-Type: application/json.")


def _check_host(request: web.Request) -> None:
    """Reject foreign host names: a site can resolve its own name to this machine (DNS rebinding)."""
    if not request.app[LOCAL_ONLY]:
        return
    host = _host_of(f"http://{request.host}")
    if not (host.endswith(".localhost") or is_loopback(host)):
        raise refused(web.HTTPForbidden, "This bot is only available on this machine: open it as localhost.")


def _check_token(request: web.Request) -> None:
    token = request.app[TOKEN]
    if not token or request.path in PUBLIC_PATHS or request.path.startswith("/page/"):
        return
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    # Constant time, so that timing reveals nothing about the token.
    valid = hmac.compare_digest(given.strip().encode(errors="surrogateescape"), token.encode())
    if scheme.lower() != "bearer" or not valid:
        raise refused(web.HTTPUnauthorized, "This bot requires a token.", headers={"WWW-Authenticate": "Bearer"})


def sender(request: web.Request) -> str:
    """Return the client's IPv4 address or its IPv6 /64 network, since a client has many IPv6 addresses.

    `X-Forwarded-For` is trusted only from a proxy on this machine.
    """
    address = request.remote or ""
    forwarded = request.headers.get("X-Forwarded-For", "")
    if forwarded and is_loopback(address):
        # Only the last address was added by the proxy; the client controls the rest.
        address = forwarded.rpartition(",")[2].strip()
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    return str(ip_network((found, 64), strict=False)) if isinstance(found, IPv6Address) else str(found)


def _host_of(address: str) -> str:
    try:
        return URL(address).host or ""
    except ValueError:
        return ""


def _authority(origin: str) -> str:
    """Return the host and port as in a Host header; browsers omit the default port in both."""
    return origin.partition("://")[2].lower()


def refused(kind: Callable[..., web.HTTPException], sentence: str, **arguments: Any) -> web.HTTPException:
    """Return an HTTP error with a JSON document as its body."""
    return kind(text=json.dumps({"error": sentence}), content_type="application/json", **arguments)

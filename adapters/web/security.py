"""Who may send what to the page: whoever knows the token, from its own origin, in small bodies; and headers that leave
a page nothing to run."""

import hmac
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network

from aiohttp import web
from aiohttp.typedefs import Handler
from yarl import URL

LARGEST_BODY = 64 * 1024

LOCAL_ONLY = web.AppKey("local_only", bool)
"""Whether the page is for this machine alone."""

SELF_AUTHENTICATED_PATHS = web.AppKey("own_doors", frozenset[str])
"""Paths whose handlers check for themselves who sends: what is for the page does not hold for them."""

TOKEN = web.AppKey("token", str)
"""What whoever asks has to know; nothing when everybody may ask who can reach the page."""

OPEN = ("/", "/healthz", "/readyz")
"""Paths that need no token, beside the page's own files: there the token is asked for, and these say nothing that was
asked or read."""

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
    """Refuses what another site's page could send, and sets the headers on everything."""
    if request.path in request.app[SELF_AUTHENTICATED_PATHS]:
        return await handler(request)
    if request.method not in {"GET", "HEAD"}:
        _check_origin(request)
    _check_host(request)
    _check_token(request)
    return await handler(request)


async def set_headers(request: web.Request, response: web.StreamResponse) -> None:
    """On every response, before it is sent."""
    response.headers.update(HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")


def _check_origin(request: web.Request) -> None:
    """A browser says whether another site's page sends, in `Sec-Fetch-Site` or, where it has no safe way to, in
    `Origin`. Programs say nothing, and are not what this keeps out. A JSON body cannot be sent across origins without
    asking first, which is never allowed here."""
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    own = site in {"same-origin", "none"} if site else not origin or _authority(origin) == request.host.lower()
    if not own:
        raise _refused(web.HTTPForbidden, "Only this bot's own page may send this.")
    if request.content_type != "application/json":
        raise _refused(web.HTTPUnsupportedMediaType, "Send JSON, with Content-Type: application/json.")


def _check_host(request: web.Request) -> None:
    """A page elsewhere can give its own name this machine's address; then only the name tells that it is not ours."""
    if not request.app[LOCAL_ONLY]:
        return
    host = _name(f"http://{request.host}")
    if host != "localhost" and not host.endswith(".localhost") and not is_loopback(host):
        raise _refused(web.HTTPForbidden, "This bot listens to this machine alone: open it as localhost.")


def _check_token(request: web.Request) -> None:
    token = request.app[TOKEN]
    if not token or request.path in OPEN or request.path.startswith("/page/"):
        return
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    # How long it takes to compare must not tell how much of a guess was right.
    right = hmac.compare_digest(given.strip().encode(errors="surrogateescape"), token.encode())
    if scheme.lower() != "bearer" or not right:
        raise _refused(
            web.HTTPUnauthorized, "This bot answers those who know its token.", {"WWW-Authenticate": "Bearer"}
        )


def sender(request: web.Request) -> str:
    """Where a request comes from, as far as somebody could be told from others by it: an address, or the network of an
    IPv6 address, of which everybody has very many. What a proxy says of it is believed when that is on this machine."""
    address = request.remote or ""
    forwarded = request.headers.get("X-Forwarded-For", "")
    if forwarded and is_loopback(address):
        # Whatever stands before the last one, the sender may have written.
        address = forwarded.rpartition(",")[2].strip()
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    return str(ip_network((found, 64), strict=False)) if isinstance(found, IPv6Address) else str(found)


def is_loopback(host: str) -> bool:
    """Whether an address is one of this machine's own; a name is none."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _name(address: str) -> str:
    try:
        return URL(address).host or ""
    except ValueError:
        return ""


def _authority(origin: str) -> str:
    """As a Host header has it: browsers leave out the usual port in both."""
    return origin.partition("://")[2].lower()


Refusal = Callable[..., web.HTTPException]


def _refused(kind: Refusal, sentence: str, headers: dict[str, str] | None = None) -> web.HTTPException:
    text = web.json_response({"error": sentence}).text
    return kind(text=text, content_type="application/json", headers=headers)

"""URLs of posts: normalized, compared, and read from a page's canonical link. Nothing in here raises."""

import re
from html import unescape
from urllib.parse import quote

from yarl import URL

_TRACKING = re.compile(
    r"(utm|pk|piwik|mtm|matomo|hsa|oly|vero)_\w+|__?hs\w+|hsctatracking|[gd]clid|fbclid|gclsrc|[gw]braid|msclkid|yclid"
    r"|twclid|ttclid|li_fat_id|igsh(id)?|mc_[ce]id|mkt_tok|s_kwcid|srsltid|wickedid|rb_clickid|epik|xtor|ml_subscriber\w*"
    r"|_g[al]|ref_src|at_(medium|campaign|custom\d)",
    re.IGNORECASE,
)
"""Query parameters that track where a reader came from and do not select content."""

_SYNTHETIC = "entry:"
_MEANINGFUL_FRAGMENTS = (_SYNTHETIC, "!", "/")
"""Fragments that select content: our synthetic ones, and routes of single-page applications."""

_HEAD_BYTES = 256 * 1024
_LINK = re.compile(rb"<link\b([^<>]{1,4000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(rb"""\b(rel|href)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)


def clean_url(address: str) -> str:
    """Normalize a URL for fetching and display: lower-case host, standard escapes, and no default port, credentials,
    fragment or tracking parameters. Return anything that is not a web address unchanged. Idempotent."""
    try:
        url = URL(str(URL(address.strip())))  # the first pass leaves capitals in a non-ASCII host
        if url.scheme not in {"http", "https"} or not url.host:
            return address
        if url.user or url.password:
            url = url.with_user(None)
        if not url.fragment.startswith(_MEANINGFUL_FRAGMENTS):
            url = url.with_fragment(None)
        kept = [(name, value) for name, value in url.query.items() if not _is_tracking(name, value)]
        if len(kept) < len(url.query):
            url = url.with_query(kept)
        return str(url)
    except ValueError:
        return address


def _is_tracking(name: str, value: str) -> bool:
    return bool(_TRACKING.fullmatch(name)) or (name == "source" and value.startswith("rss-"))


def url_identity(address: str) -> str:
    """Return a key that is equal for all URLs of the same post: without scheme, `www.` and trailing slash, with sorted
    parameters. For comparing, not for fetching. `url_identity(clean_url(a)) == url_identity(a)`."""
    try:
        url = URL(clean_url(address))
        if url.scheme not in {"http", "https"} or not url.host:
            return address
        query = "&".join(sorted(url.raw_query_string.split("&")))
        fragment = f"#{url.raw_fragment}" if url.fragment else ""
        return site_host(address) + url.raw_path.rstrip("/") + (f"?{query}" if query else "") + fragment
    except ValueError:
        return address


def site_host(address: str) -> str:
    """Return the host without `www.`, with any non-default port; empty if this is not a web address."""
    try:
        url = URL(address.strip())
        host = (url.raw_host or "").lower().rstrip(".").removeprefix("www.")
        return host if url.is_default_port() or not host else f"{host}:{url.port}"
    except ValueError:
        return ""


def synthetic_url(home: str, name: str) -> str:
    """Make a URL for an entry that has none: a unique fragment of the blog's home page."""
    return clean_url(f"{clean_url(home).partition('#')[0]}#{_SYNTHETIC}{quote(name, safe='')}")


def is_synthetic(address: str) -> bool:
    """Return whether the address was made by `synthetic_url`, so that there is no page to fetch."""
    return f"#{_SYNTHETIC}" in address


def extract_canonical(body: bytes, base: str) -> str:
    """Return the absolute URL in the page's `<link rel="canonical">` (RFC 6596); empty if there is none, or if several
    disagree."""
    head = re.split(rb"<body\b", body[:_HEAD_BYTES], maxsplit=1, flags=re.IGNORECASE)[0]
    if b"canonical" not in head.lower():
        return ""
    found = set()
    for link in _LINK.finditer(_COMMENT.sub(b"", head)):
        attributes = {
            match[1].lower(): b"".join(part or b"" for part in match.groups()[1:])
            for match in _ATTRIBUTE.finditer(link[1])
        }
        if b"canonical" in attributes.get(b"rel", b"").lower().split() and attributes.get(b"href", b"").strip():
            found.add(_resolve(unescape(attributes[b"href"].decode("utf-8", "replace")).strip(), base))
    return found.pop() if len(found) == 1 else ""


def _resolve(address: str, base: str) -> str:
    try:
        return str(URL(base).join(URL(address)))
    except ValueError:
        return ""


def accept_canonical(address: str, page: str) -> str:
    """Return the cleaned canonical URL if `page` may claim it, else an empty string. A page may not claim a URL of
    another site; and one that claims the home page comes from a misconfigured theme."""
    if not address or site_host(address) != site_host(page) or not site_host(page):
        return ""
    try:
        url, page_url = URL(clean_url(address)), URL(clean_url(page))
    except ValueError:
        return ""
    if url.scheme not in {"http", "https"} or (_is_home(url) and not _is_home(page_url)):
        return ""
    return str(url)


def _is_home(url: URL) -> bool:
    return url.raw_path in {"", "/"} and not url.query_string

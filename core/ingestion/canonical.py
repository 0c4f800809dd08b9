"""What a page says that its address is (RFC 6596), and when it is believed."""

import re
from html import unescape

from yarl import URL

from core.ingestion.urls import clean_url, site_host

_HEAD = 256 * 1024
_LINK = re.compile(rb"<link\b([^<>]{1,4000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(rb"""\b(rel|href)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)


def extract_canonical(body: bytes, base: str) -> str:
    """The address in the page's `<link rel="canonical">`, resolved; empty without one, and with several that differ."""
    head = re.split(rb"<body\b", body[:_HEAD], maxsplit=1, flags=re.IGNORECASE)[0]
    if b"canonical" not in head.lower():
        return ""
    found = set()
    for link in _LINK.finditer(_COMMENT.sub(b"", head)):
        named = {
            match[1].lower(): b"".join(part or b"" for part in match.groups()[1:])
            for match in _ATTRIBUTE.finditer(link[1])
        }
        if b"canonical" in named.get(b"rel", b"").lower().split() and named.get(b"href", b"").strip():
            found.add(_resolved(unescape(named[b"href"].decode("utf-8", "replace")).strip(), base))
    return found.pop() if len(found) == 1 else ""


def _resolved(address: str, base: str) -> str:
    try:
        return str(URL(base).join(URL(address)))
    except ValueError:
        return ""


def accept_canonical(address: str, page: str) -> str:
    """The address, cleaned, where a page may call itself so, else nothing. It may not take an address of another site,
    and a page that calls itself the site's home page means that nobody has set this."""
    if not address or site_host(address) != site_host(page) or not site_host(page):
        return ""
    try:
        url, here = URL(clean_url(address)), URL(clean_url(page))
    except ValueError:
        return ""
    if url.scheme not in {"http", "https"} or (_is_home(url) and not _is_home(here)):
        return ""
    return str(url)


def _is_home(url: URL) -> bool:
    return url.raw_path in {"", "/"} and not url.query_string

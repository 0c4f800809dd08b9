"""Addresses of posts: written the same way, and told apart. Pure functions that raise nothing."""

import re
from urllib.parse import quote

from yarl import URL

_TRACKING = re.compile(
    r"(utm|pk|piwik|mtm|matomo|hsa|oly|vero)_\w+|__?hs\w+|hsctatracking|[gd]clid|fbclid|gclsrc|[gw]braid|msclkid|yclid"
    r"|twclid|ttclid|li_fat_id|igsh(id)?|mc_[ce]id|mkt_tok|s_kwcid|srsltid|wickedid|rb_clickid|epik|xtor|ml_subscriber\w*"
    r"|_g[al]|ref_src|at_(medium|campaign|custom\d)",
    re.IGNORECASE,
)
"""Parameters that tell where a reader came from, and nothing of what is read."""

_OWN = "entry:"
_ROUTES = (_OWN, "!", "/")
"""Fragments that are part of what is read: names of our own, and pages within an application."""


def clean_url(address: str) -> str:
    """The address as it is asked for and shown: host and escapes in their usual form, without the default port, a name
    and a password, a fragment and what tracks readers. What is no web address stays as it is. Idempotent."""
    try:
        url = URL(str(URL(address.strip())))  # the first time, capitals stay in a host that is no ASCII
        if url.scheme not in {"http", "https"} or not url.host:
            return address
        if url.user or url.password:
            url = url.with_user(None)
        if not url.fragment.startswith(_ROUTES):
            url = url.with_fragment(None)
        kept = [(name, value) for name, value in url.query.items() if not _tracks(name, value)]
        if len(kept) < len(url.query):
            url = url.with_query(kept)
        return str(url)
    except ValueError:
        return address


def _tracks(name: str, value: str) -> bool:
    return bool(_TRACKING.fullmatch(name)) or (name == "source" and value.startswith("rss-"))


def url_identity(address: str) -> str:
    """The same for addresses of the same post: without the scheme, `www.`, a slash at the end and the order of
    parameters. It is for comparing, not for fetching. `url_identity(clean_url(a)) == url_identity(a)`."""
    try:
        url = URL(clean_url(address))
        if url.scheme not in {"http", "https"} or not url.host:
            return address
        query = "&".join(sorted(url.raw_query_string.split("&")))
        path = url.raw_path.rstrip("/")
        return (
            site_host(address)
            + path
            + (f"?{query}" if query else "")
            + (f"#{url.raw_fragment}" if url.fragment else "")
        )
    except ValueError:
        return address


def site_host(address: str) -> str:
    """The host and the port, where it is not the default one; `www.` makes no difference. Empty for what is no web
    address."""
    try:
        url = URL(address.strip())
        host = (url.raw_host or "").lower().rstrip(".").removeprefix("www.")
        return host if url.is_default_port() or not host else f"{host}:{url.port}"
    except ValueError:
        return ""


def synthetic_url(home: str, name: str) -> str:
    """An address for an entry that has none: a name of its own on the blog's home page."""
    return clean_url(f"{clean_url(home).partition('#')[0]}#{_OWN}{quote(name, safe='')}")

"""What the bytes of an RSS or Atom feed say."""

import hashlib
import io
import re
from calendar import timegm
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

import feedparser
import structlog

from core.domain import Source
from core.errors import SourceReadError
from core.ingestion.entries import Entry
from core.ingestion.fetch_result import Fetched
from core.ingestion.parse_limits import check_xml, web_charset
from core.ingestion.urls import clean_url, synthetic_url

log = structlog.get_logger()

SHORTEST_WHOLE = 1_500
"""Characters of a bare description from which on it is taken for the whole post and not for a summary."""

_TAG = re.compile(r"<[^<>]*>")
_CUT_OFF = ("…", "...", "[…]", "[...]", "read more", "continue reading", "weiterlesen", "lire la suite")


@dataclass(frozen=True, slots=True)
class FeedPage:
    """One page of a feed: its entries, the reason when the feed is not well-formed, the next page if it names one."""

    address: str
    entries: tuple[Entry, ...]
    damage: str = ""
    next_page: str = ""


def parse_feed(fetched: Fetched, source: Source, listing: str = "") -> FeedPage:
    """What can be read of a feed, well-formed or not. `listing` is the address that was asked for. Raises
    SourceReadError
    for what is no feed at all."""
    check_xml(fetched, fetched.body)
    try:
        parsed = _parsed(fetched)
    except Exception as error:  # a door: behind it, bytes that nobody thought of raise whatever they meet first
        log.warning("a feed could not be taken apart", address=fetched.url, error=repr(error))
        raise SourceReadError(fetched.url, f"it is no feed that can be taken apart ({type(error).__name__})") from error
    damage = f"not well-formed: {parsed.bozo_exception}" if parsed.bozo and not _harmless(parsed) else ""
    if not parsed.entries and not parsed.get("version"):
        raise SourceReadError(fetched.url, f"it is no feed ({damage})" if damage else "it is no feed")
    home = _joined(fetched.url, parsed.feed.get("link") or "") or fetched.url
    entries = tuple(_entry(entry, home, source, listing or fetched.url) for entry in parsed.entries)
    links = parsed.feed.get("links", ())
    following = next((link["href"] for link in links if link.get("rel") == "next" and link.get("href")), "")
    return FeedPage(fetched.url, entries, damage, _joined(fetched.url, following))


def _parsed(fetched: Fetched) -> Any:
    # Bytes in a stream: given a string, feedparser would take it for an address or a file's name. It only has to
    # parse: what is dangerous in the HTML never leaves `to_markdown`, and cleaning it twice takes most of its time.
    return feedparser.parse(
        io.BytesIO(fetched.body),
        response_headers={"content-type": _content_type(fetched), "content-location": fetched.url},
        sanitize_html=False,
        resolve_relative_uris=False,
    )


def _harmless(parsed: Any) -> bool:
    """A charset or a content type that differs from the XML's own is a server's habit, not damage."""
    return isinstance(parsed.bozo_exception, feedparser.CharacterEncodingOverride | feedparser.NonXMLContentType)


def _content_type(fetched: Fetched) -> str:
    # Feeds served as text/html or octet-stream are feeds all the same; a charset that the server names still counts.
    known = fetched.charset and web_charset(fetched.charset, stateful=False)
    charset = f"; charset={fetched.charset}" if known else ""
    return f"application/xml{charset}"


def _entry(entry: Mapping[str, Any], home: str, source: Source, listing: str) -> Entry:
    content = next((part["value"] for part in entry.get("content", ()) if (part.get("value") or "").strip()), "")
    summary = entry.get("summary") or ""  # of damaged XHTML there is None
    body = content or summary
    title = " ".join(_title(entry).split())
    return Entry(
        url=_address(entry, home, title),
        title=title,
        source=source,
        published=_moment(entry, "published_parsed") or _moment(entry, "updated_parsed"),
        body=body,
        whole=_whole(content, summary),
        modified=_moment(entry, "updated_parsed"),
        listing=listing,
    )


def _address(entry: Mapping[str, Any], home: str, title: str) -> str:
    """The entry's link; else its id where that is a web address; else a place of its own on the blog's home page."""
    for candidate in (entry.get("link"), entry.get("id")):
        # A link may be relative; an id that is no web address is a name.
        address = _joined(home, candidate or "")
        if candidate and urlsplit(address).scheme in {"http", "https"} and _is_place(candidate, entry):
            return clean_url(address)
    name = entry.get("id") or title or hashlib.sha256((entry.get("summary") or "").encode()).hexdigest()[:16]
    return synthetic_url(home, name)


def _joined(base: str, address: str) -> str:
    """The address, or nothing where it is none."""
    try:
        return urljoin(base, address.strip()) if address.strip() else ""
    except ValueError:
        return ""


def _is_place(candidate: str, entry: Mapping[str, Any]) -> bool:
    return candidate == entry.get("link") or "://" in candidate


def _title(entry: Mapping[str, Any]) -> str:
    title = str(entry.get("title") or "")
    # "List<String> in Java" is no HTML.
    return unescape(title) if entry.get("title_detail", {}).get("type") == "text/plain" else _text(title)


def _moment(entry: Mapping[str, Any], name: str) -> datetime | None:
    # feedparser answers with the one date for the other, and warns of it.
    moment = entry.get(name) if name in entry else None
    try:
        return datetime.fromtimestamp(timegm(moment), UTC) if moment else None
    except (ValueError, OverflowError):
        return None


def _whole(content: str, summary: str) -> bool:
    """Whether the feed carries the full post. A body that ends in dots or "read more" was cut off."""
    text = _text(content or summary).strip().lower()
    if text.rstrip(" →»").endswith(_CUT_OFF):
        return False
    return bool(content.strip()) or len(text) >= SHORTEST_WHOLE


def _text(html: str) -> str:
    """Roughly what is to be read, without the cost of a parser: for a title, and to see how a body ends."""
    return unescape(_TAG.sub(" ", html))

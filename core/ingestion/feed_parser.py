"""Parser of RSS and Atom feeds."""

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
from core.ingestion.parse_limits import check_xml, is_web_charset
from core.ingestion.urls import clean_url, synthetic_url

log = structlog.get_logger()

MIN_WHOLE_LENGTH = 1_500
"""Characters from which a description is taken for the whole post rather than a summary."""

_TAG = re.compile(r"<[^<>]*>")
_TRUNCATED = ("…", "...", "[…]", "[...]", "read more", "continue reading", "weiterlesen", "lire la suite")


@dataclass(frozen=True, slots=True)
class FeedPage:
    """One page of a feed. `damage` says why it is not well-formed; `next_page` is its `rel=next` link."""

    address: str
    entries: tuple[Entry, ...]
    damage: str = ""
    next_page: str = ""


def parse_feed(fetched: Fetched, source: Source, listing: str = "") -> FeedPage:
    """Parse what is readable of a feed, well-formed or not. `listing` is the address before redirects. Raises
    SourceReadError if this is not a feed."""
    check_xml(fetched, fetched.body)
    try:
        parsed = _parsed(fetched)
    except Exception as error:  # Boundary: feedparser raises all kinds of errors on malformed bytes.
        log.warning("feed parsing failed", address=fetched.url, error=repr(error))
        raise SourceReadError(fetched.url, f"the feed could not be parsed ({type(error).__name__})") from error
    damage = f"it is not well-formed: {parsed.bozo_exception}" if parsed.bozo and not _harmless(parsed) else ""
    if not parsed.entries and not parsed.get("version"):
        raise SourceReadError(
            fetched.url, f"it is not a feed ({parsed.bozo_exception})" if damage else "it is not a feed"
        )
    home = _join(fetched.url, parsed.feed.get("link") or "") or fetched.url
    language = str(parsed.feed.get("language") or "")
    entries = tuple(_entry(entry, home, source, listing or fetched.url, language) for entry in parsed.entries)
    links = parsed.feed.get("links", ())
    next_page = next((link["href"] for link in links if link.get("rel") == "next" and link.get("href")), "")
    return FeedPage(fetched.url, entries, damage, _join(fetched.url, next_page))


def _parsed(fetched: Fetched) -> Any:
    # A stream, because feedparser takes a string for an address or a file name. It need not sanitize: dangerous HTML
    # does not survive `to_markdown`, and sanitizing would take most of the time.
    return feedparser.parse(
        io.BytesIO(fetched.body),
        response_headers={"content-type": _content_type(fetched), "content-location": fetched.url},
        sanitize_html=False,
        resolve_relative_uris=False,
    )


def _harmless(parsed: Any) -> bool:
    """Servers often send a charset or content type that differs from the XML's own; that is no damage."""
    return isinstance(parsed.bozo_exception, feedparser.CharacterEncodingOverride | feedparser.NonXMLContentType)


def _content_type(fetched: Fetched) -> str:
    # Feeds served as text/html or octet-stream are still feeds; the server's charset counts.
    known = fetched.charset and is_web_charset(fetched.charset, stateful=False)
    charset = f"; charset={fetched.charset}" if known else ""
    return f"application/xml{charset}"


def _entry(entry: Mapping[str, Any], home: str, source: Source, listing: str, language: str) -> Entry:
    content = next((part["value"] for part in entry.get("content", ()) if (part.get("value") or "").strip()), "")
    summary = entry.get("summary") or ""  # None if its XHTML is damaged
    body = content or summary
    title = " ".join(_title(entry).split())
    return Entry(
        url=_address(entry, home, title),
        title=title,
        source=source,
        published=_date(entry, "published_parsed") or _date(entry, "updated_parsed"),
        body=body,
        whole=_is_whole(content, summary),
        modified=_date(entry, "updated_parsed"),
        listing=listing,
        language=str(entry.get("language") or _content_language(entry) or language),
    )


def _content_language(entry: Mapping[str, Any]) -> str:
    """Return the `xml:lang` of an entry's content or title, which inherit that of the feed."""
    details = (*entry.get("content", ()), entry.get("summary_detail") or {}, entry.get("title_detail") or {})
    return next((str(detail["language"]) for detail in details if detail.get("language")), "")


def _address(entry: Mapping[str, Any], home: str, title: str) -> str:
    """Return the entry's link, else its id if that is a web address, else a synthetic URL on the home page."""
    for candidate in (entry.get("link"), entry.get("id")):
        address = _join(home, candidate or "")
        # A link may be relative; an id without a scheme is only a name.
        is_url = candidate and (candidate == entry.get("link") or "://" in candidate)
        if is_url and urlsplit(address).scheme in {"http", "https"}:
            return clean_url(address)
    name = entry.get("id") or title or hashlib.sha256((entry.get("summary") or "").encode()).hexdigest()[:16]
    return synthetic_url(home, name)


def _join(base: str, address: str) -> str:
    """Resolve an address; empty if it is invalid."""
    try:
        return urljoin(base, address.strip()) if address.strip() else ""
    except ValueError:
        return ""


def _title(entry: Mapping[str, Any]) -> str:
    title = str(entry.get("title") or "")
    # "List<String> in Java" is not HTML.
    return unescape(title) if entry.get("title_detail", {}).get("type") == "text/plain" else _strip_tags(title)


def _date(entry: Mapping[str, Any], name: str) -> datetime | None:
    # `in` first: feedparser would substitute the other date, with a warning.
    moment = entry.get(name) if name in entry else None
    try:
        return datetime.fromtimestamp(timegm(moment), UTC) if moment else None
    except (ValueError, OverflowError):
        return None


def _is_whole(content: str, summary: str) -> bool:
    """Return whether the feed carries the full post. A body that ends in dots or "read more" is truncated."""
    text = _strip_tags(content or summary).strip().lower()
    if text.rstrip(" →»").endswith(_TRUNCATED):
        return False
    return bool(content.strip()) or len(text) >= MIN_WHOLE_LENGTH


def _strip_tags(html: str) -> str:
    """Return roughly the visible text, without the cost of a parser."""
    return unescape(_TAG.sub(" ", html))

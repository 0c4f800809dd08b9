"""Parser of feeds: RSS and Atom; `json_feed` parses those in JSON."""

import io
import re
from calendar import timegm
from collections.abc import Mapping
from datetime import UTC, datetime
from html import unescape
from typing import Any

import feedparser
import structlog

from core.domain import Source
from core.errors import SourceReadError
from core.ingestion.feed_items import FeedItem, FeedPage, join, strip_tags, text_to_html, to_entries
from core.ingestion.fetch_result import Fetched
from core.ingestion.json_feed import parse_json_feed
from core.ingestion.urls import site_host
from core.ingestion.xml_repair import repair_xml

log = structlog.get_logger()

_OLDER = ("next", "prev-archive")
"""Relations of a feed to the page with older entries (RFC 5005)."""

_NOTES = re.compile(r"<(/?)(?:media:description|itunes:summary)\b[^<>]*?(/?)>")
"""feedparser takes captions of pictures for the content of an entry. Under another name they are kept apart."""

_WRAPPED = re.compile(r"\s*<(p|div|article|section|h[1-6]|ul|ol|table|blockquote|figure)\b[^<>]*>.*</\1>\s*", re.DOTALL)
_BLOCK = re.compile(r"<(?:p|br|div|ul|ol|li|h[1-6]|a|img|blockquote|table|pre)\b[^<>]*>", re.IGNORECASE)
_MAIN_FEED = re.compile(r"/feed(?:/(?:rss2?|atom|rdf))?/?\Z")


def parse_feed(fetched: Fetched, source: Source, listing: str = "") -> FeedPage:
    """Parse what is readable of a feed, well-formed or not. `listing` is the address before redirects. Raises
    SourceReadError if this is not a feed."""
    listing = listing or fetched.url
    if fetched.body[:1_000].lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
        return parse_json_feed(fetched, source, listing)
    text, damage = repair_xml(fetched)
    try:
        parsed = _parsed(_NOTES.sub(r"<\1shownotes\2>", text))
    except Exception as error:  # Boundary: feedparser raises all kinds of errors on malformed bytes.
        log.warning("feed parsing failed", address=fetched.url, error=repr(error))
        raise SourceReadError(fetched.url, f"the feed could not be parsed ({type(error).__name__})") from error
    if parsed.bozo and not isinstance(parsed.bozo_exception, feedparser.NonXMLContentType):
        damage = str(parsed.bozo_exception)
    if not parsed.entries and not parsed.get("version"):
        raise SourceReadError(fetched.url, f"it is not a feed ({damage})" if damage else "it is not a feed")
    feed = parsed.feed
    home = str(feed.get("link") or "")
    items = [_item(entry, str(parsed.get("version"))) for entry in parsed.entries]
    return FeedPage(
        fetched.url,
        to_entries(items, fetched, home, source, listing, str(feed.get("language") or "")),
        damage and f"it is not well-formed: {damage}",
        next_page=join(fetched.url, _older_page(feed)),
        complete="fh_complete" in feed,
        posts_api=_posts_api(parsed, join(fetched.url, home), listing),
        title=strip_tags(str(feed.get("title") or "")).strip(),
    )


def _parsed(text: str) -> Any:
    # A stream, because feedparser takes a string for an address or a file name. It need not sanitize: dangerous HTML
    # does not survive `to_markdown`, and sanitizing would take most of the time. Nor resolve links: relative ones are
    # told apart from others, and resolved later.
    return feedparser.parse(
        io.BytesIO(text.encode("utf-8", "replace")),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,
        resolve_relative_uris=False,
    )


def _older_page(feed: Mapping[str, Any]) -> str:
    links = {link.get("rel"): link["href"] for link in reversed(feed.get("links", ())) if link.get("href")}
    return next((links[relation] for relation in _OLDER if relation in links), "")


def _posts_api(parsed: Any, home: str, listing: str) -> str:
    """Return where a WordPress lists all posts (its REST API), if this is its main feed."""
    is_wordpress = "wordpress" in str(parsed.feed.get("generator", "")).lower() or any(
        "wfw_commentrss" in entry for entry in parsed.entries[:1]
    )
    root = home.rstrip("/")
    if not is_wordpress or site_host(home) != site_host(listing):
        return ""
    is_main = _MAIN_FEED.sub("", listing.partition("?")[0].partition("://")[2]) == root.partition("://")[2]
    return f"{root}/wp-json/wp/v2/posts?per_page=100&page=1" if is_main else ""


def _item(entry: Mapping[str, Any], version: str) -> FeedItem:
    content = max(
        (_html(str(part.get("value") or ""), part, version) for part in entry.get("content", ())), key=len, default=""
    )
    summary = _html(str(entry.get("summary") or ""), entry.get("summary_detail") or {}, version)
    notes = _html(str(entry.get("shownotes") or ""), {"type": "text/plain"}, "")
    media = _is_media(entry)
    return FeedItem(
        link=str(entry.get("feedburner_origlink") or _link(entry)),
        identity=str(entry.get("id") or "").strip(),
        is_link=bool(entry.get("guidislink")) and not version.startswith("atom"),
        title=_title(entry),
        content=content,
        summary=max(summary, notes, key=len) if media else summary or notes,
        published=_date(entry, "published_parsed"),
        modified=_date(entry, "updated_parsed"),
        language=str(entry.get("language") or _detail(entry, "language")),
        base=_detail(entry, "base"),
        media=media,
    )


def _link(entry: Mapping[str, Any]) -> str:
    """Return the link to the entry's page. Not `entry.link`, which feedparser may take from the id."""
    links = [link for link in entry.get("links", ()) if link.get("rel") == "alternate" and link.get("href")]
    pages = [link for link in links if "html" in str(link.get("type"))]
    return next((str(link["href"]) for link in (*pages, *links)), "")


def _is_media(entry: Mapping[str, Any]) -> bool:
    """Return whether the entry is an episode or a video, whose page has little to read."""
    enclosures = [link for link in entry.get("links", ()) if link.get("rel") == "enclosure"]
    kinds = [
        str(media.get(name) or "")
        for media in (*enclosures, *entry.get("media_content", ()))
        for name in ("type", "medium")
    ]
    return (
        "yt_videoid" in entry or "media_player" in entry or any(kind.startswith(("audio", "video")) for kind in kinds)
    )


def _html(value: str, detail: Mapping[str, Any], version: str) -> str:
    """Return a text of an entry as HTML. Text in Atom is text, whatever it looks like, unless all of it is an element;
    in RSS it may be either."""
    is_text = detail.get("type") == "text/plain"
    if version.startswith("atom"):
        is_text = is_text and not _WRAPPED.fullmatch(value)
    elif "<" not in value:
        value, is_text = unescape(value), True
    else:
        is_text = is_text and not _BLOCK.search(value)
    return text_to_html(value) if is_text else value


def _detail(entry: Mapping[str, Any], name: str) -> str:
    """Return the `xml:lang` or `xml:base` of an entry's texts, which inherit that of the feed."""
    details = (*entry.get("content", ()), entry.get("summary_detail") or {}, entry.get("title_detail") or {})
    return next((str(detail[name]) for detail in details if detail.get(name)), "")


def _title(entry: Mapping[str, Any]) -> str:
    title = str(entry.get("title") or "")
    # "List<String> in Java" is not HTML.
    return unescape(title) if entry.get("title_detail", {}).get("type") == "text/plain" else strip_tags(title)


def _date(entry: Mapping[str, Any], name: str) -> datetime | None:
    # `in` first: feedparser would substitute the other date, with a warning.
    moment = entry.get(name) if name in entry else None
    try:
        return datetime.fromtimestamp(timegm(moment), UTC) if moment else None
    except (ValueError, OverflowError):
        return None

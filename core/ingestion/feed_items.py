"""What feeds of every format have in common: items, their addresses, and whether they carry the whole post."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape, unescape
from urllib.parse import urljoin, urlsplit

from core.domain import Source
from core.ingestion.entries import Entry
from core.ingestion.fetch_result import Fetched
from core.ingestion.urls import clean_url, synthetic_url, url_identity

MIN_WHOLE_LENGTH = 1_500
"""Characters from which a description is taken for the whole post rather than a summary."""

_TAG = re.compile(r"<[^<>]*>")
_TRUNCATED = re.compile(
    r"(…|\.\.\.|[\[(](…|\.\.\.)[\])]"
    r"|read more|read the (full|whole|rest).{0,80}|continue reading.{0,80}"
    r"|weiterlesen|mehr lesen|lire la suite|leer más)"
    r"[\s→»>.]*\Z"
)
_APPEARED_ON = re.compile(
    r"<p>\s*The post <a\b[^<>]*>[^<>]*</a> (?:first )?appeared (?:first )?on <a\b[^<>]*>[^<>]*</a>\.?\s*</p>\s*\Z"
)
"""What WordPress appends to every post of a feed."""

_NO_LINKS = {"", "#", "/", "n/a", "na", "none", "null", "nil", "undefined", "false", "tbd", "todo", "-"}
"""What templates write where there is no link."""


@dataclass(frozen=True, slots=True)
class FeedItem:
    """An item of a feed as it is written there. `content` is the post, `summary` may be less; both are HTML, in which
    links are relative to `base`. `identity` is unique within the feed, and `is_link` if it says so. `media` are audio
    and video, whose post is their description."""

    link: str = ""
    identity: str = ""
    is_link: bool = False
    title: str = ""
    content: str = ""
    summary: str = ""
    published: datetime | None = None
    modified: datetime | None = None
    language: str = ""
    base: str = ""
    media: bool = False


@dataclass(frozen=True, slots=True)
class FeedPage:
    """One page of a feed. `damage` says why it is not well-formed; `next_page` is the address of older entries.
    `complete`: it says that there are no others. `posts_api` is where its WordPress lists all posts, if it is one."""

    address: str
    entries: tuple[Entry, ...]
    damage: str = ""
    next_page: str = ""
    complete: bool = False
    posts_api: str = ""
    title: str = ""


def text_to_html(text: str) -> str:
    """Mark the paragraphs and lines of a plain text, and keep its signs as they are."""
    paragraphs = re.split(r"\n\s*\n", text.strip().replace("\r\n", "\n"))
    return "".join(f"<p>{escape(part, quote=False).replace(chr(10), '<br>')}</p>" for part in paragraphs if part)


def strip_tags(html: str) -> str:
    """Return roughly the visible text, without the cost of a parser."""
    return unescape(_TAG.sub(" ", html))


def join(base: str, address: str) -> str:
    """Resolve an address; empty if it is invalid."""
    try:
        return urljoin(base, address.strip()) if address.strip() else ""
    except ValueError:
        return ""


def to_entries(
    items: Sequence[FeedItem], fetched: Fetched, home: str, source: Source, listing: str, language: str = ""
) -> tuple[Entry, ...]:
    """Return the items as entries. `home` is the page that the feed belongs to, if it says so."""
    home = join(fetched.url, home) or source.address
    addresses = _addresses(items, fetched.url, home)
    return tuple(
        _entry(item, address, source, listing, language) for item, address in zip(items, addresses, strict=True)
    )


def _entry(item: FeedItem, address: str, source: Source, listing: str, language: str) -> Entry:
    body = _APPEARED_ON.sub("", item.content or item.summary)
    return Entry(
        url=address,
        title=" ".join(item.title.split()),
        source=source,
        published=item.published or item.modified,
        body=body,
        whole=_is_whole(item, body),
        modified=item.modified,
        listing=listing,
        language=item.language or language,
        base=join(address, item.base) if item.base else "",
    )


def _is_whole(item: FeedItem, body: str) -> bool:
    """Return whether the feed carries the full post. A body that ends in dots or "read more" is truncated."""
    text = strip_tags(body).strip()
    if not text or _TRUNCATED.search(text[-120:].lower()):
        return False
    return bool(item.content.strip()) or item.media or len(text) >= MIN_WHOLE_LENGTH


def _addresses(items: Sequence[FeedItem], base: str, home: str) -> list[str]:
    """Return an address for each item: its own link, else its identity if that is a link, else a synthetic one. What
    items with different titles share belongs to none of them."""
    titles = [item.title or _digest(item) for item in items]
    links = [_link(item, base) for item in items]
    places = [url_identity(link) for link in links]
    shared_places = _shared(zip(places, titles, strict=True)) | {url_identity(home)}
    shared_names = _shared(zip((item.identity for item in items), titles, strict=True))
    shared_titles = _shared((item.title, _digest(item)) for item in items)
    found = []
    for item, link, place in zip(items, links, places, strict=True):
        if link and place not in shared_places:
            found.append(clean_url(link))
            continue
        name = item.identity if item.identity not in shared_names else item.title
        if not name or name in shared_titles:
            name = f"{name} {_digest(item)}".strip()
        # A link without a scheme that is shared, such as "N/A", was never meant as one.
        found.append(synthetic_url(link if link and "://" in item.link else home, name))
    return found


def _link(item: FeedItem, base: str) -> str:
    """Return the item's link, or its identity if that says it is one, as a web address; empty if there is none."""
    identity = item.identity if item.is_link and "://" in item.identity else ""
    for candidate in (item.link, identity):
        address = join(base, candidate)
        parts = urlsplit(address)
        if candidate.strip().lower() not in _NO_LINKS and parts.scheme in {"http", "https"} and parts.netloc:
            return address
    return ""


def _shared(pairs: Iterable[tuple[str, str]]) -> set[str]:
    """Return the names that come with different values."""
    values: dict[str, set[str]] = defaultdict(set)
    for name, value in pairs:
        values[name].add(value)
    return {name for name, found in values.items() if len(found) > 1 or not name}


def _digest(item: FeedItem) -> str:
    return hashlib.sha256((item.content or item.summary).encode()).hexdigest()[:16]

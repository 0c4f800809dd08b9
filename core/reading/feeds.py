"""RSS and Atom, page after page."""

import asyncio
import hashlib
import io
import re
from calendar import timegm
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import feedparser
from yarl import URL

from core.errors import CannotRead
from core.reading.entries import Entry, Skipped
from core.reading.fetcher import Fetched, Fetcher, Gone
from core.vocabulary import Source

MOST_PAGES = 1_000
AHEAD = 4
"""Pages asked for at once, when a feed has shown that it has pages."""

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


async def read_feed(source: Source, fetcher: Fetcher) -> AsyncGenerator[Entry | Skipped, None]:
    """All entries of a feed, over its `rel=next` pages or `?paged=N`, until a page is missing or brings nothing new.

    Raises CannotRead when the first page cannot be read. A later page that fails ends the feed and is told as Skipped.
    """
    seen: set[str] = set()
    async with aclosing(_pages(source, fetcher)) as pages:
        async for page in pages:
            if isinstance(page, Skipped):
                yield page
                return
            if page.damage:
                yield Skipped(page.address, page.damage)
            fresh = [entry for entry in page.entries if entry.url not in seen]
            if not fresh:
                return
            for entry in fresh:
                seen.add(entry.url)
                yield entry


async def _pages(source: Source, fetcher: Fetcher) -> AsyncGenerator[FeedPage | Skipped, None]:
    first = await _page(source, source.address, fetcher)
    yield first
    later = _linked_pages(source, first, fetcher) if first.next_page else _numbered_pages(source, fetcher)
    async with aclosing(later) as pages:
        async for page in pages:
            yield page


async def _linked_pages(source: Source, page: FeedPage, fetcher: Fetcher) -> AsyncGenerator[FeedPage | Skipped, None]:
    """RFC 5005's way: every page names the next one."""
    for _ in range(MOST_PAGES):
        later = await _later_page(source, page.next_page, fetcher)
        yield later
        if isinstance(later, Skipped) or not later.next_page:
            return
        page = later


async def _numbered_pages(source: Source, fetcher: Fetcher) -> AsyncGenerator[FeedPage | Skipped, None]:
    """WordPress' way. Most other blogs answer page 2 with page 1 again, so that one is asked for alone."""
    number, ahead = 2, 1
    while number <= MOST_PAGES:
        addresses = [_paged(source.address, number + step) for step in range(ahead)]
        for page in await asyncio.gather(*(_later_page(source, address, fetcher) for address in addresses)):
            yield page
        number, ahead = number + ahead, AHEAD


async def _later_page(source: Source, address: str, fetcher: Fetcher) -> FeedPage | Skipped:
    try:
        return await _page(source, address, fetcher)
    except Gone:
        return FeedPage(address, ())
    except CannotRead as error:
        return Skipped(error.address, error.reason)


async def _page(source: Source, address: str, fetcher: Fetcher) -> FeedPage:
    return await asyncio.to_thread(parse_feed, await fetcher.fetch(address), source)


def parse_feed(fetched: Fetched, source: Source) -> FeedPage:
    """What can be read of a feed, well-formed or not. Raises CannotRead for what is no feed at all."""
    # Bytes in a stream: given a string, feedparser would take it for an address or a file's name. It only has to
    # parse: what is dangerous in the HTML never leaves `to_markdown`, and cleaning it twice takes most of its time.
    parsed = feedparser.parse(
        io.BytesIO(fetched.body),
        response_headers={"content-type": _content_type(fetched), "content-location": fetched.url},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    damage = f"not well-formed: {parsed.bozo_exception}" if parsed.bozo and not _harmless(parsed) else ""
    if not parsed.entries and not parsed.get("version"):
        raise CannotRead(fetched.url, f"it is no feed ({damage})" if damage else "it is no feed")
    home = _joined(fetched.url, parsed.feed.get("link") or "") or fetched.url
    entries = tuple(_entry(entry, home, source) for entry in parsed.entries)
    links = parsed.feed.get("links", ())
    following = next((link["href"] for link in links if link.get("rel") == "next" and link.get("href")), "")
    return FeedPage(fetched.url, entries, damage, _joined(fetched.url, following))


def _harmless(parsed: Any) -> bool:
    """A charset or a content type that differs from the XML's own is a server's habit, not damage."""
    return isinstance(parsed.bozo_exception, feedparser.CharacterEncodingOverride | feedparser.NonXMLContentType)


def _content_type(fetched: Fetched) -> str:
    # Feeds served as text/html or octet-stream are feeds all the same; a charset that the server names still counts.
    charset = f"; charset={fetched.charset}" if fetched.charset else ""
    return f"application/xml{charset}"


def _entry(entry: Mapping[str, Any], home: str, source: Source) -> Entry:
    content = next((part["value"] for part in entry.get("content", ()) if part.get("value", "").strip()), "")
    summary = entry.get("summary", "")
    body = content or summary
    title = " ".join(_title(entry).split())
    return Entry(
        url=_address(entry, home, title),
        title=title,
        source=source,
        published=_published(entry),
        body=body,
        whole=_whole(content, summary),
    )


def _address(entry: Mapping[str, Any], home: str, title: str) -> str:
    """The entry's link; else its id where that is a web address; else a place of its own on the blog's home page."""
    for candidate in (entry.get("link"), entry.get("id")):
        # A link may be relative; an id that is no web address is a name.
        address = _joined(home, candidate or "")
        if candidate and urlsplit(address).scheme in {"http", "https"} and _is_place(candidate, entry):
            return address
    name = entry.get("id") or title or hashlib.sha256(entry.get("summary", "").encode()).hexdigest()[:16]
    return f"{home}#{quote(name, safe='')}"


def _joined(base: str, address: str) -> str:
    """The address, or nothing where it is none."""
    try:
        return urljoin(base, address.strip()) if address.strip() else ""
    except ValueError:
        return ""


def _is_place(candidate: str, entry: Mapping[str, Any]) -> bool:
    return candidate == entry.get("link") or "://" in candidate


def _title(entry: Mapping[str, Any]) -> str:
    title = str(entry.get("title", ""))
    # "List<String> in Java" is no HTML.
    return unescape(title) if entry.get("title_detail", {}).get("type") == "text/plain" else _text(title)


def _published(entry: Mapping[str, Any]) -> datetime | None:
    # feedparser answers with the one date for the other, and warns of it.
    moment = entry.get("published_parsed") or ("updated_parsed" in entry and entry.get("updated_parsed"))
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


def _paged(address: str, number: int) -> str:
    return str(URL(address).update_query(paged=str(number)))

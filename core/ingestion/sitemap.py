"""Sitemaps and sitemap indexes."""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import dateutil.parser
from lxml import etree

from core.domain import Source
from core.errors import SourceReadError
from core.ingestion.charsets import decode
from core.ingestion.decompression import CorruptDataError, DecompressionLimitError, gunzip
from core.ingestion.entries import (
    NO_LISTINGS,
    Entry,
    EntrySkipped,
    KnownListings,
    ListingEvent,
    ListingFinished,
    ListingUnchanged,
)
from core.ingestion.feed_items import join
from core.ingestion.fetch_result import LISTING, Fetched, NotModified
from core.ingestion.fetcher import Fetcher
from core.ingestion.parse_limits import check_xml
from core.ingestion.urls import clean_url, url_identity

MAX_INDEX_DEPTH = 3
"""Levels of sitemap indexes that are followed; the protocol allows one."""

MAX_FILES = 1_000
MAX_DATE_LENGTH = 40


_WEB_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
_YEAR = re.compile(r"\d{4}")


class SitemapPage(NamedTuple):
    """A page that a sitemap lists; `modified` is its `lastmod`. News have a title, and a date of publication."""

    address: str
    modified: datetime | None = None
    published: datetime | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class Sitemap:
    """The pages that a sitemap lists, or the sitemaps that an index lists. `damage` says why the lists may be
    incomplete."""

    pages: tuple[SitemapPage, ...] = ()
    sitemaps: tuple[str, ...] = ()
    damage: str = ""


async def read_sitemap(
    source: Source, fetcher: Fetcher, known: KnownListings = NO_LISTINGS, address: str = ""
) -> AsyncGenerator[ListingEvent, None]:
    """Yield every page of a sitemap, at the source's address or at one that its site names, and ListingUnchanged for
    unchanged files of `known`.

    Raises SourceReadError if the first file cannot be read; for a later one yield EntrySkipped.
    """
    seen: set[str] = set()
    async with aclosing(_walk(source, address or source.address, fetcher, known)) as items:
        async for item in items:
            if not isinstance(item, Entry):
                yield item
            elif (name := url_identity(item.url)) not in seen:
                seen.add(name)
                yield item


async def _walk(
    source: Source, first: str, fetcher: Fetcher, known: KnownListings
) -> AsyncGenerator[ListingEvent, None]:
    """Read level by level; indexes may form a cycle."""
    seen, level = {first}, [first]
    for _ in range(MAX_INDEX_DEPTH + 1):
        next_level: list[str] = []
        for address in level:
            try:
                file = await _file(address, source, fetcher, known)
            except SourceReadError as error:
                if address == first:
                    raise
                yield EntrySkipped(error.address, error.reason)
                continue
            if isinstance(file, ListingUnchanged):
                yield file
                continue
            sitemap, finished = file
            for event in _events(sitemap, finished, source):
                yield event
            new = [inner for inner in dict.fromkeys(sitemap.sitemaps) if inner not in seen]
            if len(seen) + len(new) > MAX_FILES + 1:
                yield EntrySkipped(address, f"it lists more than {MAX_FILES:,} sitemaps; the rest were skipped")
            next_level += new[: MAX_FILES + 1 - len(seen)]
            seen.update(next_level)
        level = next_level
    for address in level:
        yield EntrySkipped(address, f"it is nested more than {MAX_INDEX_DEPTH} sitemap levels deep")


def _events(sitemap: Sitemap, finished: ListingFinished, source: Source) -> Iterator[ListingEvent]:
    if sitemap.damage:
        yield EntrySkipped(finished.address, sitemap.damage)
    for page in sitemap.pages:
        address = clean_url(page.address)
        yield Entry(address, page.title, source, page.published, modified=page.modified, listing=finished.address)
    if not sitemap.damage:
        yield finished


async def _file(
    address: str, source: Source, fetcher: Fetcher, known: KnownListings
) -> tuple[Sitemap, ListingFinished] | ListingUnchanged:
    fetched = await fetcher.fetch(address, source.address, LISTING, known.get(address))
    if isinstance(fetched, NotModified):
        return ListingUnchanged(address, fetched.validators)
    sitemap = await asyncio.to_thread(parse_sitemap, fetched)
    # No validators for an index: if it were unchanged, its sitemaps would not be known.
    return sitemap, ListingFinished(address, None if sitemap.sitemaps else fetched.validators, fetched.moved)


def parse_sitemap(fetched: Fetched) -> Sitemap:
    """Parse a sitemap or an index: XML or a list of addresses, compressed or not. Raises SourceReadError if it is
    neither."""
    body = _decompress(fetched).removeprefix(b"\xef\xbb\xbf").lstrip()
    if _WEB_ADDRESS.match(body[:8].decode("latin-1") + "x"):
        text, _ = decode(body, fetched.charset)
        return Sitemap(tuple(SitemapPage(line) for line in text.split() if _WEB_ADDRESS.fullmatch(line)))
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=False)
    check_xml(fetched, body)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise SourceReadError(fetched.url, f"it is not a sitemap: {error}") from error
    # An undeclared prefix is part of the tag.
    name = "" if root is None else re.sub(r".*[}:]", "", str(root.tag))
    if root is None or name not in {"urlset", "sitemapindex"}:
        raise SourceReadError(fetched.url, "it is not a sitemap")
    listed = [page for node in root.iterchildren(tag=etree.Element) if (page := _page(node, fetched.url)).address]
    damage = f"it is not well-formed: {parser.error_log[0].message}" if parser.error_log else ""
    if name == "sitemapindex":
        return Sitemap(sitemaps=tuple(page.address for page in listed), damage=damage)
    return Sitemap(pages=tuple(listed), damage=damage)


def _page(node: etree._Element, base: str) -> SitemapPage:
    address, modified = _text(node, "loc"), _date(_text(node, "lastmod"))
    published, title = _date(_text(node, "news/{*}publication_date")), _text(node, "news/{*}title")
    return SitemapPage(join(base, address) or address, modified, published, title)


def _decompress(fetched: Fetched) -> bytes:
    try:
        return gunzip(fetched.body, LISTING.max_bytes)
    except CorruptDataError as error:
        raise SourceReadError(fetched.url, str(error)) from error
    except DecompressionLimitError as error:
        limit = LISTING.max_bytes // 1024 // 1024
        raise SourceReadError(fetched.url, f"it is larger than {limit} MB when decompressed") from error


def _text(node: etree._Element, name: str) -> str:
    return (node.findtext(f"{{*}}{name}") or "").strip()


def _date(text: str) -> datetime | None:
    """Parse a date, which many sitemaps do not write as they should."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        if not _YEAR.search(text) or len(text) > MAX_DATE_LENGTH:
            return None
        try:
            moment = dateutil.parser.parse(text, default=datetime(1, 1, 1))
        except (ValueError, OverflowError):
            return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

"""Sitemaps, and the index files that lead to them."""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime

from lxml import etree

from core.domain import Source
from core.errors import SourceReadError
from core.ingestion.decompression import CorruptDataError, DecompressionLimitError, unzipped
from core.ingestion.entries import NOTHING, Entry, EntrySkipped, Known, ListEvent, ListingFinished, ListingUnchanged
from core.ingestion.fetch_result import LISTING, Fetched, NotModified
from core.ingestion.fetcher import Fetcher
from core.ingestion.parse_limits import check_xml
from core.ingestion.urls import clean_url, url_identity

DEEPEST = 3
"""Levels of index files that are followed; the protocol knows one."""

MOST_FILES = 1_000


@dataclass(frozen=True, slots=True)
class Sitemap:
    """The pages that a sitemap lists, with the day of their last change, or the sitemaps that an index lists. `damage`
    says why there may be more of them than could be read."""

    pages: tuple[tuple[str, datetime | None], ...] = ()
    sitemaps: tuple[str, ...] = ()
    damage: str = ""


async def read_sitemap(source: Source, fetcher: Fetcher, known: Known = NOTHING) -> AsyncGenerator[ListEvent, None]:
    """Every page of the sitemap. Raises SourceReadError when the first file cannot be read; a later one is Skipped.
    Files
    that are as they were `known` are told as Unchanged."""
    seen: set[str] = set()
    async with aclosing(_walk(source, fetcher, known)) as items:
        async for item in items:
            if not isinstance(item, Entry):
                yield item
            elif (name := url_identity(item.url)) not in seen:
                seen.add(name)
                yield item


async def _walk(source: Source, fetcher: Fetcher, known: Known) -> AsyncGenerator[ListEvent, None]:
    """Level by level; index files may lead in circles."""
    seen, level = {source.address}, [source.address]
    for _ in range(DEEPEST + 1):
        following: list[str] = []
        for address in level:
            try:
                file = await _file(address, source, fetcher, known)
            except SourceReadError as error:
                if address == source.address:
                    raise
                yield EntrySkipped(error.address, error.reason)
                continue
            if isinstance(file, ListingUnchanged):
                yield file
                continue
            sitemap, listed = file
            for event in _events(sitemap, listed, source):
                yield event
            further = [inner for inner in dict.fromkeys(sitemap.sitemaps) if inner not in seen]
            if len(seen) + len(further) > MOST_FILES + 1:
                yield EntrySkipped(address, f"it leads to more than {MOST_FILES:,} sitemaps; the others are left out")
            following += further[: MOST_FILES + 1 - len(seen)]
            seen.update(following)
        level = following
    for address in level:
        yield EntrySkipped(address, f"it lies deeper than {DEEPEST} levels of sitemaps")


def _events(sitemap: Sitemap, listed: ListingFinished, source: Source) -> Iterator[ListEvent]:
    if sitemap.damage:
        yield EntrySkipped(listed.address, sitemap.damage)
    for url, day in sitemap.pages:
        yield Entry(clean_url(url), "", source, published=day, modified=day, listing=listed.address)
    if not sitemap.damage:
        yield listed


async def _file(
    address: str, source: Source, fetcher: Fetcher, known: Known
) -> tuple[Sitemap, ListingFinished] | ListingUnchanged:
    came = await fetcher.get(address, source.address, LISTING, known.get(address))
    if isinstance(came, NotModified):
        return ListingUnchanged(address, came.validators)
    sitemap = await asyncio.to_thread(parse_sitemap, came)
    # An index is always read: unchanged, it would not say which sitemaps are to be looked at.
    return sitemap, ListingFinished(address, None if sitemap.sitemaps else came.validators, came.moved)


def parse_sitemap(fetched: Fetched) -> Sitemap:
    """Raises SourceReadError for what is no sitemap."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=False)
    body = _unzipped(fetched)
    check_xml(fetched, body)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise SourceReadError(fetched.url, f"it is no sitemap: {error}") from error
    # A prefix that is declared nowhere is part of the name.
    name = "" if root is None else re.sub(r".*[}:]", "", str(root.tag))
    if root is None or name not in {"urlset", "sitemapindex"}:
        raise SourceReadError(fetched.url, "it is no sitemap")
    places = [(_text(node, "loc"), _day(_text(node, "lastmod"))) for node in root.iterchildren(tag=etree.Element)]
    listed = tuple((address, day) for address, day in places if address)
    damage = f"not well-formed: {parser.error_log[0].message}" if parser.error_log else ""
    if name == "sitemapindex":
        return Sitemap(sitemaps=tuple(address for address, _ in listed), damage=damage)
    return Sitemap(pages=listed, damage=damage)


def _unzipped(fetched: Fetched) -> bytes:
    try:
        return unzipped(fetched.body, LISTING.largest)
    except CorruptDataError as error:
        raise SourceReadError(fetched.url, f"it is {error}") from error
    except DecompressionLimitError as error:
        raise SourceReadError(
            fetched.url, f"unzipped it is larger than {LISTING.largest // 1024 // 1024} MB"
        ) from error


def _text(node: etree._Element, name: str) -> str:
    return (node.findtext(f"{{*}}{name}") or "").strip()


def _day(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

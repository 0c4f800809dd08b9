"""Sitemaps, and the index files that lead to them."""

import asyncio
import zlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime

from lxml import etree

from core.errors import CannotRead
from core.reading.entries import Entry, Skipped
from core.reading.fetcher import LARGEST, Fetched, Fetcher
from core.vocabulary import Source

DEEPEST = 3
"""Levels of index files that are followed; the protocol knows one."""


@dataclass(frozen=True, slots=True)
class Sitemap:
    """The pages that a sitemap lists, with the day of their last change, or the sitemaps that an index lists. `damage`
    says why there may be more of them than could be read."""

    pages: tuple[tuple[str, datetime | None], ...] = ()
    sitemaps: tuple[str, ...] = ()
    damage: str = ""


async def read_sitemap(source: Source, fetcher: Fetcher) -> AsyncGenerator[Entry | Skipped, None]:
    """Every page of the sitemap. Raises CannotRead when the first file cannot be read; a later one is Skipped."""
    seen: set[str] = set()
    async with aclosing(_walk(source.address, fetcher)) as items:
        async for item in items:
            if isinstance(item, Skipped):
                yield item
            elif item[0] not in seen:
                seen.add(item[0])
                yield Entry(url=item[0], title="", source=source, published=item[1])


async def _walk(first: str, fetcher: Fetcher) -> AsyncGenerator[tuple[str, datetime | None] | Skipped, None]:
    """Level by level; index files may lead in circles."""
    seen, level = {first}, [first]
    for _ in range(DEEPEST + 1):
        following: list[str] = []
        for address in level:
            try:
                sitemap = await asyncio.to_thread(parse_sitemap, await fetcher.fetch(address))
            except CannotRead as error:
                if address == first:
                    raise
                yield Skipped(error.address, error.reason)
                continue
            if sitemap.damage:
                yield Skipped(address, sitemap.damage)
            for page in sitemap.pages:
                yield page
            following += [inner for inner in dict.fromkeys(sitemap.sitemaps) if inner not in seen]
            seen.update(following)
        level = following
    for address in level:
        yield Skipped(address, f"it lies deeper than {DEEPEST} levels of sitemaps")


def parse_sitemap(fetched: Fetched) -> Sitemap:
    """Raises CannotRead for what is no sitemap."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=False)
    try:
        root = etree.fromstring(_unzipped(fetched), parser)
    except etree.XMLSyntaxError as error:
        raise CannotRead(fetched.url, f"it is no sitemap: {error}") from error
    if root is None or etree.QName(root).localname not in {"urlset", "sitemapindex"}:
        raise CannotRead(fetched.url, "it is no sitemap")
    places = [(_text(node, "loc"), _day(_text(node, "lastmod"))) for node in root.iterchildren(tag=etree.Element)]
    listed = tuple((address, day) for address, day in places if address)
    damage = f"not well-formed: {parser.error_log[0].message}" if parser.error_log else ""
    if etree.QName(root).localname == "sitemapindex":
        return Sitemap(sitemaps=tuple(address for address, _ in listed), damage=damage)
    return Sitemap(pages=listed, damage=damage)


def _unzipped(fetched: Fetched) -> bytes:
    if not fetched.body.startswith(b"\x1f\x8b"):
        return fetched.body
    unzip = zlib.decompressobj(wbits=31)
    try:
        body = unzip.decompress(fetched.body, LARGEST)
    except zlib.error as error:
        raise CannotRead(fetched.url, "it is damaged (gzip)") from error
    if unzip.unconsumed_tail:
        raise CannotRead(fetched.url, f"unzipped it is larger than {LARGEST // 1024 // 1024} MB")
    if not unzip.eof:
        raise CannotRead(fetched.url, "it is damaged (gzip)")
    return body


def _text(node: etree._Element, name: str) -> str:
    return (node.findtext(f"{{*}}{name}") or "").strip()


def _day(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

"""What the sources list, held against what was read before: which posts have to be looked at."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from core.domain import Source
from core.errors import SourceReadError
from core.index.version import Listing, PostRecord
from core.indexing.change_tracker import ChangeTracker
from core.indexing.counters import RunCounters
from core.indexing.parse_task import listed_with, made_with
from core.indexing.progress import Failure
from core.ingestion.entries import Entry, EntrySkipped, ListingFinished, ListingUnchanged
from core.ingestion.fetch_result import Validators
from core.ingestion.fetcher import Fetcher
from core.ingestion.sources import list_source, needs_page
from core.ingestion.urls import site_host

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry that may have changed, the address of its post, and what was read of it before."""

    entry: Entry
    url: str
    before: PostRecord | None


class Lister:
    """Lists sources, each once. `complete` are those that have listed all that they have; what `spoil` was said of is
    listed anew the next time, whatever its server says of it."""

    def __init__(
        self,
        book: ChangeTracker,
        before: Mapping[str, Listing],
        sources: Sequence[Source],
        fetcher: Fetcher,
        tally: RunCounters,
    ) -> None:
        self._book = book
        self._made = listed_with(tuple(sources))
        self._before = {name: listing for name, listing in before.items() if listing.made == self._made}
        self._fetcher = fetcher
        self._tally = tally
        self._pages: dict[str, dict[str, Validators]] = {}
        self._moved: dict[str, str] = {}
        self._spoiled: set[str] = set()
        self.complete: set[str] = set()

    async def list(self, source: Source, found: asyncio.Queue[Candidate | None]) -> None:
        """Puts what may have changed into the queue. A source that cannot be read is a failure that is tallied."""
        try:
            if await self._list(source, found):
                self.complete.add(source.name)
        except SourceReadError as error:
            self._forget(source)
            self._tally.fail(Failure(error.address, error.reason, whole_source=True))
        except Exception as error:  # a door: behind it stand the parsers of feeds, and other sources are to be read
            self._forget(source)
            log.error("a source could not be taken apart", address=source.address, exc_info=error)
            reason = f"it could not be taken apart ({type(error).__name__})"
            self._tally.fail(Failure(source.address, reason, whole_source=True))

    def _forget(self, source: Source) -> None:
        self._pages.pop(source.name, None)
        self._before.pop(source.name, None)

    def spoil(self, entry: Entry) -> None:
        """Says that an entry could not be read: its listing has to be looked at again, even if it stays as it is."""
        self._spoiled.add(entry.listing)

    def listings(self, removed: bool) -> dict[str, Listing]:
        """What to keep of the listings' state when all that they list is safe. Where posts are `removed`, another
        source may list them all the same, so that all have to be listed anew."""
        if removed:
            return {}
        return self._before | {
            name: Listing(
                self._made,
                tuple((page, Validators(page) if page in self._spoiled else known) for page, known in pages.items()),
                self._moved.get(name, ""),
            )
            for name, pages in self._pages.items()
        }

    async def _list(self, source: Source, found: asyncio.Queue[Candidate | None]) -> bool:
        before = self._before.get(source.name, Listing(self._made))
        pages = self._pages[source.name] = {}
        whole = source.kind != "feed" and source.limit is None
        at = replace(source, address=before.moved) if before.moved else source
        async with aclosing(list_source(at, self._fetcher, dict(before.pages))) as items:
            async for item in items:
                match item:
                    case Entry():
                        # A page that is damaged is read, and never Listed: the next run asks for it all the same.
                        if item.listing:
                            pages.setdefault(item.listing, Validators(item.listing))
                        await self._consider(replace(item, source=source), found)
                    case EntrySkipped():
                        whole = False
                        self._tally.add("listed")
                        self._tally.fail(Failure(item.address, item.reason))
                    case ListingFinished():
                        # Without validators it is asked for without conditions, and keeps its place in the order.
                        pages[item.address] = item.validators or Validators(item.address)
                        if item.moved and item.address == at.address:
                            self._note_move(source, item.moved)
                    case ListingUnchanged():
                        pages[item.address] = item.validators
                        await self._consider_known(source, item.address, found)
        return whole

    async def _consider(self, entry: Entry, found: asyncio.Queue[Candidate | None]) -> None:
        if not self._book.claim(entry.url):
            return
        self._tally.add("listed")
        url = self._book.url_of(entry.url)
        before = self._book.ledger.get(url)
        if before and _is_spared(entry, before):
            self._keep(url, replace(before, listing=entry.listing))
        else:
            await found.put(Candidate(entry, url, before))

    async def _consider_known(self, source: Source, listing: str, found: asyncio.Queue[Candidate | None]) -> None:
        """The posts of a listing that is as it was. A page may have changed all the same, unless the listing would say
        so."""
        for url, before in list(self._book.listed_by(source.name, listing)):
            if not self._book.claim(url):
                continue
            self._tally.add("listed")
            entry = _as_listed(url, before, source)
            if before.made == made_with(source) and not before.missing and (not before.paged or before.modified):
                self._keep(url, before)
            else:
                await found.put(Candidate(entry, url, before))

    def _keep(self, url: str, record: PostRecord) -> None:
        self._book.keep(url, record)
        self._tally.add("unchanged")

    def _note_move(self, source: Source, to: str) -> None:
        log.warning("a source has moved for good", source=source.name, to=to)
        if site_host(to) == site_host(source.address):
            # What an operator configured may lie in a private network; what it is redirected to elsewhere may not, and
            # is followed each time anew.
            self._moved[source.name] = to


def _is_spared(entry: Entry, before: PostRecord) -> bool:
    """Whether its source says that the post's page has not changed."""
    return (
        needs_page(entry)
        and before.paged
        and not before.missing
        and before.made == made_with(entry.source)
        and before.source == entry.source.name
        and entry.modified is not None
        and entry.modified.isoformat() == before.modified
        and entry.title in {"", before.title}
    )


def _as_listed(url: str, before: PostRecord, source: Source) -> Entry:
    """The entry again, from what was kept of it."""
    return Entry(
        url=before.listed or url,
        title=before.title if source.kind == "feed" else "",
        source=source,
        published=datetime.fromisoformat(before.published) if before.published else None,
        modified=datetime.fromisoformat(before.modified) if before.modified else None,
        listing=before.listing,
    )

"""List the sources and find the posts that may have changed."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from core.domain import ListingFound, Omission, Source
from core.errors import SourceReadError
from core.index.version import Listing, PostRecord
from core.indexing.change_tracker import ChangeTracker
from core.indexing.post_parser import listing_digest, parser_digest
from core.indexing.progress import Failure, RunCounters
from core.ingestion.entries import Entry, EntryOmitted, EntrySkipped, ListingFinished, ListingUnchanged
from core.ingestion.fetch_result import Validators
from core.ingestion.fetcher import Fetcher
from core.ingestion.sources import list_source, needs_page
from core.ingestion.urls import site_host

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry that may have changed, the URL of its post, and the record of it, if it is known."""

    entry: Entry
    url: str
    known: PostRecord | None


class Lister:
    """Lists each source once. `complete` are the names of sources that list every post they have."""

    def __init__(
        self,
        tracker: ChangeTracker,
        listings: Mapping[str, Listing],
        sources: Sequence[Source],
        fetcher: Fetcher,
        counters: RunCounters,
    ) -> None:
        self._tracker = tracker
        self._digest = listing_digest(tuple(sources))
        self._known = {name: listing for name, listing in listings.items() if listing.made == self._digest}
        self._fetcher = fetcher
        self._counters = counters
        self._pages: dict[str, dict[str, Validators]] = {}
        self._moved: dict[str, str] = {}
        self._invalid: set[str] = set()
        self.complete: set[str] = set()

    async def list_all(self, sources: Sequence[Source], candidates: asyncio.Queue[Candidate | None]) -> None:
        """Queue the posts of some sources that may have changed; count sources that cannot be read as failures."""
        async with asyncio.TaskGroup() as tasks:
            for source in sources:
                tasks.create_task(self._list(source, candidates))
        self._counters.finish_listing()

    def invalidate(self, listing: str) -> None:
        """Read a page of a listing again in the next run even if it is unchanged, as an entry on it failed."""
        self._invalid.add(listing)

    def listings(self, removed: bool) -> dict[str, Listing]:
        """Return the state of the listings, to be stored once everything on them is.

        Nothing is kept where posts were `removed`: another source may list them, so all must be listed again.
        """
        if removed:
            return {}
        return self._known | {
            name: Listing(
                self._digest,
                tuple((page, Validators(page) if page in self._invalid else known) for page, known in pages.items()),
                self._moved.get(name, ""),
            )
            for name, pages in self._pages.items()
        }

    async def _list(self, source: Source, candidates: asyncio.Queue[Candidate | None]) -> None:
        try:
            if await self._read_listing(source, candidates):
                self.complete.add(source.name)
        except SourceReadError as error:
            self._fail(source, error.address, error.reason)
        except Exception as error:  # Boundary: one broken feed must not stop the other sources.
            log.error("source parsing failed", address=source.address, exc_info=error)
            self._fail(source, source.address, f"it could not be parsed ({type(error).__name__})")

    def _fail(self, source: Source, address: str, reason: str) -> None:
        self._pages.pop(source.name, None)
        self._known.pop(source.name, None)
        self._counters.fail(Failure(address, reason, whole_source=True, source=source.name))

    async def _read_listing(self, source: Source, candidates: asyncio.Queue[Candidate | None]) -> bool:
        """Return whether the source lists every post it has."""
        known = self._known.get(source.name, Listing(self._digest))
        pages = self._pages[source.name] = {}
        found: set[str] = set() if source.kind in {"feed", "site"} else {source.kind}
        gaps = source.limit is not None
        current = replace(source, address=known.moved) if known.moved else source
        async with aclosing(list_source(current, self._fetcher, dict(known.pages))) as items:
            async for item in items:
                match item:
                    case Entry():
                        # A damaged page has entries and no ListingFinished: the next run must still ask for it.
                        if item.listing:
                            pages.setdefault(item.listing, Validators(item.listing))
                        await self._check_entry(replace(item, source=source), candidates)
                    case EntrySkipped():
                        gaps = True
                        self.invalidate(current.address)  # or what comes after the gap would not be asked for again
                        self._counters.add("listed")
                        self._counters.fail(Failure(item.address, item.reason, source=source.name))
                    case ListingFound():
                        found.add(item.kind)
                        log.info("listing of site found", source=source.name, kind=item.kind, address=item.address)
                        self._counters.find(item)
                    case EntryOmitted():
                        self._counters.omit(Omission(item.reason, 1))
                    case Omission():
                        self._counters.omit(item)
                    case ListingFinished():
                        # Empty validators mean an unconditional request; the page keeps its place in the order.
                        pages[item.address] = item.validators or Validators(item.address)
                        self._record_move(source, current.address, item)
                    case ListingUnchanged():
                        pages[item.address] = item.validators
                        await self._check_known_posts(source, item.address, candidates)
        # A feed shows only its newest entries.
        return bool(found) and "feed" not in found and not gaps

    async def _check_entry(self, entry: Entry, candidates: asyncio.Queue[Candidate | None]) -> None:
        if not self._tracker.claim(entry.url):
            return
        self._counters.add("listed")
        if entry.warning:
            self._counters.warn(Failure(entry.file, entry.warning, source=entry.source.name))
        url = self._tracker.resolve(entry.url)
        known = self._tracker.ledger.get(url)
        if known and _is_unchanged(entry, known):
            self._retain(url, replace(known, listing=entry.listing))
        else:
            await candidates.put(Candidate(entry, url, known))

    async def _check_known_posts(
        self, source: Source, listing: str, candidates: asyncio.Queue[Candidate | None]
    ) -> None:
        """Check the posts of an unchanged listing: their pages may have changed, unless the listing would show it."""
        for url, known in list(self._tracker.listed_on(source.name, listing)):
            if not self._tracker.claim(url):
                continue
            self._counters.add("listed")
            shows_changes = not known.paged or known.modified
            if known.made == parser_digest(source) and not known.missing and shows_changes:
                self._retain(url, known)
            else:
                await candidates.put(Candidate(_restore_entry(url, known, source), url, known))

    def _retain(self, url: str, record: PostRecord) -> None:
        self._tracker.retain(url, record)
        self._counters.add("unchanged")

    def _record_move(self, source: Source, address: str, page: ListingFinished) -> None:
        if not page.moved or page.address != address:
            return
        log.warning("source moved permanently", source=source.name, to=page.moved)
        if site_host(page.moved) == site_host(source.address):
            # A configured address may be in a private network, a redirect to another site may not: those are
            # followed, and checked, every time.
            self._moved[source.name] = page.moved


def _is_unchanged(entry: Entry, known: PostRecord) -> bool:
    """Return whether its source says that the post's page has not changed."""
    return (
        needs_page(entry)
        and known.paged
        and not known.missing
        and known.made == parser_digest(entry.source)
        and known.source == entry.source.name
        and entry.modified is not None
        and entry.modified.isoformat() == known.modified
        and entry.title in {"", known.title}
    )


def _restore_entry(url: str, known: PostRecord, source: Source) -> Entry:
    return Entry(
        url=known.listed or url,
        title=known.title if source.kind == "feed" else "",
        source=source,
        published=datetime.fromisoformat(known.published) if known.published else None,
        modified=datetime.fromisoformat(known.modified) if known.modified else None,
        listing=known.listing,
    )

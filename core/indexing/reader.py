"""Looking at a post that may have changed: asking for its page if that is needed, and taking apart what came."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import structlog

from core.errors import SourceReadError
from core.index.version import PostRecord
from core.indexing.change_tracker import ChangeTracker
from core.indexing.counters import RunCounters
from core.indexing.embedding_stage import ParsedPost
from core.indexing.executors import TaskExecutor
from core.indexing.lister import Candidate, Lister
from core.indexing.parse_task import ParseFailure, ParseResult, RawPost, made_with, raw_digest
from core.indexing.progress import Failure
from core.ingestion.entries import Entry
from core.ingestion.fetch_result import Fetched, NotModified, PageNotFoundError
from core.ingestion.fetcher import Fetcher
from core.ingestion.sources import fetch_page, post_url
from core.ingestion.urls import clean_url, url_identity

log = structlog.get_logger()

MISSING_RUNS = 2
"""A page that is not there in so many runs in a row is gone for good."""


class Reader:
    """Tells the book and the tally what becomes of each post."""

    def __init__(
        self, book: ChangeTracker, lister: Lister, fetcher: Fetcher, hands: TaskExecutor, tally: RunCounters
    ) -> None:
        self._book = book
        self._lister = lister
        self._fetcher = fetcher
        self._hands = hands
        self._tally = tally

    async def read(self, asked: Candidate) -> ParsedPost | None:
        """The post, if it is new or has changed. What cannot be read is tallied, and stays as it was."""
        try:
            page = await self._page(asked)
            if isinstance(page, NotModified):
                self._keep(asked, replace(_as_asked(asked), validators=page.validators, missing=0))
                return None
            return await self._take(asked, page)
        except PageNotFoundError as error:
            self._miss(asked, error)
        except SourceReadError as error:
            self._fail(asked, error.address, error.reason)
        return None

    async def _page(self, asked: Candidate) -> Fetched | NotModified | None:
        """Raises SourceReadError, and PageNotFoundError for a page that is not there."""
        try:
            return await self._ask(asked)
        except PageNotFoundError:
            raise
        except SourceReadError as error:
            if asked.before or not asked.entry.body:
                raise
            # Less than the post, but better than nothing.
            log.warning("only what the feed carries was read", address=error.address, reason=error.reason)
            self._lister.spoil(asked.entry)
            self._tally.note(Failure(error.address, f"{error.reason}; what the feed carries was read instead"))
            return None

    async def _ask(self, asked: Candidate) -> Fetched | NotModified | None:
        entry, before = asked.entry, asked.before
        same = before and before.made == made_with(entry.source) and before.source == entry.source.name
        try:
            page = await fetch_page(_where_it_is(asked), self._fetcher, before.validators if before and same else None)
        except PageNotFoundError:
            if not (before and before.moved):
                raise
            page = await fetch_page(entry, self._fetcher)
        if page and page.moved and _is_home(page.moved) and not _is_home(entry.url):
            # What many sites do instead of saying that a page is not there any more.
            raise PageNotFoundError(entry.url, "it leads to the site's home page")
        if isinstance(page, NotModified) and page.moved and url_identity(page.moved) != url_identity(asked.url):
            return await fetch_page(entry, self._fetcher)  # the same text, at a new place
        return page

    async def _take(self, asked: Candidate, page: Fetched | None) -> ParsedPost | None:
        url = self._address(asked, page)
        if not url:
            return None
        before = asked.before if url == asked.url else None
        raw = RawPost(asked.entry, url, page, before.text_digest if before else "")
        record = replace(_as_asked(asked), raw_digest=raw_digest(raw), **_about(asked, url, page))
        if before and before.raw_digest == record.raw_digest:
            self._keep(asked, record)
            return None
        parsed = await self._hands.parse(raw)
        if isinstance(parsed, ParseFailure):
            if parsed.trace:
                log.error("a post could not be taken apart", address=url, trace=parsed.trace)
            self._fail(asked, asked.entry.url, parsed.reason)
            return None
        record = replace(record, title=parsed.title, text_digest=parsed.text_digest)
        if not parsed.passages:
            self._keep(asked, record)
            return None
        return self._bring(asked, url, parsed, replace(record, passages=len(parsed.passages)))

    def _address(self, asked: Candidate, page: Fetched | None) -> str:
        """Where the post belongs; nothing when that is another post's address, which has been read already."""
        entry, asked_at = asked.entry, _where_it_is(asked)
        said = post_url(asked_at, page)
        url = asked.url if said == asked_at.url else said
        if url_identity(url) != url_identity(asked.url) and not self._book.claim(url):
            self._book.lead(entry.url, url)
            if asked.before:
                self._book.remove(asked.url)
            self._tally.add("listed", -1)
            return ""
        return url

    def _bring(self, asked: Candidate, url: str, parsed: ParseResult, record: PostRecord) -> ParsedPost:
        self._book.bring(url, record, before=asked.url if asked.before else "")
        self._tally.add("changed" if asked.before or url in self._book.ledger else "new")
        return ParsedPost(url, parsed.passages, record)

    def _keep(self, asked: Candidate, record: PostRecord) -> None:
        self._book.keep(asked.url, record)
        self._tally.add("unchanged")

    def _fail(self, asked: Candidate, address: str, reason: str) -> None:
        self._lister.spoil(asked.entry)
        self._tally.fail(Failure(address, reason))

    def _miss(self, asked: Candidate, error: PageNotFoundError) -> None:
        before = asked.before
        missing = before.missing + 1 if before else 0
        if before and missing >= MISSING_RUNS:
            self._book.remove(asked.url)
            self._tally.add("listed", -1)
            return
        if before:
            self._book.keep(asked.url, replace(before, missing=missing))
        again = "; it goes if that is so the next time, too" if before else ""
        self._fail(asked, error.address, f"{error.reason}{again}")


def _as_asked(asked: Candidate) -> PostRecord:
    """What is known of a post before it has been taken apart: what its source says of it, and what was known."""
    entry = asked.entry
    return replace(
        asked.before or PostRecord(entry.title, entry.source.name),
        source=entry.source.name,
        made=made_with(entry.source),
        listing=entry.listing,
        modified=entry.modified.isoformat() if entry.modified else "",
        published=entry.published.isoformat() if entry.published else "",
    )


def _where_it_is(asked: Candidate) -> Entry:
    """The entry at the address that is to be asked: where its page has moved to for good, if it has."""
    return replace(asked.entry, url=asked.before.moved) if asked.before and asked.before.moved else asked.entry


def _is_home(address: str) -> bool:
    return urlsplit(address).path in {"", "/"} and not urlsplit(address).query


def _about(asked: Candidate, url: str, page: Fetched | None) -> dict[str, Any]:
    before, listed = asked.before, asked.entry.url
    others = [listed, *(before.also if before else ()), *([asked.url] if before else [])]
    moved = clean_url(page.moved) if page and page.moved else before.moved if before else ""
    return {
        "paged": page is not None,
        "moved": moved if moved != listed else "",
        "validators": page.validators if page else None,
        "listed": listed if listed != url else "",
        "also": tuple(dict.fromkeys(address for address in others if address != url)),
        "missing": 0,
    }

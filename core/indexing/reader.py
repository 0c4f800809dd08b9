"""Read a post that may have changed: fetch its page if needed, and parse it."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import structlog

from core.errors import SourceReadError
from core.index.version import PostRecord
from core.indexing.change_tracker import ChangeTracker
from core.indexing.embedding_stage import ParsedPost
from core.indexing.executors import TaskExecutor
from core.indexing.lister import Candidate, Lister
from core.indexing.post_parser import ParseFailure, RawPost, parser_digest, raw_digest
from core.indexing.progress import Failure, RunCounters
from core.ingestion.entries import Entry
from core.ingestion.fetch_result import Fetched, NotModified, PageNotFoundError
from core.ingestion.fetcher import Fetcher
from core.ingestion.sources import fetch_page, post_url
from core.ingestion.urls import clean_url, url_identity

log = structlog.get_logger()

MAX_MISSING_RUNS = 2
"""A post is removed when its page is missing in this many runs in a row."""


class Reader:
    """Reads candidates and records what becomes of each post."""

    def __init__(
        self,
        tracker: ChangeTracker,
        lister: Lister,
        fetcher: Fetcher,
        executor: TaskExecutor,
        counters: RunCounters,
    ) -> None:
        self._tracker = tracker
        self._lister = lister
        self._fetcher = fetcher
        self._executor = executor
        self._counters = counters

    async def read(self, candidate: Candidate) -> ParsedPost | None:
        """Return the post if it is new or has changed. A post that fails is counted, and stays as it was."""
        try:
            page = await self._fetch_or_fall_back(candidate)
            if isinstance(page, NotModified):
                self._retain(candidate, replace(_listed_record(candidate), validators=page.validators, missing=0))
                return None
            return await self._process(candidate, page)
        except PageNotFoundError as error:
            self._handle_missing(candidate, error)
        except SourceReadError as error:
            self._fail(candidate, error.address, error.reason)
        return None

    async def _fetch_or_fall_back(self, candidate: Candidate) -> Fetched | NotModified | None:
        """Fetch the page; for a new post, settle for the text in the feed. Raises what `_fetch` raises."""
        try:
            return await self._fetch(candidate)
        except PageNotFoundError:
            raise
        except SourceReadError as error:
            if candidate.known or not candidate.entry.body:
                raise
            log.warning("page fetch failed, using feed text", address=error.address, reason=error.reason)
            self._lister.invalidate(candidate.entry.listing)
            reason = f"{error.reason}; the text in the feed was used instead"
            self._counters.warn(Failure(error.address, reason, source=candidate.entry.source.name))
            return None

    async def _fetch(self, candidate: Candidate) -> Fetched | NotModified | None:
        """Return the page, or None if the entry needs none. Raises SourceReadError and PageNotFoundError."""
        entry, known = candidate.entry, candidate.known
        comparable = known and known.made == parser_digest(entry.source) and known.source == entry.source.name
        validators = known.validators if known and comparable else None
        try:
            page = await fetch_page(_current_entry(candidate), self._fetcher, validators)
        except PageNotFoundError:
            if not (known and known.moved):
                raise
            page = await fetch_page(entry, self._fetcher)
        if page and page.moved and _is_home_page(page.moved) and not _is_home_page(entry.url):
            # Many sites redirect to their home page instead of answering 404.
            raise PageNotFoundError(entry.url, "it redirects to the home page")
        if isinstance(page, NotModified) and page.moved and url_identity(page.moved) != url_identity(candidate.url):
            return await fetch_page(entry, self._fetcher)  # the same text at a new address
        return page

    async def _process(self, candidate: Candidate, page: Fetched | None) -> ParsedPost | None:
        url = self._claim_url(candidate, page)
        if not url:
            return None
        known = candidate.known if url == candidate.url else None
        raw = RawPost(replace(candidate.entry, page=None), url, page, known.text_digest if known else "")
        record = replace(_listed_record(candidate), raw_digest=raw_digest(raw), **_page_facts(candidate, url, page))
        if known and known.raw_digest == record.raw_digest:
            self._retain(candidate, record)
            return None
        parsed = await self._executor.parse(raw)
        if isinstance(parsed, ParseFailure):
            if parsed.trace:
                log.error("post parsing failed", address=url, trace=parsed.trace)
            self._fail(candidate, candidate.entry.url, parsed.reason)
            return None
        record = replace(record, title=parsed.title, text_digest=parsed.text_digest)
        if not parsed.passages:
            self._retain(candidate, record)
            return None
        post = ParsedPost(url, parsed.passages, replace(record, passages=len(parsed.passages)))
        self._upsert(candidate, post)
        return post

    def _claim_url(self, candidate: Candidate, page: Fetched | None) -> str:
        """Return the URL of the post; empty if that is another post, which has been read already."""
        entry, current = candidate.entry, _current_entry(candidate)
        address = post_url(current, page)
        url = candidate.url if address == current.url else address
        if url_identity(url) != url_identity(candidate.url) and not self._tracker.claim(url):
            self._tracker.alias(entry.url, url)
            if candidate.known:
                self._tracker.remove(candidate.url)
            self._counters.add("listed", -1)
            return ""
        return url

    def _upsert(self, candidate: Candidate, post: ParsedPost) -> None:
        self._tracker.upsert(post.url, post.record, previous_url=candidate.url if candidate.known else "")
        self._counters.add("changed" if candidate.known or post.url in self._tracker.ledger else "new")

    def _retain(self, candidate: Candidate, record: PostRecord) -> None:
        self._tracker.retain(candidate.url, record)
        self._counters.add("unchanged")

    def _fail(self, candidate: Candidate, address: str, reason: str) -> None:
        self._lister.invalidate(candidate.entry.listing)
        self._counters.fail(Failure(address, reason, source=candidate.entry.source.name))

    def _handle_missing(self, candidate: Candidate, error: PageNotFoundError) -> None:
        known, reason = candidate.known, error.reason
        if known:
            missing = known.missing + 1
            if missing >= MAX_MISSING_RUNS:
                self._tracker.remove(candidate.url)
                self._counters.add("listed", -1)
                return
            self._tracker.retain(candidate.url, replace(known, missing=missing))
            reason += "; the post will be removed if the next run finds the same"
        self._fail(candidate, error.address, reason)


def _listed_record(candidate: Candidate) -> PostRecord:
    """Return the record of a post as far as its listing tells."""
    entry = candidate.entry
    return replace(
        candidate.known or PostRecord(entry.title, entry.source.name),
        source=entry.source.name,
        made=parser_digest(entry.source),
        listing=entry.listing,
        modified=entry.modified.isoformat() if entry.modified else "",
        published=entry.published.isoformat() if entry.published else "",
    )


def _page_facts(candidate: Candidate, url: str, page: Fetched | None) -> dict[str, Any]:
    """Return the fields of the record that its page decides."""
    known, listed = candidate.known, candidate.entry.url
    others = [listed, *candidate.entry.aliases, *(known.also if known else ()), *([candidate.url] if known else [])]
    moved = clean_url(page.moved) if page and page.moved else known.moved if known else ""
    return {
        "paged": page is not None,
        "moved": moved if moved != listed else "",
        "validators": page.validators if page else None,
        "listed": listed if listed != url else "",
        "also": tuple(dict.fromkeys(address for address in others if address != url)),
        "missing": 0,
    }


def _current_entry(candidate: Candidate) -> Entry:
    """Return the entry with the address its page moved to for good, if it did."""
    known = candidate.known
    return replace(candidate.entry, url=known.moved) if known and known.moved else candidate.entry


def _is_home_page(address: str) -> bool:
    parts = urlsplit(address)
    return parts.path in {"", "/"} and not parts.query

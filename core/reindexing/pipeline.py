"""From sources to an edition, as stages that work at the same time: list, read, embed and write."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

import structlog
from redis.exceptions import RedisError

from core.errors import CannotRead
from core.knowledge.edition import Edition, Record
from core.models.protocols import Embedder
from core.reading.chunking import chunk
from core.reading.entries import Entry, Skipped
from core.reading.fetched import Fetched, NotModified
from core.reading.fetcher import Fetcher
from core.reading.sources import list_source, read_page, to_post
from core.reindexing.progress import Failure
from core.reindexing.tally import Tally
from core.tokens import Tokens
from core.vocabulary import Passage, Source

log = structlog.get_logger()

READERS = 32
WRITERS = 4
PASSAGES_AT_ONCE = 256
QUEUED = 128

READING_VERSION = "2"
"""Part of every digest: raise it when extraction or chunking change, and all posts are read anew."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """A post to be embedded and written, with the ledger's line that it will have and the one that it had."""

    passages: tuple[Passage, ...]
    record: Record
    before: Record | None


class Pipeline:
    """Reads sources into an edition, once. Queues are bounded: a slow stage holds back the ones before it."""

    def __init__(
        self,
        edition: Edition,
        ledger: Mapping[str, Record],
        embedder: Embedder,
        fetcher: Fetcher,
        tokens: Tokens,
        tally: Tally,
    ) -> None:
        self._edition = edition
        self._ledger = ledger
        self._embedder = embedder
        self._fetcher = fetcher
        self._tokens = tokens
        self._tally = tally
        self._entries: asyncio.Queue[Entry | None] = asyncio.Queue(QUEUED)
        self._fresh: asyncio.Queue[Fresh | None] = asyncio.Queue(QUEUED)
        self._seen: set[str] = set()
        self._gone: list[str] = []

    async def run(self, sources: Sequence[Source]) -> None:
        """Raises an exception group when embedding or writing failed; what cannot be read is tallied instead."""
        async with asyncio.TaskGroup() as writing:
            for _ in range(WRITERS):
                writing.create_task(self._write_all())
            async with asyncio.TaskGroup() as reading:
                for _ in range(READERS):
                    reading.create_task(self._read_all())
                async with asyncio.TaskGroup() as listing:
                    for source in sources:
                        listing.create_task(self._list(source))
                self._tally.all_listed()
                await self._end(self._entries, READERS)
            await self._end(self._fresh, WRITERS)
        await self._remove_gone({source.name for source in sources})

    async def _end(self, queue: asyncio.Queue[Any], workers: int) -> None:
        for _ in range(workers):
            await queue.put(None)

    async def _list(self, source: Source) -> None:
        complete = source.kind != "feed" and source.limit is None
        try:
            async with aclosing(list_source(source, self._fetcher)) as items:
                async for item in items:
                    match item:
                        case Skipped():
                            complete = False
                            self._tally.add("listed")
                            self._tally.fail(Failure(item.address, item.reason))
                        case Entry() if item.url not in self._seen:
                            self._seen.add(item.url)
                            self._tally.add("listed")
                            await self._entries.put(item)
        except CannotRead as error:
            self._tally.fail(Failure(error.address, error.reason, whole_source=True))
            return
        except Exception as error:  # a door: behind it stand the parsers of feeds, and other sources are to be read
            log.error("a source could not be taken apart", address=source.address, exc_info=error)
            self._tally.fail(Failure(source.address, _unexpected(error), whole_source=True))
            return
        if complete:
            # Folders and sitemaps list all that there is; a feed is a window, and what left it is still there.
            self._gone += [url for url, record in self._ledger.items() if record.source == source.name]

    async def _read_all(self) -> None:
        while (entry := await self._entries.get()) is not None:
            try:
                await self._read(entry)
            except CannotRead as error:
                self._tally.fail(Failure(error.address, error.reason))
            except RedisError:
                raise
            except Exception as error:  # a door: behind it stand the parsers of pages, and one page must not stop a run
                log.error("a post could not be taken apart", address=entry.url, exc_info=error)
                self._tally.fail(Failure(entry.url, _unexpected(error)))

    async def _read(self, entry: Entry) -> None:
        before = self._ledger.get(entry.url)
        page = await self._page(entry)
        raw_digest = _raw_digest(entry, page)
        if before and before.raw_digest == raw_digest:
            self._tally.add("unchanged")
            return
        post = await to_post(entry, page)
        record = Record(post.title, post.source, raw_digest, _digest(post.title, post.text, post.source), 0)
        if before and before.text_digest == record.text_digest:
            await self._edition.note(post.url, replace(record, passages=before.passages))
            self._tally.add("unchanged")
            return
        passages = await asyncio.to_thread(chunk, post, self._tokens)
        if not passages:
            raise CannotRead(entry.url, "no text was found in it")
        await self._fresh.put(Fresh(passages, replace(record, passages=len(passages)), before))

    async def _page(self, entry: Entry) -> Fetched | None:
        try:
            page = await read_page(entry, self._fetcher)
            assert not isinstance(page, NotModified), "nothing was said to be known of it"
            return page
        except CannotRead as error:
            if not entry.body:
                raise
            # Less than the post, but better than nothing.
            log.warning("only what the feed carries was read", address=entry.url, reason=error.reason)
            self._tally.failures.append(Failure(entry.url, f"{error.reason}; what the feed carries was read instead"))
            return None

    async def _write_all(self) -> None:
        while (first := await self._fresh.get()) is not None:
            batch, ended = self._more(first)
            vectors = await self._embedder.embed([passage.embedded for fresh in batch for passage in fresh.passages])
            start = 0
            for fresh in batch:
                end = start + len(fresh.passages)
                await self._edition.put(
                    fresh.passages, vectors[start:end], fresh.record, fresh.before.passages if fresh.before else 0
                )
                start = end
                self._tally.add("embedded", len(fresh.passages))
                self._tally.add("changed" if fresh.before else "new")
            if ended:
                return

    def _more(self, first: Fresh) -> tuple[list[Fresh], bool]:
        """What else waits to be embedded, up to a batch; whether the end of the queue came with it."""
        batch = [first]
        while sum(len(fresh.passages) for fresh in batch) < PASSAGES_AT_ONCE and not self._fresh.empty():
            following = self._fresh.get_nowait()
            if following is None:
                return batch, True
            batch.append(following)
        return batch, False

    async def _remove_gone(self, configured: set[str]) -> None:
        orphans = [url for url, record in self._ledger.items() if record.source not in configured]
        for url in dict.fromkeys([*self._gone, *orphans]):
            if url not in self._seen:
                await self._edition.remove(url, self._ledger[url].passages)
                self._tally.add("removed")


def _unexpected(error: Exception) -> str:
    return f"it could not be taken apart ({type(error).__name__})"


def _raw_digest(entry: Entry, page: Fetched | None) -> str:
    body = page.body if page else entry.body.encode()
    about = (READING_VERSION, entry.title, entry.source.name, entry.source.selector, str(entry.published))
    return _digest(*about, hashlib.sha256(body).hexdigest())


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()

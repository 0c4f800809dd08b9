"""The stages of a run, working at the same time: list, read, prepare, embed and write."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import TypeVar

from core.domain import Passage, Source
from core.index.version import IndexVersion, PostRecord, batched
from core.indexing.embedding_stage import EmbeddingStage, ParsedPost, PreparedPost
from core.indexing.lister import Candidate, Lister
from core.indexing.reader import Reader

READERS = 32
WRITERS = 4
BATCH_PASSAGES = 256
QUEUE_SIZE = 64
PREPARED_QUEUE_SIZE = 256
"""Posts that may wait until the whole plan is known; when there are more, embedding starts before that."""

T = TypeVar("T", Candidate, ParsedPost, PreparedPost)


class Pipeline:
    """Runs the stages once. The queues between them are bounded: a slow stage holds back the ones before it.

    `on_planned` is called when all work is known. With `dry_run` that is the end.
    """

    def __init__(
        self, lister: Lister, reader: Reader, embedding: EmbeddingStage, on_planned: Callable[[], None], dry_run: bool
    ) -> None:
        self._lister = lister
        self._reader = reader
        self._embedding = embedding
        self._on_planned = on_planned
        self._writers = 0 if dry_run else WRITERS
        self._candidates: asyncio.Queue[Candidate | None] = asyncio.Queue(QUEUE_SIZE)
        self._parsed: asyncio.Queue[ParsedPost | None] = asyncio.Queue(QUEUE_SIZE)
        self._prepared: asyncio.Queue[PreparedPost | None] = asyncio.Queue(PREPARED_QUEUE_SIZE)
        self._may_write = asyncio.Event()

    async def run(self, sources: Sequence[Source], more_posts: Callable[[], AsyncGenerator[ParsedPost, None]]) -> None:
        """Read the sources, then add `more_posts`.

        Raises an exception group when embedding or writing fails; read failures are counted instead.
        """
        try:
            async with asyncio.TaskGroup() as writers:
                for _ in range(self._writers):
                    writers.create_task(self._write())
                writers.create_task(self._prepare())
                async with asyncio.TaskGroup() as readers:
                    for _ in range(READERS):
                        readers.create_task(self._read())
                    await self._lister.list_all(sources, self._candidates)
                    await _close(self._candidates, READERS)
                async with aclosing(more_posts()) as posts:
                    async for post in posts:
                        await self._parsed.put(post)
                await _close(self._parsed, 1)
        finally:
            await self._embedding.drain()

    async def _read(self) -> None:
        while (candidate := await self._candidates.get()) is not None:
            post = await self._reader.read(candidate)
            if post:
                await self._parsed.put(post)

    async def _prepare(self) -> None:
        closed = False
        while not closed:
            batch, closed = await _next_batch(self._parsed, lambda post: len(post.passages))
            for prepared in await self._embedding.prepare(batch) if batch else ():
                if self._writers:
                    if self._prepared.full():
                        self._may_write.set()
                    await self._prepared.put(prepared)
        self._on_planned()
        self._may_write.set()
        await _close(self._prepared, self._writers)

    async def _write(self) -> None:
        await self._may_write.wait()
        closed = False
        while not closed:
            batch, closed = await _next_batch(self._prepared, lambda prepared: len(prepared.post.passages))
            if batch:
                await self._embedding.write(batch)


async def _next_batch(queue: asyncio.Queue[T | None], size: Callable[[T], int]) -> tuple[list[T], bool]:
    """Wait for at least one item; return what is queued, up to a batch, and whether the queue was closed."""
    batch: list[T] = []
    item = await queue.get()
    while item is not None:
        batch.append(item)
        if sum(map(size, batch)) >= BATCH_PASSAGES or queue.empty():
            return batch, False
        item = queue.get_nowait()
    return batch, True


async def _close(queue: asyncio.Queue[T | None], consumers: int) -> None:
    for _ in range(consumers):
        await queue.put(None)


async def unchanged_posts(version: IndexVersion, records: Mapping[str, PostRecord]) -> AsyncGenerator[ParsedPost, None]:
    """Yield posts of an index version, to be embedded with another model."""
    for page in batched(list(records.items()), QUEUE_SIZE):
        passages = await version.passages({url: record.passages for url, record in page})
        by_url: dict[str, list[Passage]] = {}
        for passage in passages:
            by_url.setdefault(passage.url, []).append(passage)
        for url, record in page:
            if url in by_url:
                yield ParsedPost(url, tuple(by_url[url]), record)

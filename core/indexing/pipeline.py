"""From sources to a draft, as stages that work at the same time: list, read, look up, embed and write."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

from core.domain import Passage, Source
from core.index.version import IndexVersion, PostRecord, batched
from core.indexing.counters import RunCounters
from core.indexing.embedding_stage import EmbeddingStage, ParsedPost, PreparedPost
from core.indexing.lister import Candidate, Lister
from core.indexing.reader import Reader

READERS = 32
WRITERS = 4
PASSAGES_AT_ONCE = 256
QUEUED = 64
HELD = 256
"""Posts that may wait to be embedded until it is known what there is to do in all; more than that are begun with."""

T = TypeVar("T", Candidate, ParsedPost, PreparedPost)


@dataclass(frozen=True, slots=True)
class Stages:
    """Who does what. `planned` is called when it is known what there is to do; without `writing` that is the end."""

    lister: Lister
    reader: Reader
    staging: EmbeddingStage
    tally: RunCounters
    planned: Callable[[], None]
    writing: bool = True


class Pipeline:
    """Runs the stages once. Queues between them are bounded: a slow stage holds back the ones before it."""

    def __init__(self, stages: Stages) -> None:
        self._stages = stages
        self._asked: asyncio.Queue[Candidate | None] = asyncio.Queue(QUEUED)
        self._fresh: asyncio.Queue[ParsedPost | None] = asyncio.Queue(QUEUED)
        self._counted: asyncio.Queue[PreparedPost | None] = asyncio.Queue(HELD)
        self._may_embed = asyncio.Event()

    async def run(self, sources: Sequence[Source], more: Callable[[], AsyncGenerator[ParsedPost, None]]) -> None:
        """Reads the sources, and takes `more` when they have been read. Raises an exception group when embedding or
        writing failed; what cannot be read is tallied instead."""
        try:
            async with asyncio.TaskGroup() as writing:
                for _ in range(WRITERS if self._stages.writing else 0):
                    writing.create_task(self._write_all())
                writing.create_task(self._count_all())
                async with asyncio.TaskGroup() as reading:
                    for _ in range(READERS):
                        reading.create_task(self._read_all())
                    await self._list_all(sources)
                    await _end(self._asked, READERS)
                async with aclosing(more()) as posts:
                    async for fresh in posts:
                        await self._fresh.put(fresh)
                await _end(self._fresh, 1)
        finally:
            await self._stages.staging.finish()

    async def _list_all(self, sources: Sequence[Source]) -> None:
        async with asyncio.TaskGroup() as listing:
            for source in sources:
                listing.create_task(self._stages.lister.list(source, self._asked))
        self._stages.tally.all_listed()

    async def _read_all(self) -> None:
        while (asked := await self._asked.get()) is not None:
            fresh = await self._stages.reader.read(asked)
            if fresh:
                await self._fresh.put(fresh)

    async def _count_all(self) -> None:
        ended = False
        while not ended:
            batch, ended = await _batch(self._fresh, lambda fresh: len(fresh.passages))
            for counted in await self._stages.staging.count(batch) if batch else ():
                if self._stages.writing:
                    if self._counted.full():
                        self._may_embed.set()
                    await self._counted.put(counted)
        self._stages.planned()
        self._may_embed.set()
        await _end(self._counted, WRITERS if self._stages.writing else 0)

    async def _write_all(self) -> None:
        await self._may_embed.wait()
        ended = False
        while not ended:
            batch, ended = await _batch(self._counted, lambda counted: len(counted.fresh.passages))
            if batch:
                await self._stages.staging.write(batch)


async def _batch(queue: asyncio.Queue[T | None], size: Callable[[T], int]) -> tuple[list[T], bool]:
    """What waits in the queue, at least one and up to a batch; whether the end of the queue came with it."""
    first = await queue.get()
    batch: list[T] = []
    item = first
    while item is not None:
        batch.append(item)
        if sum(map(size, batch)) >= PASSAGES_AT_ONCE or queue.empty():
            return batch, False
        item = queue.get_nowait()
    return batch, True


async def _end(queue: asyncio.Queue[T | None], readers: int) -> None:
    for _ in range(readers):
        await queue.put(None)


async def unchanged_posts(edition: IndexVersion, records: Mapping[str, PostRecord]) -> AsyncGenerator[ParsedPost, None]:
    """Posts as an edition has them, to be embedded with another model."""
    for some in batched(list(records.items()), QUEUED):
        passages = await edition.passages({url: record.passages for url, record in some})
        by_url: dict[str, list[Passage]] = {}
        for passage in passages:
            by_url.setdefault(passage.url, []).append(passage)
        for url, record in some:
            if url in by_url:
                yield ParsedPost(url, tuple(by_url[url]), record)

"""Runs that share their work with workers give the same result as runs on their own."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import pytest
from redis.asyncio import Redis

from core.domain import Passage, Source
from core.index.draft import Draft, begin_draft
from core.index.version import live_version, vector_spec_for
from core.indexing.embedding_stage import EmbeddingBatch, EmbedFailures
from core.indexing.executors import (
    DistributedExecutor,
    JobTimeouts,
    LocalExecutor,
    batch_json,
    count_workers,
    distributed_executor,
    parsed_json,
    queue_name,
    raw_post_json,
    send_heartbeat,
)
from core.indexing.options import IndexDependencies, ReindexOptions
from core.indexing.post_parser import ParseFailure, ParseResult, ParserPool, RawPost, parse
from core.indexing.progress import Report
from core.indexing.reindex_job import run_reindex
from core.indexing.worker import Worker
from core.ingestion.entries import Entry
from core.ingestion.fetch_result import Fetched, Validators
from core.ingestion.fetcher import Fetcher
from core.models.offline_embedder import OfflineEmbedder
from core.storage import keys
from core.tokens import estimate_tokens
from tests.bot.processes import BotProcess, start_bot
from tests.bot.running import WITHIN
from tests.posts import ADMIN
from tests.servers.blog import Blog, Post

QUEUE = queue_name(version("footnoted"), OfflineEmbedder().name)
WATERING = [[Passage("http://b/1", "One", "", "Water tomatoes."), Passage("http://b/2", "One", "", "Water tomatoes.")]]


def blog_of(count: int) -> list[Post]:
    return [
        Post(
            f"post-{number}", f"Post {number}", f"<p>{f'Tomato number {number} wants water in the morning. ' * 40}</p>"
        )
        for number in range(count)
    ]


@asynccontextmanager
async def worker(redis: Redis, redis_url: str, folder: Path, *, expected: int = 1) -> AsyncIterator[BotProcess]:
    """`footnoted worker` as a process of its own, once the queue has the `expected` number of workers."""
    output = folder / f"worker-{expected}"
    process = await start_bot(folder, "worker", output=output, settings={"REDIS_URL": redis_url})
    try:
        async with asyncio.timeout(WITHIN):
            while await count_workers(redis, QUEUE) < expected:
                await asyncio.sleep(0.05)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


class CountingExecutor:
    """A local executor that counts its jobs."""

    def __init__(self, local: LocalExecutor) -> None:
        self._local = local
        self.parsed = 0
        self.embedded = 0

    async def parse(self, raw: RawPost) -> ParseResult | ParseFailure:
        self.parsed += 1
        return await self._local.parse(raw)

    async def embed_into(self, draft: Draft, batch: EmbeddingBatch) -> EmbedFailures:
        self.embedded += 1
        return await self._local.embed_into(draft, batch)


@pytest.fixture
async def local(embedder: OfflineEmbedder) -> AsyncIterator[CountingExecutor]:
    async with ParserPool(processes=0) as parsers:
        yield CountingExecutor(LocalExecutor(parsers, embedder))


@asynccontextmanager
async def distributed(
    redis: Redis, redis_url: str, local: CountingExecutor, seconds: float
) -> AsyncIterator[DistributedExecutor]:
    timeouts = JobTimeouts(timedelta(seconds=seconds), timedelta(seconds=seconds))
    async with distributed_executor(redis, redis_url, QUEUE, local, timeouts) as executor:
        yield executor


async def reindex(redis: Redis, blog: Blog, executor: DistributedExecutor, embedder: OfflineEmbedder) -> Report:
    source = Source("blog", "sitemap", blog.url("/sitemap.xml"))
    dependencies = IndexDependencies(redis, embedder, estimate_tokens, [source])
    async with Fetcher("Footnoted") as fetcher:
        return await run_reindex(dependencies, ReindexOptions(ADMIN), fetcher, executor, lambda _: None)


async def contents(redis: Redis) -> dict[bytes, object]:
    """Every passage of the live index version with its text and vector."""
    live = await live_version(redis)
    assert live
    found: dict[bytes, object] = {}
    async for key in redis.scan_iter(f"{keys.passage_prefix(live.number)}*"):
        found[key.split(b":", 2)[2]] = await redis.hmget(key, "title", "text", "url", "embedding")
    return found


async def test_workers_produce_the_same_index_and_stop_cleanly(
    redis: Redis, redis_url: str, embedder: OfflineEmbedder, local: CountingExecutor, tmp_path: Path
) -> None:
    async with Blog(blog_of(24)) as blog:
        async with distributed(redis, redis_url, local, seconds=3) as executor:
            await reindex(redis, blog, executor, embedder)
        alone = await contents(redis)
        assert local.parsed == 24
        await redis.flushall()
        async with (
            worker(redis, redis_url, tmp_path) as process,
            distributed(redis, redis_url, local, seconds=WITHIN) as executor,
        ):
            report = await reindex(redis, blog, executor, embedder)
            assert local.parsed == 24
            together = await contents(redis)
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(WITHIN):
                assert await process.wait() == 0
    assert report.progress.new == 24
    assert together == alone
    assert "Traceback" not in (tmp_path / "worker-1").read_text()
    assert await count_workers(redis, QUEUE) == 0
    assert [key async for key in redis.scan_iter(f"{QUEUE}:about:*")] == []


async def test_killing_a_worker_loses_no_post(
    redis: Redis, redis_url: str, embedder: OfflineEmbedder, local: CountingExecutor, tmp_path: Path
) -> None:
    async with (
        Blog(blog_of(40)) as blog,
        worker(redis, redis_url, tmp_path) as first,
        worker(redis, redis_url, tmp_path, expected=2),
        distributed(redis, redis_url, local, seconds=3) as executor,
    ):
        running = asyncio.create_task(reindex(redis, blog, executor, embedder))
        async with asyncio.timeout(WITHIN):
            while not await redis.exists(QUEUE):
                await asyncio.sleep(0.005)
            os.kill(first.pid, signal.SIGKILL)
            report = await running
    assert (report.progress.new, report.failures) == (40, ())
    assert len({key.split(b":")[0] for key in await contents(redis)}) == 40


async def test_jobs_survive_the_round_trip_through_json() -> None:
    """A page in an old charset has bytes that are not UTF-8."""
    source = Source("blog", "feed", "http://blog.example/feed", include=("/a*",), limit=3)
    entry = Entry("http://blog.example/a/", "Köche", source, datetime(2026, 1, 2, tzinfo=UTC), listing="x")
    page = Fetched(entry.url, "<p>Köche würzen. ".encode("latin-1") * 20, "text/html", "latin-1", Validators("1", "2"))
    raw = RawPost(entry, entry.url, page, "before")
    assert raw_post_json.validate_json(raw_post_json.dump_json(raw)) == raw
    parsed = parse(raw)
    assert parsed_json.validate_json(parsed_json.dump_json(parsed)) == parsed


async def test_a_job_that_two_workers_do_is_embedded_once(
    redis: Redis, redis_url: str, embedder: OfflineEmbedder, local: CountingExecutor
) -> None:
    draft = await begin_draft(redis, await vector_spec_for(embedder, "FLOAT32", None))
    await redis.set("batch", batch_json.dump_json(WATERING))
    for _ in range(2):
        assert await Worker(redis, redis_url, QUEUE, local).embed("batch", draft.number) == "{}"
    assert local.embedded == 1
    assert len([key async for key in redis.scan_iter(f"{keys.passage_prefix(draft.number)}*")]) == 2


async def test_a_worker_skips_jobs_whose_run_is_gone(redis: Redis, redis_url: str, local: CountingExecutor) -> None:
    worker = Worker(redis, redis_url, QUEUE, local)
    assert await worker.parse("gone") == ""
    assert await worker.embed("gone", 7) == ""


async def test_a_run_does_the_work_of_a_worker_that_hangs(
    redis: Redis, redis_url: str, embedder: OfflineEmbedder, local: CountingExecutor
) -> None:
    await send_heartbeat(redis, QUEUE, "hangs")
    source = Source("blog", "feed", "http://blog.example/feed")
    raw = RawPost(Entry("http://b/1", "One", source, body="<p>Water tomatoes.</p>", whole=True), "http://b/1")
    draft = await begin_draft(redis, await vector_spec_for(embedder, "FLOAT32", None))
    async with distributed(redis, redis_url, local, seconds=0.2) as executor:
        assert await executor.parse(raw) == parse(raw)
        await executor.embed_into(draft, WATERING)
    assert (local.parsed, local.embedded) == (1, 1)
    assert len([key async for key in redis.scan_iter(f"{keys.passage_prefix(draft.number)}*")]) == 2

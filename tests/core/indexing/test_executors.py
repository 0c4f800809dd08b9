"""Runs whose work is shared with workers: the same comes of it, whoever did it and whoever died of it."""

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
from core.index.draft import begin_draft
from core.index.version import live_version, vector_spec_for
from core.indexing import jobs
from core.indexing.executors import DistributedExecutor, LocalExecutor, Patience
from core.indexing.jobs import parsed_form, queue_for, raw_form, workers
from core.indexing.options import ReindexOptions
from core.indexing.parse_task import RawPost, parse
from core.indexing.pool import ParserPool
from core.indexing.run import Needs, ReindexJob
from core.indexing.worker import Worker
from core.ingestion.entries import Entry
from core.ingestion.fetch_result import Fetched, Validators
from core.ingestion.fetcher import Fetcher
from core.models.offline_embedder import OfflineEmbedder
from core.retrieval.retriever import Retriever
from core.storage import keys
from core.tokens import estimate_tokens
from tests.bot.running import WITHIN, command, environment
from tests.servers.blog import Blog, Post

SHORT = Patience(timedelta(seconds=3), timedelta(seconds=3))


def blog_of(count: int) -> list[Post]:
    return [
        Post(
            f"post-{number}", f"Post {number}", f"<p>{f'Tomato number {number} wants water in the morning. ' * 40}</p>"
        )
        for number in range(count)
    ]


def sitemap(blog: Blog) -> Source:
    return Source("blog", "sitemap", blog.url("/sitemap.xml"))


@asynccontextmanager
async def worker(
    redis: Redis, redis_url: str, folder: Path, *, there: int = 1
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`footnoted worker` as a process of its own, as soon as `there` are there."""
    process = await asyncio.create_subprocess_exec(
        *command("worker"), cwd=folder, env=environment({"REDIS_URL": redis_url}), stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(WITHIN):
            while await workers(redis, QUEUE) < there:
                await asyncio.sleep(0.05)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


QUEUE = queue_for(version("footnoted"), OfflineEmbedder().name)


class Counting(LocalExecutor):
    """This process, of which should be asked as little as possible."""

    asked = 0

    async def parse(self, raw: RawPost):  # type: ignore[no-untyped-def]
        Counting.asked += 1
        return await super().parse(raw)


@asynccontextmanager
async def shared(
    redis: Redis, redis_url: str, embedder: OfflineEmbedder, patience: Patience = SHORT
) -> AsyncIterator[Needs]:
    """A run's needs, with workers' hands."""
    Counting.asked = 0
    broker = jobs.broker_of(redis_url, QUEUE)
    async with Fetcher("Footnoted") as fetcher, ParserPool(processes=0) as parsers:
        hands = DistributedExecutor(redis, broker, QUEUE, Counting(parsers, embedder), patience)
        yield Needs(redis, embedder, Retriever(redis, embedder), fetcher, hands, estimate_tokens)
    await broker.shutdown()


async def contents(redis: Redis) -> dict[bytes, object]:
    """What can be answered from: every passage with its text."""
    edition = await live_version(redis)
    assert edition
    found: dict[bytes, object] = {}
    async for key in redis.scan_iter(f"{keys.passage_prefix(edition.number)}*"):
        found[key.split(b":", 2)[2]] = await redis.hmget(key, "title", "text", "url", "embedding")
    return found


async def test_workers_do_the_work_and_the_same_comes_of_it(
    redis: Redis, redis_url: str, embedder: OfflineEmbedder, tmp_path: Path
) -> None:
    async with Blog(blog_of(60)) as blog:
        wish = ReindexOptions([sitemap(blog)])
        async with shared(redis, redis_url, embedder) as needs:
            await ReindexJob(needs, wish, lambda _: None).run()
            alone = await contents(redis)
            assert Counting.asked == 60
        await redis.flushall()
        async with (
            worker(redis, redis_url, tmp_path) as process,
            shared(redis, redis_url, embedder, Patience(timedelta(seconds=WITHIN))) as needs,
        ):
            report = await ReindexJob(needs, wish, lambda _: None).run()
            assert Counting.asked == 0
            together = await contents(redis)
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(WITHIN):
                _, said = await process.communicate()
    assert report.progress.new == 60
    assert together == alone
    assert process.returncode == 0
    assert b"Traceback" not in said
    assert await workers(redis, QUEUE) == 0
    assert [key async for key in redis.scan_iter(f"{QUEUE}:about:*")] == []


async def test_a_worker_that_is_killed_loses_nothing(
    redis: Redis, redis_url: str, embedder: OfflineEmbedder, tmp_path: Path
) -> None:
    async with (
        Blog(blog_of(80)) as blog,
        worker(redis, redis_url, tmp_path) as first,
        worker(redis, redis_url, tmp_path, there=2),
        shared(redis, redis_url, embedder) as needs,
    ):
        running = asyncio.create_task(ReindexJob(needs, ReindexOptions([sitemap(blog)]), lambda _: None).run())
        async with asyncio.timeout(WITHIN):
            while not await redis.exists(keys.jobs(QUEUE.removeprefix("jobs:"))):
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.05)
            os.kill(first.pid, signal.SIGKILL)
            report = await running
    assert (report.progress.new, report.failures) == (80, ())
    assert len({key.split(b":")[0] for key in await contents(redis)}) == 80


async def test_what_travels_comes_out_as_it_went_in() -> None:
    """A page in an old charset has bytes that are no UTF-8."""
    source = Source("blog", "feed", "http://blog.example/feed", include=("/a*",), limit=3)
    entry = Entry("http://blog.example/a/", "Köche", source, datetime(2026, 1, 2, tzinfo=UTC), listing="x")
    page = Fetched(entry.url, "<p>Köche würzen. ".encode("latin-1") * 20, "text/html", "latin-1", Validators("1", "2"))
    raw = RawPost(entry, entry.url, page, "before")
    assert raw_form.validate_json(raw_form.dump_json(raw)) == raw
    parsed = parse(raw)
    assert parsed_form.validate_json(parsed_form.dump_json(parsed)) == parsed


async def test_a_job_that_is_done_twice_is_paid_once(redis: Redis, redis_url: str, embedder: OfflineEmbedder) -> None:
    """What a worker has taken over from one that was only slow has its vectors already."""

    class Once(LocalExecutor):
        async def embed_into(self, draft, piece):  # type: ignore[no-untyped-def]
            pieces.append(piece)
            await super().embed_into(draft, piece)

    pieces: list[object] = []
    draft = await begin_draft(redis, await vector_spec_for(embedder, "FLOAT32", None))
    passages = [
        [Passage("http://b/1", "One", "", "Water tomatoes."), Passage("http://b/2", "One", "", "Water tomatoes.")]
    ]
    async with ParserPool(processes=0) as parsers:
        one = Worker(redis, redis_url, QUEUE, Once(parsers, embedder))
        await redis.set("about", jobs.piece_form.dump_json(passages))
        assert await one.embed("about", draft.number) == "done"
        assert await one.embed("about", draft.number) == "done"
    assert len(pieces) == 1
    assert len([key async for key in redis.scan_iter(f"{keys.passage_prefix(draft.number)}*")]) == 2


async def test_a_job_that_nobody_waits_for_any_more_is_let_be(
    redis: Redis, redis_url: str, embedder: OfflineEmbedder
) -> None:
    async with ParserPool(processes=0) as parsers:
        one = Worker(redis, redis_url, QUEUE, LocalExecutor(parsers, embedder))
        assert await one.parse("gone") == ""
        assert await one.embed("gone", 7) == ""


@pytest.mark.parametrize("job", ["parse", "embed"])
async def test_a_worker_that_does_nothing_is_not_waited_for_for_ever(
    redis: Redis, redis_url: str, embedder: OfflineEmbedder, job: str
) -> None:
    """It said that it is there, and hangs: the run does the work itself."""
    await jobs.sign_of_life(redis, QUEUE, "hangs")
    source = Source("blog", "feed", "http://blog.example/feed")
    raw = RawPost(Entry("http://b/1", "One", source, body="<p>Water tomatoes.</p>", whole=True), "http://b/1")
    async with shared(redis, redis_url, embedder, Patience(timedelta(seconds=0.2), timedelta(seconds=0.2))) as needs:
        if job == "parse":
            parsed = await needs.hands.parse(raw)
            assert parsed == parse(raw)
        else:
            draft = await begin_draft(redis, await vector_spec_for(embedder, "FLOAT32", None))
            await needs.hands.embed_into(draft, [[Passage("http://b/1", "One", "", "Water tomatoes.")]])
            assert len([key async for key in redis.scan_iter(f"{keys.passage_prefix(draft.number)}*")]) == 1

"""A run brings what is known up to date with the sources, and does no more for it than is needed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import get_args

import pytest
from redis.asyncio import Redis

from core.errors import KnowledgeUnavailable, QuotaUsedUp
from core.knowledge import edition as editions
from core.knowledge.edition import current
from core.knowledge.library import Library
from core.knowledge.retriever import Retriever
from core.knowledge.schema import Algorithm
from core.memory import keys
from core.models.offline_embedder import OfflineEmbedder
from core.models.openai_embedder import OpenAIEmbedder
from core.reindexing.progress import Progress, Report
from core.vocabulary import Source
from tests.core.models.openai_parts import client_of, tokens
from tests.posts import POSTS, reindexing, url_of, write_posts
from tests.servers import Status
from tests.servers.openai import OpenAIServer

SMALL = "text-embedding-3-small"
CALIBRATING = 2
"""Requests that the questions for the calibration take."""


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer(dimensions=64) as server:
        yield server


@pytest.fixture
async def paid(server: OpenAIServer) -> AsyncIterator[OpenAIEmbedder]:
    """An embedder whose requests are counted at the server."""
    async with client_of(server) as client:
        yield OpenAIEmbedder(client, SMALL, tokens, dimensions=64)


async def read(redis: Redis, embedder: OfflineEmbedder | OpenAIEmbedder, *sources: Source) -> Report:
    async with reindexing(redis, embedder) as run:
        return await run.run(sources, tell=lambda progress: None)


async def urls(redis: Redis) -> set[str]:
    live = await current(redis)
    return set(await live.ledger()) if live else set()


def embedded(server: OpenAIServer) -> list[str]:
    """All texts that were embedded, but for the questions of the calibration."""
    return [text for request in server.embeddings for text in request.inputs if "\n" in text]


async def test_a_first_run_reads_everything(redis: Redis, embedder: OfflineEmbedder, tmp_path: Path) -> None:
    told: list[Progress] = []
    async with reindexing(redis, embedder) as run:
        report = await run.run([write_posts(tmp_path / "blog")], told.append)
    assert report.progress == Progress(listed=len(POSTS), listing=False, new=len(POSTS), embedded=len(POSTS))
    assert (report.failures, report.rebuilt) == ((), False)
    assert await urls(redis) == {url_of(slug) for slug in POSTS}
    assert [progress.done for progress in told] == sorted(progress.done for progress in told)
    assert told[-1] == report.progress


async def test_what_has_been_read_answers_while_the_rest_is_being_read(
    redis: Redis, server: OpenAIServer, paid: OpenAIEmbedder, tmp_path: Path
) -> None:
    many = POSTS | {
        f"filler-{number:03}": f"# Note {number}\n\nNothing of note, part {number}." for number in range(600)
    }
    server.delay = 0.05
    async with reindexing(redis, paid) as run:
        running = asyncio.create_task(run.run([write_posts(tmp_path / "blog", many)], lambda progress: None))
        try:
            while (await Library(redis).holdings()).posts < len(POSTS):
                await asyncio.sleep(0.01)
            findings = await Retriever(redis, paid).search("How do bees get through the winter?")
            assert not running.done()
            assert findings.matches[0].passage.url == url_of("bees")
        finally:
            await running


async def test_an_unchanged_post_is_not_embedded_again(
    redis: Redis, server: OpenAIServer, paid: OpenAIEmbedder, tmp_path: Path
) -> None:
    source = write_posts(tmp_path / "blog")
    await read(redis, paid, source)
    server.embeddings.clear()
    report = await read(redis, paid, source)
    assert report.progress.unchanged == len(POSTS)
    assert server.embeddings == []


async def test_a_changed_post_replaces_its_passages_and_no_others(
    redis: Redis, server: OpenAIServer, paid: OpenAIEmbedder, tmp_path: Path
) -> None:
    source = write_posts(tmp_path / "blog")
    await read(redis, paid, source)
    server.embeddings.clear()
    write_posts(tmp_path / "blog", {"bees": "# Wintering bees\n\nWe sold the hives and keep goats now."})
    report = await read(redis, paid, source)
    assert (report.progress.changed, report.progress.unchanged) == (1, len(POSTS) - 1)
    assert len(embedded(server)) == 1
    post = await Library(redis).post(url_of("bees"))
    assert post is not None
    assert "goats" in post.text
    assert "shivers" not in post.text


async def test_a_file_that_went_is_removed(redis: Redis, embedder: OfflineEmbedder, tmp_path: Path) -> None:
    source = write_posts(tmp_path / "blog")
    await read(redis, embedder, source)
    (tmp_path / "blog" / "bees.md").unlink()
    report = await read(redis, embedder, source)
    assert report.progress.removed == 1
    assert url_of("bees") not in await urls(redis)
    assert await redis.keys(keys.passage(1, url_of("bees"), 0)) == []


async def test_a_source_that_is_configured_no_more_loses_its_posts(
    redis: Redis, embedder: OfflineEmbedder, tmp_path: Path
) -> None:
    blog = write_posts(tmp_path / "blog")
    notes = write_posts(tmp_path / "notes", {"tea": "# Tea\n\nTea steeps for four minutes."}, name="notes")
    await read(redis, embedder, blog, notes)
    report = await read(redis, embedder, blog)
    assert report.progress.removed == 1
    assert await urls(redis) == {url_of(slug) for slug in POSTS}


async def test_a_source_that_is_gone_for_now_keeps_its_posts_and_is_named(
    redis: Redis, embedder: OfflineEmbedder, tmp_path: Path
) -> None:
    blog = write_posts(tmp_path / "blog")
    notes = write_posts(tmp_path / "notes", {"tea": "# Tea\n\nTea steeps for four minutes."}, name="notes")
    await read(redis, embedder, blog, notes)
    (tmp_path / "notes").rename(tmp_path / "unmounted")
    report = await read(redis, embedder, blog, notes)
    [failure] = report.failed_sources
    assert failure.address == str(tmp_path / "notes")
    assert url_of("tea", "notes") in await urls(redis)
    assert report.progress.removed == 0


async def test_a_failing_embedding_model_ends_the_run_and_leaves_what_was_there(
    redis: Redis, server: OpenAIServer, paid: OpenAIEmbedder, tmp_path: Path
) -> None:
    source = write_posts(tmp_path / "blog")
    await read(redis, paid, source)
    write_posts(tmp_path / "blog", {"bees": "# Wintering bees\n\nWe keep goats now.", "new": "# New\n\nA new post."})
    server.enqueue_embedding(*[Status(429, code="insufficient_quota")] * 9)
    with pytest.raises(QuotaUsedUp):
        await read(redis, paid, source)
    post = await Library(redis).post(url_of("bees"))
    assert post is not None
    assert "shivers" in post.text
    server._embedding_replies.clear()
    report = await read(redis, paid, source)
    assert (report.progress.changed, report.progress.new) == (1, 1)


async def test_a_growing_blog_gets_an_approximate_index_in_the_same_run(
    redis: Redis, embedder: OfflineEmbedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(editions, "HNSW_FROM", 5)
    await read(redis, embedder, write_posts(tmp_path / "blog"))
    live = await current(redis)
    assert live is not None
    assert live.index.endswith(":hnsw")
    findings = await Retriever(redis, embedder).search("How do bees get through the winter?")
    assert findings.matches[0].passage.url == url_of("bees")


async def test_the_setting_of_the_index_is_followed(redis: Redis, embedder: OfflineEmbedder, tmp_path: Path) -> None:
    source = write_posts(tmp_path / "blog")
    for algorithm in get_args(Algorithm):
        async with reindexing(redis, embedder, algorithm=algorithm) as run:
            await run.run([source], lambda progress: None)
        live = await current(redis)
        assert live is not None
        assert live.index.endswith(algorithm.lower())


async def test_a_redis_that_goes_away_ends_the_run_with_one_error(
    redis: Redis, embedder: OfflineEmbedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise KnowledgeUnavailable("it went away")

    monkeypatch.setattr(editions.Edition, "put", refuse)
    with pytest.raises(KnowledgeUnavailable):
        await read(redis, embedder, write_posts(tmp_path / "blog"))

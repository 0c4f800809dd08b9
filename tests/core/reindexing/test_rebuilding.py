"""Another embedding model means another edition; the old one answers until the new one is whole."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from core.errors import ModelUnreachable
from core.knowledge.edition import current
from core.knowledge.retriever import Retriever
from core.knowledge.schema import Precision
from core.memory import keys
from core.models.offline_embedder import OfflineEmbedder
from core.models.openai_embedder import OpenAIEmbedder
from tests.core.models.openai_parts import client_of, tokens
from tests.posts import POSTS, reindexing, url_of, write_posts
from tests.servers import Status
from tests.servers.openai import OpenAIServer

SMALL = "text-embedding-3-small"
QUESTION = "How do bees get through the winter?"


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer(dimensions=64) as server:
        yield server


async def live_number(redis: Redis) -> int:
    live = await current(redis)
    assert live is not None
    return live.number


async def test_the_old_edition_answers_by_words_until_the_new_one_takes_its_place(
    redis: Redis, embedder: OfflineEmbedder, server: OpenAIServer, tmp_path: Path
) -> None:
    source = write_posts(tmp_path / "blog")
    async with reindexing(redis, embedder) as run:
        await run.run([source], lambda progress: None)
    old = await live_number(redis)
    server.delay = 0.3
    async with client_of(server) as client:
        other = OpenAIEmbedder(client, SMALL, tokens, dimensions=64)
        retriever = Retriever(redis, other)
        async with reindexing(redis, other) as run:
            running = asyncio.create_task(run.run([source], lambda progress: None))
            while not server.embeddings:
                await asyncio.sleep(0.01)
            meanwhile = await retriever.search(QUESTION)
            assert meanwhile.words_alone
            assert meanwhile.matches[0].passage.url == url_of("bees")
            server.delay = 0
            report = await running
        assert report.rebuilt
        after = await retriever.search(QUESTION)
    assert not after.words_alone
    assert after.matches[0].passage.url == url_of("bees")
    assert await live_number(redis) > old
    assert await redis.keys(f"*:{old}*") == []


@pytest.mark.parametrize(
    ("model", "dimensions", "precision", "rebuilt"),
    [
        (SMALL, 64, "FLOAT32", False),
        ("text-embedding-3-large", 64, "FLOAT32", True),
        (SMALL, 32, "FLOAT32", True),
        (SMALL, 64, "FLOAT16", True),
    ],
)
async def test_only_what_changes_the_vectors_makes_a_new_edition(
    redis: Redis,
    server: OpenAIServer,
    tmp_path: Path,
    model: str,
    dimensions: int,
    precision: Precision,
    rebuilt: bool,
) -> None:
    source = write_posts(tmp_path / "blog")
    async with client_of(server) as client:
        first, second = (
            OpenAIEmbedder(client, SMALL, tokens, 64),
            OpenAIEmbedder(client, model, tokens, dimensions),
        )
        async with reindexing(redis, first) as run:
            await run.run([source], lambda progress: None)
        async with reindexing(redis, second, precision) as run:
            report = await run.run([source], lambda progress: None)
        assert report.rebuilt is rebuilt
        assert report.progress.new == (len(POSTS) if rebuilt else 0)
        found = await Retriever(redis, second).search(QUESTION)
    assert found.matches[0].passage.url == url_of("bees")


async def test_a_rebuilding_that_breaks_off_leaves_the_old_edition_and_no_litter_for_long(
    redis: Redis, embedder: OfflineEmbedder, server: OpenAIServer, tmp_path: Path
) -> None:
    source = write_posts(tmp_path / "blog")
    async with reindexing(redis, embedder) as run:
        await run.run([source], lambda progress: None)
    old = await live_number(redis)
    async with client_of(server) as client:
        other = OpenAIEmbedder(client.with_options(max_retries=0), SMALL, tokens, dimensions=64)
        async with reindexing(redis, other) as run:
            for _ in range(3):
                server.enqueue_embedding(Status(500))
                with pytest.raises(ModelUnreachable):
                    await run.run([source], lambda progress: None)
                assert await live_number(redis) == old
            assert (await Retriever(redis, other).search(QUESTION)).matches[0].passage.url == url_of("bees")
            await run.run([source], lambda progress: None)
    live = await current(redis)
    assert live is not None
    assert await redis.execute_command("FT._LIST") == [live.index.encode()]
    assert await redis.keys("edition:*") == [keys.edition(live.number).encode()]


async def test_a_first_reading_that_breaks_off_goes_on_where_it_stopped(
    redis: Redis, server: OpenAIServer, tmp_path: Path
) -> None:
    source = write_posts(tmp_path / "blog")
    async with client_of(server) as client:
        embedder = OpenAIEmbedder(client.with_options(max_retries=0), SMALL, tokens, dimensions=64)
        async with reindexing(redis, embedder) as run:
            server.enqueue_embedding(Status(500))
            with pytest.raises(ModelUnreachable):
                await run.run([source], lambda progress: None)
            first = await live_number(redis)
            report = await run.run([source], lambda progress: None)
    assert not report.rebuilt
    assert await live_number(redis) == first
    assert report.progress.new + report.progress.unchanged == len(POSTS)

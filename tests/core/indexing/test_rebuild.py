"""Another embedding model requires a new index version; the old one answers until it is complete."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from tenacity.wait import wait_none

from core.domain import Source
from core.errors import ModelUnreachableError, PublicationRefusedError
from core.index.schema import Precision
from core.index.version import live_version
from core.indexing import embedding_stage
from core.indexing.reindexer import roll_back_run
from core.models.offline_embedder import OfflineEmbedder
from core.models.openai_embedder import OpenAIEmbedder
from core.models.retrying_embedder import RetryingEmbedder
from core.retrieval.retriever import Retriever
from core.storage import keys
from tests.core.index.drafting import every_key
from tests.core.models.openai_parts import client_of, tokens
from tests.posts import POSTS, reindexing, url_of, write_posts
from tests.servers.blog import Blog, Post
from tests.servers.loopback import Status
from tests.servers.openai import OpenAIServer

SMALL = "text-embedding-3-small"
QUESTION = "How do bees get through the winter?"


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer(dimensions=64) as server:
        yield server


async def live_number(redis: Redis) -> int:
    live = await live_version(redis)
    assert live is not None
    return live.number


async def test_questions_are_answered_lexically_until_the_rebuild_is_complete(
    redis: Redis, embedder: OfflineEmbedder, server: OpenAIServer, tmp_path: Path
) -> None:
    source = write_posts(tmp_path / "blog")
    async with reindexing(redis, embedder) as run:
        await run(source)
    old = await live_number(redis)
    server.delay = 0.3
    async with client_of(server) as client:
        other = OpenAIEmbedder(client, SMALL, tokens, dimensions=64)
        retriever = Retriever(redis, other)
        async with reindexing(redis, other) as run:
            running = asyncio.create_task(run(source))
            while not server.embeddings:
                await asyncio.sleep(0.01)
            meanwhile = await retriever.search(QUESTION)
            assert meanwhile.lexical_only
            assert meanwhile.hits[0].passage.url == url_of("bees")
            server.delay = 0
            report = await running
        assert report.rebuilt
        async with asyncio.timeout(5):
            while (after := await retriever.search(QUESTION)).lexical_only:
                await asyncio.sleep(0.05)
    assert after.hits[0].passage.url == url_of("bees")
    assert await live_number(redis) > old
    assert (await roll_back_run(redis)).outcome == "rolled back"
    assert await live_number(redis) == old


@pytest.mark.parametrize(
    ("model", "dimensions", "precision", "rebuilt", "again"),
    [
        (SMALL, 64, "FLOAT32", False, False),
        ("text-embedding-3-large", 64, "FLOAT32", True, True),
        (SMALL, 32, "FLOAT32", True, True),
        # The same vectors at lower precision: they need not be embedded again.
        (SMALL, 64, "FLOAT16", True, False),
    ],
)
async def test_only_settings_that_change_the_vectors_cause_a_rebuild(
    redis: Redis,
    server: OpenAIServer,
    tmp_path: Path,
    model: str,
    dimensions: int,
    precision: Precision,
    rebuilt: bool,
    again: bool,
) -> None:
    source = write_posts(tmp_path / "blog")
    async with client_of(server) as client:
        first, second = (
            OpenAIEmbedder(client, SMALL, tokens, 64),
            OpenAIEmbedder(client, model, tokens, dimensions),
        )
        async with reindexing(redis, first) as run:
            await run(source)
        async with reindexing(redis, second, precision) as run:
            report = await run(source)
        assert report.rebuilt is rebuilt
        assert (report.progress.new, report.progress.unchanged) == (0, len(POSTS))
        assert (run.plan.rebuilds, run.plan.passages) == (rebuilt, len(POSTS) if again else 0)
        found = await Retriever(redis, second).search(QUESTION)
    assert found.hits[0].passage.url == url_of("bees")


async def test_a_failed_rebuild_keeps_the_old_version_and_leaves_no_garbage(
    redis: Redis, embedder: OfflineEmbedder, server: OpenAIServer, tmp_path: Path
) -> None:
    source = write_posts(tmp_path / "blog")
    async with reindexing(redis, embedder) as run:
        await run(source)
    old = await live_number(redis)
    async with client_of(server) as client:
        other = OpenAIEmbedder(client.with_options(max_retries=0), SMALL, tokens, dimensions=64)
        async with reindexing(redis, other) as run:
            for _ in range(3):
                server.enqueue_embedding(Status(500))
                with pytest.raises(ModelUnreachableError):
                    await run(source)
                assert await live_number(redis) == old
            assert (await Retriever(redis, other).search(QUESTION)).hits[0].passage.url == url_of("bees")
            await run(source)
    live = await live_version(redis)
    assert live is not None
    assert await every_key(redis, "edition:*") == {keys.version(old), keys.version(live.number)}


async def test_a_failed_first_run_is_resumed_without_embedding_anything_twice(
    redis: Redis, server: OpenAIServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding_stage, "BATCH_SIZE", 1)
    source = write_posts(tmp_path / "blog")
    async with client_of(server) as client:
        embedder = OpenAIEmbedder(client.with_options(max_retries=0), SMALL, tokens, dimensions=64)
        async with reindexing(redis, embedder) as run:
            server.enqueue_embedding(Status(500))
            with pytest.raises(ModelUnreachableError):
                await run(source)
            assert await live_version(redis) is None
            report = await run(source)
    assert (report.progress.embedded, report.progress.reused) == (1, len(POSTS) - 1)
    texts = [text for request in server.embeddings for text in request.inputs if "\n" in text]
    assert len(texts) == len(POSTS) + 1


async def test_a_rebuild_keeps_posts_that_their_feed_no_longer_lists(
    redis: Redis, embedder: OfflineEmbedder, server: OpenAIServer
) -> None:
    posts = [Post(f"entry-{number}", f"Entry {number}", f"<p>About subject {number}.</p>") for number in range(4)]
    async with Blog(posts, paged=False) as blog, client_of(server) as client:
        source = Source("blog", "feed", blog.url())
        async with reindexing(redis, embedder) as run:
            await run(source)
        blog.posts = blog.posts[:1]
        async with reindexing(redis, OpenAIEmbedder(client, SMALL, tokens, dimensions=64)) as run:
            report = await run(source)
    assert (report.rebuilt, report.posts, report.progress.embedded) == (True, 4, 4)


async def test_post_that_the_model_has_no_vector_for_is_reported_and_read_by_a_later_run(
    redis: Redis, server: OpenAIServer, tmp_path: Path
) -> None:
    source = write_posts(tmp_path / "blog")
    server.fails_on = "shivers"
    async with client_of(server) as client:
        embedder = RetryingEmbedder(
            OpenAIEmbedder(client.with_options(max_retries=0), SMALL, tokens, dimensions=64), wait_none()
        )
        async with reindexing(redis, embedder) as run:
            report = await run(source)
            [failure] = report.failures
            assert (report.outcome, report.posts, report.progress.new) == ("published", len(POSTS) - 1, len(POSTS) - 1)
            assert "failed to encode response" in failure.reason
            assert (await run(source)).failures == report.failures
            server.fails_on = "\0"
            report = await run(source)
    assert (report.posts, report.progress.embedded, report.failures) == (len(POSTS), 1, ())


@pytest.mark.parametrize("value", [0.0, 0.1])
async def test_worthless_vectors_never_replace_a_good_index(
    redis: Redis, embedder: OfflineEmbedder, server: OpenAIServer, tmp_path: Path, value: float
) -> None:
    source = write_posts(tmp_path / "blog")
    async with reindexing(redis, embedder) as run:
        await run(source)
    old = await live_number(redis)
    server.embeds_alike = value
    async with client_of(server) as client:
        other = RetryingEmbedder(OpenAIEmbedder(client, SMALL, tokens, dimensions=64), wait_none())
        async with reindexing(redis, other) as run:
            with pytest.raises(PublicationRefusedError, match="vector"):
                await run(source)
    assert await live_number(redis) == old

"""Clients that know only the alias `posts` find the live version's passages."""

from typing import Any

import pytest
from redis.asyncio import Redis

from core.index import version as version_module
from core.index.publication import publish
from core.index.schema import Algorithm, Precision, VectorSpec, index_info, live_index
from core.index.version import PostRecord, live_version
from core.models.offline_embedder import OfflineEmbedder
from core.storage import keys
from tests.posts import POSTS, new_version, published, put_posts, url_of


async def index_names(redis: Redis) -> set[bytes]:
    return set(await redis.execute_command("FT._LIST"))


async def test_plain_redis_client_finds_posts_by_vector(blog: Redis, embedder: OfflineEmbedder) -> None:
    [question] = await embedder.embed(["How do bees get through the winter?"])
    query = "*=>[KNN 5 @embedding $vector AS vector_score]"
    count, *rows = await blog.execute_command(
        "FT.SEARCH", "posts", query, "PARAMS", 2, "vector", question.astype("<f4").tobytes(),
        "RETURN", 2, "url", "vector_score", "SORTBY", "vector_score", "DIALECT", 2,
    )  # fmt: skip
    found = [dict(zip(fields[::2], fields[1::2], strict=True)) for fields in rows[1::2]]
    assert count == 5
    assert found[0][b"url"].decode() == url_of("bees")
    scores = [float(row[b"vector_score"]) for row in found]
    assert scores == sorted(scores)


@pytest.mark.parametrize(("precision", "bytes_each"), [("FLOAT32", 4), ("FLOAT16", 2)])
async def test_vectors_are_stored_in_the_configured_precision(
    redis: Redis, embedder: OfflineEmbedder, precision: Precision, bytes_each: int
) -> None:
    version = await new_version(redis, embedder, precision)
    await put_posts(redis, version, embedder)
    await publish(redis, version)
    [key, *_] = await redis.keys("post:*")
    blob: Any = await redis.hget(key, "embedding")
    assert len(blob) == bytes_each * OfflineEmbedder.DIMENSIONS
    live = await live_version(redis)
    assert live is not None
    assert live.vector_spec == VectorSpec(embedder.name, OfflineEmbedder.DIMENSIONS, precision)


@pytest.mark.parametrize("algorithm", ["FLAT", "HNSW"])
async def test_index_has_the_configured_algorithm(
    redis: Redis, embedder: OfflineEmbedder, algorithm: Algorithm
) -> None:
    version = await new_version(redis, embedder, algorithm=algorithm)
    await put_posts(redis, version, embedder)
    assert algorithm.encode() in str(await index_info(redis, version.index)).encode()


async def test_index_algorithm_follows_the_number_of_passages(
    redis: Redis, embedder: OfflineEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = await published(redis, embedder)
    await version.fit_algorithm(None)
    assert await live_index(redis) == keys.index(version.number, "FLAT")
    monkeypatch.setattr(version_module, "HNSW_FROM", len(POSTS))
    await version.fit_algorithm(None)
    assert await live_index(redis) == keys.index(version.number, "HNSW")
    assert await index_names(redis) == {keys.index(version.number, "HNSW").encode()}
    assert int(str((await index_info(redis, "posts"))["num_docs"])) == len(POSTS)
    await version.fit_algorithm("FLAT")
    assert await live_index(redis) == keys.index(version.number, "FLAT")


async def test_changing_the_index_of_an_unpublished_version_does_not_publish_it(
    redis: Redis, embedder: OfflineEmbedder
) -> None:
    live = await published(redis, embedder)
    other = await new_version(redis, embedder)
    await other.fit_algorithm("HNSW")
    assert await live_index(redis) == live.index


async def test_posts_with_deleted_passages_are_detected(redis: Redis, embedder: OfflineEmbedder) -> None:
    version = await published(redis, embedder)
    ledger = await version.ledger()
    assert await version.posts_with_missing_passages(ledger) == set()
    await redis.delete(keys.passage(version.number, url_of("bees"), 0))
    assert await version.posts_with_missing_passages(ledger) == {url_of("bees")}


async def test_ledger_of_an_earlier_release_can_be_read(redis: Redis, embedder: OfflineEmbedder) -> None:
    version = await published(redis, embedder)
    line = b'{"title": "T", "source": "blog", "raw_digest": "r", "text_digest": "t", "passages": 1}'
    await redis.hset(keys.ledger(version.number), url_of("bees"), line)
    assert await version.record(url_of("bees")) == PostRecord("T", "blog", "r", "t", 1)

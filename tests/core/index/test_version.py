"""An edition keeps its passages where clients that know only `posts` find them, and never lets a wrong vector in."""

from typing import Any

import pytest
from redis.asyncio import Redis

from core.index import version as editions
from core.index.publication import publish
from core.index.schema import Algorithm, Precision, VectorSpec, index_info, live_index
from core.index.version import PostRecord, live_version
from core.models.offline_embedder import OfflineEmbedder
from core.storage import keys
from tests.posts import POSTS, new_version, published, put_posts, url_of


async def index_names(redis: Redis) -> set[bytes]:
    return set(await redis.execute_command("FT._LIST"))


async def test_a_plain_client_finds_posts_by_their_vectors(redis: Redis, embedder: OfflineEmbedder) -> None:
    await published(redis, embedder)
    [question] = await embedder.embed(["How do bees get through the winter?"])
    query = "*=>[KNN 5 @embedding $vector AS vector_score]"
    count, *rows = await redis.execute_command(
        "FT.SEARCH", "posts", query, "PARAMS", 2, "vector", question.astype("<f4").tobytes(),
        "RETURN", 2, "url", "vector_score", "SORTBY", "vector_score", "DIALECT", 2,
    )  # fmt: skip
    found = [dict(zip(fields[::2], fields[1::2], strict=True)) for fields in rows[1::2]]
    assert count == 5
    assert found[0][b"url"].decode() == url_of("bees")
    scores = [float(row[b"vector_score"]) for row in found]
    assert scores == sorted(scores)


@pytest.mark.parametrize(("precision", "bytes_each"), [("FLOAT32", 4), ("FLOAT16", 2)])
async def test_vectors_are_kept_in_the_precision_that_was_asked_for(
    redis: Redis, embedder: OfflineEmbedder, precision: Precision, bytes_each: int
) -> None:
    edition = await new_version(redis, embedder, precision)
    await put_posts(redis, edition, embedder)
    await publish(redis, edition)
    [key, *_] = await redis.keys("post:*")
    blob: Any = await redis.hget(key, "embedding")
    assert len(blob) == bytes_each * OfflineEmbedder.DIMENSIONS
    live = await live_version(redis)
    assert live is not None
    assert live.vector_spec == VectorSpec(embedder.name, OfflineEmbedder.DIMENSIONS, precision)


@pytest.mark.parametrize("algorithm", ["FLAT", "HNSW"])
async def test_the_index_is_of_the_algorithm_that_was_asked_for(
    redis: Redis, embedder: OfflineEmbedder, algorithm: Algorithm
) -> None:
    edition = await new_version(redis, embedder, algorithm=algorithm)
    await put_posts(redis, edition, embedder)
    assert algorithm.encode() in str(await index_info(redis, edition.index)).encode()


async def test_a_growing_blog_moves_to_an_approximate_index_and_a_shrinking_one_back(
    redis: Redis, embedder: OfflineEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    edition = await published(redis, embedder)
    await edition.fit_algorithm(None)
    assert await live_index(redis) == keys.index(edition.number, "FLAT")
    monkeypatch.setattr(editions, "HNSW_FROM", len(POSTS))
    await edition.fit_algorithm(None)
    assert await live_index(redis) == keys.index(edition.number, "HNSW")
    assert await index_names(redis) == {keys.index(edition.number, "HNSW").encode()}
    assert int(str((await index_info(redis, "posts"))["num_docs"])) == len(POSTS)
    await edition.fit_algorithm("FLAT")
    assert await live_index(redis) == keys.index(edition.number, "FLAT")


async def test_an_edition_that_is_not_live_can_change_its_index_without_becoming_so(
    redis: Redis, embedder: OfflineEmbedder
) -> None:
    live = await published(redis, embedder)
    other = await new_version(redis, embedder)
    await other.fit_algorithm("HNSW")
    assert await live_index(redis) == live.index


async def test_a_ledger_that_says_more_than_there_is_is_not_believed(redis: Redis, embedder: OfflineEmbedder) -> None:
    edition = await published(redis, embedder)
    ledger = await edition.ledger()
    assert await edition.posts_with_missing_passages(ledger) == set()
    await redis.delete(keys.passage(edition.number, url_of("bees"), 0))
    assert await edition.posts_with_missing_passages(ledger) == {url_of("bees")}


async def test_a_ledger_of_an_earlier_version_can_be_read(redis: Redis, embedder: OfflineEmbedder) -> None:
    edition = await published(redis, embedder)
    line = b'{"title": "T", "source": "blog", "raw_digest": "r", "text_digest": "t", "passages": 1}'
    await redis.hset(keys.ledger(edition.number), url_of("bees"), line)
    assert await edition.record(url_of("bees")) == PostRecord("T", "blog", "r", "t", 1)

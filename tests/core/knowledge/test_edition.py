"""An edition keeps its passages where clients that know only `posts` find them, and never lets a wrong vector in."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from redis.asyncio import Redis

from core.errors import WrongEmbeddings
from core.knowledge import edition as editions
from core.knowledge.edition import Record, begin, current, drop, publish, sweep
from core.knowledge.schema import Algorithm, Precision, Shape, index_info, live_index
from core.memory import keys
from core.models.offline_embedder import OfflineEmbedder
from core.models.protocols import Vectors
from core.vocabulary import Passage
from tests.posts import POSTS, new_edition, published, put_posts, url_of

SHAPE = Shape("model", 4)
RECORD = Record("Title", "blog", "raw", "text", 1)
PASSAGE = Passage("https://blog/a", "Title", "Heading", "Text", "blog", 0, datetime(2026, 1, 2, tzinfo=UTC))


def vectors(rows: int, dimensions: int = 4) -> Vectors:
    return np.eye(rows, dimensions, dtype=np.float32)


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


async def test_a_passage_is_a_hash_with_its_vector_as_bytes(redis: Redis) -> None:
    edition = await begin(redis, SHAPE, "FLAT")
    await edition.put([PASSAGE], vectors(1), RECORD, before=0)
    [key] = await redis.keys("post:*")
    fields: Any = await redis.hgetall(key)
    assert np.frombuffer(fields.pop(b"embedding"), "<f4").tolist() == [1, 0, 0, 0]
    assert {name.decode(): value.decode() for name, value in fields.items()} == {
        "url": "https://blog/a",
        "title": "Title",
        "heading": "Heading",
        "text": "Text",
        "source": "blog",
        "position": "0",
        "published": str(datetime(2026, 1, 2, tzinfo=UTC).timestamp()),
    }


@pytest.mark.parametrize(("precision", "bytes_each"), [("FLOAT32", 4), ("FLOAT16", 2)])
async def test_vectors_are_kept_in_the_precision_that_was_asked_for(
    redis: Redis, embedder: OfflineEmbedder, precision: Precision, bytes_each: int
) -> None:
    edition = await new_edition(redis, embedder, precision)
    await put_posts(edition, embedder)
    await publish(redis, edition)
    [key, *_] = await redis.keys("post:*")
    blob: Any = await redis.hget(key, "embedding")
    assert len(blob) == bytes_each * OfflineEmbedder.DIMENSIONS
    live = await current(redis)
    assert live is not None
    assert live.shape == Shape(embedder.name, OfflineEmbedder.DIMENSIONS, precision)


@pytest.mark.parametrize("shape", [(1, 3), (1, 5), (2, 4), (0, 4)])
async def test_vectors_that_do_not_fit_are_refused_before_anything_is_written(
    redis: Redis, shape: tuple[int, int]
) -> None:
    edition = await begin(redis, SHAPE, "FLAT")
    with pytest.raises(WrongEmbeddings):
        await edition.put([PASSAGE], vectors(*shape), RECORD, before=0)
    assert await redis.keys("post:*") == []
    assert await edition.ledger() == {}


async def test_a_vector_that_somebody_else_wrote_wrongly_does_not_stay_unseen(redis: Redis) -> None:
    edition = await begin(redis, SHAPE, "FLAT")
    await redis.hset(f"{keys.prefix(edition.number)}stranger", mapping={"url": "x", "embedding": b"\0" * 12})
    with pytest.raises(WrongEmbeddings, match="1 passage"):
        await edition.settled()


async def test_a_post_that_became_shorter_loses_its_last_passages(redis: Redis) -> None:
    edition = await begin(redis, SHAPE, "FLAT")
    three = [replace(PASSAGE, position=position) for position in range(3)]
    await edition.put(three, vectors(3), replace(RECORD, passages=3), before=0)
    await edition.put([PASSAGE], vectors(1), RECORD, before=3)
    assert len(await redis.keys("post:*")) == 1
    assert await edition.ledger() == {"https://blog/a": RECORD}


async def test_a_removed_post_leaves_nothing(redis: Redis) -> None:
    edition = await begin(redis, SHAPE, "FLAT")
    await edition.put([PASSAGE], vectors(1), RECORD, before=0)
    await edition.remove(PASSAGE.url, 1)
    assert await redis.keys("post:*") == []
    assert await edition.ledger() == {}


async def test_nothing_is_current_before_something_was_published(redis: Redis) -> None:
    assert await current(redis) is None
    edition = await begin(redis, SHAPE, "FLAT")
    assert await current(redis) is None
    await publish(redis, edition)
    live = await current(redis)
    assert live is not None
    assert (live.number, live.shape, live.index) == (edition.number, SHAPE, edition.index)


async def test_dropping_an_edition_never_touches_the_live_one(redis: Redis, embedder: OfflineEmbedder) -> None:
    old = await published(redis, embedder)
    new = await new_edition(redis, embedder)
    await put_posts(new, embedder, {"redis": POSTS["redis"]})
    await publish(redis, new)
    await drop(redis, old.number)
    assert await live_index(redis) == new.index
    assert int(str((await index_info(redis, "posts"))["num_docs"])) == 1
    every: Any = await redis.keys("*")
    left = {key.decode() for key in every} - {keys.EDITION_NUMBER}
    number = new.number
    assert all(key.startswith((f"post:{number}:", "ledger:", "edition:")) for key in left)
    assert {key for key in left if not key.startswith("post:")} == {keys.ledger(number), keys.edition(number)}
    assert await index_names(redis) == {new.index.encode()}


async def test_dropping_more_passages_than_go_at_once_leaves_none(
    redis: Redis, embedder: OfflineEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(editions, "DELETED_AT_ONCE", 2)
    edition = await new_edition(redis, embedder)
    await put_posts(edition, embedder)
    await drop(redis, edition.number)
    assert await redis.keys("*") == [keys.EDITION_NUMBER.encode()]


async def test_the_tenth_edition_is_not_dropped_with_the_first(redis: Redis) -> None:
    first = await begin(redis, SHAPE, "FLAT")
    await redis.set(keys.EDITION_NUMBER, first.number * 10 - 1)
    tenth = await begin(redis, SHAPE, "FLAT")
    assert tenth.number == first.number * 10
    await tenth.put([PASSAGE], vectors(1), RECORD, before=0)
    await drop(redis, first.number)
    assert len(await redis.keys("post:*")) == 1


@pytest.mark.parametrize("algorithm", ["FLAT", "HNSW"])
async def test_the_index_is_of_the_algorithm_that_was_asked_for(
    redis: Redis, embedder: OfflineEmbedder, algorithm: Algorithm
) -> None:
    edition = await new_edition(redis, embedder, algorithm=algorithm)
    await put_posts(edition, embedder)
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
    other = await new_edition(redis, embedder)
    await other.fit_algorithm("HNSW")
    assert await live_index(redis) == live.index


async def test_what_a_broken_run_left_is_swept_away_and_strangers_are_left_alone(
    redis: Redis, embedder: OfflineEmbedder
) -> None:
    live = await published(redis, embedder)
    orphan = await new_edition(redis, embedder)
    await put_posts(orphan, embedder)
    await redis.execute_command(*"FT.CREATE stranger PREFIX 1 theirs: SCHEMA text TEXT".split())
    # A change of the index that broke off half way.
    await redis.execute_command(
        *f"FT.CREATE {keys.index(live.number, 'HNSW')} PREFIX 1 {keys.prefix(live.number)} SCHEMA text TEXT".split()
    )
    await sweep(redis, live)
    assert await index_names(redis) == {live.index.encode(), b"stranger"}
    assert await redis.keys(f"{keys.prefix(orphan.number)}*") == []
    assert len(await redis.keys(f"{keys.prefix(live.number)}*")) == len(POSTS)
    await live.fit_algorithm("HNSW")
    assert await live_index(redis) == keys.index(live.number, "HNSW")

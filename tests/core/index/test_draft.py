"""A draft stages passages outside the live index, and reuses vectors already computed."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from redis.asyncio import Redis

from core.domain import Passage
from core.errors import EmbeddingMismatchError
from core.index.draft import begin_draft, find_draft
from core.index.publication import delete_version
from core.index.schema import VectorSpec, digest_of
from core.models.offline_embedder import OfflineEmbedder
from core.storage import keys
from tests.core.index.drafting import SHAPE, drafted, every_key, passages_of, vectors, whole
from tests.posts import published

PASSAGE = Passage("https://blog/a", "Title", "Heading", "Text", "blog", 0, datetime(2026, 1, 2, tzinfo=UTC))


async def test_passage_is_a_hash_with_its_vector_as_bytes(redis: Redis) -> None:
    draft = await begin_draft(redis, SHAPE)
    await draft.stage([PASSAGE], vectors(1))
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
        "language": "und",
        "terms": "title heading;text",
        "digest": digest_of(PASSAGE),
        "published": str(datetime(2026, 1, 2, tzinfo=UTC).timestamp()),
    }


async def test_post_too_short_to_tell_its_language_is_in_that_of_its_source(redis: Redis) -> None:
    german = [replace(PASSAGE, url=f"https://blog/{name}", language="de") for name in "ab"]
    english, other = (replace(PASSAGE, url=f"https://blog/{name}") for name in "cd")
    draft = await begin_draft(redis, SHAPE)
    await draft.stage([*german, replace(english, language="en")], vectors(3))
    await draft.stage([replace(other, text="Prüfungen"), replace(other, source="notes", position=1)], vectors(2))
    stored = [await redis.hget(keys.passage(draft.number, other.url, position), "language") for position in (0, 1)]
    assert stored == [b"de", b"und"]


async def test_language_of_a_source_is_also_that_of_its_published_posts(
    redis: Redis, embedder: OfflineEmbedder
) -> None:
    await published(redis, embedder)
    draft = await begin_draft(redis, SHAPE)
    await draft.stage([replace(PASSAGE, text="kubectl")], vectors(1))
    assert await redis.hget(keys.passage(draft.number, PASSAGE.url, 0), "language") == b"en"


@pytest.mark.parametrize("shape", [(1, 3), (1, 5), (2, 4), (0, 4)])
async def test_unfit_vectors_are_rejected_before_writing(redis: Redis, shape: tuple[int, int]) -> None:
    draft = await begin_draft(redis, SHAPE)
    with pytest.raises(EmbeddingMismatchError):
        await draft.stage([PASSAGE], vectors(*shape))
    with pytest.raises(EmbeddingMismatchError, match="not finite"):
        await draft.stage([PASSAGE], np.full((1, 4), np.nan, dtype=np.float32))
    assert await redis.keys("post:*") == []


async def test_staging_is_idempotent(redis: Redis) -> None:
    draft = await drafted(redis, {"a": ["one", "two"]})
    before = await redis.keys("*")
    await draft.stage(passages_of("a", ["one", "two"]), vectors(2))
    assert sorted(await redis.keys("*")) == sorted(before)


async def test_draft_of_an_interrupted_run_is_resumed(redis: Redis) -> None:
    left = await drafted(redis, {"a": ["one"]})
    taken = await begin_draft(redis, SHAPE)
    assert taken.number == left.number
    [digest] = map(digest_of, passages_of("a", ["one"]))
    known = await taken.known_vectors([digest, "another"])
    assert list(known) == [digest]
    assert known[digest].tolist() == [1, 0, 0, 0]
    assert (await begin_draft(redis, VectorSpec("model", 5))).number != left.number


async def test_vectors_of_the_live_version_are_reused_in_any_precision(redis: Redis) -> None:
    await whole(redis, {"a": ["one", "two"]})
    digests = [digest_of(passage) for passage in passages_of("a", ["one", "two"])]
    for precision in ("FLOAT32", "FLOAT16"):
        known = await (await begin_draft(redis, VectorSpec("model", 4, precision))).known_vectors(digests)
        assert [known[digest].tolist() for digest in digests] == [[1, 0, 0, 0], [0, 1, 0, 0]]
    assert await (await begin_draft(redis, VectorSpec("another model", 4))).known_vectors(digests) == {}


async def test_vector_of_a_replaced_passage_is_not_reused(redis: Redis) -> None:
    draft = await drafted(redis, {"a": ["one"]})
    [before] = passages_of("a", ["one"])
    await draft.stage(passages_of("a", ["another"]), vectors(2)[1:])
    assert await draft.known_vectors([digest_of(before)]) == {}


async def test_looking_for_a_draft_writes_nothing(redis: Redis) -> None:
    assert (await find_draft(redis, SHAPE)).number == 0
    assert await redis.keys("*") == []
    left = await drafted(redis, {"a": ["one"]})
    assert (await find_draft(redis, SHAPE)).number == left.number
    await delete_version(redis, left.number)
    assert await every_key(redis) == {keys.VERSION_COUNTER}

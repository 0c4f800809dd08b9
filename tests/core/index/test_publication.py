"""A version is complete before it is published, and the previous one stays for a rollback."""

import pytest
from redis.asyncio import Redis

from core.errors import EmbeddingMismatchError, NoPreviousVersionError
from core.index import publication
from core.index.draft import begin_draft
from core.index.publication import (
    Change,
    build_version,
    delete_draft,
    delete_stale_versions,
    delete_version,
    publish,
    roll_back,
)
from core.index.schema import VectorSpec, digest_of, index_info, live_index
from core.index.version import live_version, read_metadata
from core.storage import keys
from tests.core.index.drafting import (
    SHAPE,
    drafted,
    every_key,
    passage_keys,
    passages_of,
    record_of,
    texts_in,
    vectors,
    whole,
)

FIRST = {"a": ["a1", "a2"], "b": ["b1"], "c": ["c1", "c2", "c3"]}
RECORDS = {url: record_of(texts) for url, texts in FIRST.items()}


async def index_names(redis: Redis) -> set[str]:
    return {name.decode() for name in await redis.execute_command("FT._LIST")}


async def test_version_is_live_only_after_publication(redis: Redis) -> None:
    assert await live_version(redis) is None
    draft = await drafted(redis, FIRST)
    version = await build_version(redis, draft, None, Change(upserted=RECORDS), "FLAT")
    assert await live_version(redis) is None
    await publish(redis, version)
    live = await live_version(redis)
    assert live is not None
    assert (live.number, live.vector_spec, live.index) == (version.number, SHAPE, version.index)
    assert await texts_in(redis, live) == FIRST


async def test_unchanged_posts_are_copied_and_changed_ones_come_from_the_draft(redis: Redis) -> None:
    old = await whole(redis, FIRST)
    change = Change(kept={"a": RECORDS["a"]}, removed={"b": RECORDS["b"]})
    new = await whole(redis, {"c": ["c4"], "d": ["d1"]}, change)
    assert await texts_in(redis, new) == {"a": ["a1", "a2"], "c": ["c4"], "d": ["d1"]}
    assert await texts_in(redis, old) == FIRST
    assert int(str((await index_info(redis, "posts"))["num_docs"])) == 4
    digests = [digest_of(passage) for passage in passages_of("a", FIRST["a"])]
    await delete_version(redis, old.number)
    assert set(await (await begin_draft(redis, SHAPE)).known_vectors(digests)) == set(digests)


async def test_only_the_last_two_versions_are_kept(redis: Redis) -> None:
    numbers = [(await whole(redis, {"a": [f"version {version}"]})).number for version in range(4)]
    assert await index_names(redis) == {keys.index(number, "flat") for number in numbers[-2:]}
    every = await every_key(redis)
    assert {key.split(":")[1] for key in every if key.startswith("post:")} == {str(number) for number in numbers[-2:]}
    assert {int(number) for number in await redis.smembers(keys.VERSIONS)} == set(numbers[-2:])


async def test_rollback_goes_back_exactly_one_version(redis: Redis) -> None:
    old = await whole(redis, FIRST)
    await old.set_metadata({"sources": "then"})
    with pytest.raises(NoPreviousVersionError):
        await roll_back(redis)
    new = await whole(redis, {"a": ["other"]})
    await new.set_metadata({"sources": "now"})
    back = await roll_back(redis)
    assert back.number == old.number
    assert await live_index(redis) == old.index
    assert await texts_in(redis, back) == FIRST
    assert (await read_metadata(redis, old.number))["sources"] == "now"
    with pytest.raises(NoPreviousVersionError):
        await roll_back(redis)
    # Its vectors are reused by the next run; the publication after deletes it.
    assert await passage_keys(redis, new.number)
    await whole(redis, {"a": ["third"]})
    assert not await passage_keys(redis, new.number)


async def test_version_that_cannot_be_indexed_is_not_published(redis: Redis) -> None:
    draft = await drafted(redis, FIRST)
    await redis.hset(keys.passage(draft.number, "a", 0), "embedding", b"\0" * 12)
    with pytest.raises(EmbeddingMismatchError, match="1 passage"):
        await build_version(redis, draft, None, Change(upserted=RECORDS), "FLAT")
    assert await live_version(redis) is None


async def test_version_with_a_missing_passage_is_not_published(redis: Redis) -> None:
    draft = await drafted(redis, FIRST)
    await redis.delete(keys.passage(draft.number, "a", 0))
    with pytest.raises(EmbeddingMismatchError, match="5 passages of 6"):
        await build_version(redis, draft, None, Change(upserted=RECORDS), "FLAT")


async def test_leftovers_of_an_interrupted_run_are_not_published(redis: Redis) -> None:
    draft = await drafted(redis, {**FIRST, "stranger": ["x"]})
    await draft.stage(passages_of("b", ["b1", "too much"]), vectors(2))
    version = await build_version(redis, draft, None, Change(upserted=RECORDS), "FLAT")
    assert await texts_in(redis, version) == FIRST
    assert len(await passage_keys(redis, version.number)) == 6


async def test_deleting_version_1_leaves_the_live_version_10_alone(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publication, "DELETE_BATCH", 2)
    first = await whole(redis, FIRST)
    await redis.set(keys.VERSION_COUNTER, first.number * 10 - 1)
    tenth = await whole(redis, {"a": ["ten"]})
    assert tenth.number == first.number * 10
    await delete_version(redis, first.number)
    assert await texts_in(redis, tenth) == {"a": ["ten"]}
    assert await live_index(redis) == tenth.index
    every = await every_key(redis) - {keys.VERSION_COUNTER, keys.VERSIONS}
    assert all(key.split(":")[1] == str(tenth.number) for key in every)


async def test_cleanup_deletes_drafts_and_incomplete_indexes_but_no_foreign_keys(redis: Redis) -> None:
    live = await whole(redis, FIRST)
    draft = await drafted(redis, {"z": ["z1"]}, VectorSpec("another", 4))
    await redis.execute_command(*"FT.CREATE stranger PREFIX 1 theirs: SCHEMA text TEXT".split())
    # An interrupted change of the index algorithm.
    await redis.execute_command(
        *f"FT.CREATE {keys.index(live.number, 'HNSW')} PREFIX 1".split(),
        *f"{keys.passage_prefix(live.number)} SCHEMA text TEXT".split(),
    )
    await delete_stale_versions(redis)
    assert await index_names(redis) == {live.index, "stranger"}
    assert await passage_keys(redis, draft.number) == set()
    assert await texts_in(redis, live) == FIRST
    await live.fit_algorithm("HNSW")
    assert await live_index(redis) == keys.index(live.number, "HNSW")


async def test_deleted_draft_leaves_no_keys(redis: Redis) -> None:
    draft = await drafted(redis, FIRST)
    await delete_draft(redis, draft)
    assert await every_key(redis) == {keys.VERSION_COUNTER}

"""Small changes are made in place and undone, each atomically."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from core.errors import EmbeddingMismatchError
from core.index.in_place import MAX_PASSAGES_IN_PLACE, apply_in_place, can_undo, fits_in_place, undo
from core.index.publication import Change, delete_stale_versions
from core.index.schema import digest_of, index_info
from core.index.version import IndexVersion, live_version
from core.indexing.reindexer import roll_back_run
from core.storage import keys
from tests.core.index.drafting import drafted, passage_keys, passages_of, record_of, texts_in, whole

FIRST = {"a": ["a1", "a2"], "b": ["b1"], "c": ["c1", "c2", "c3"]}
RECORDS = {url: record_of(texts) for url, texts in FIRST.items()}
POSTS = st.dictionaries(
    st.sampled_from("abcd"), st.lists(st.text("xyz", min_size=1, max_size=3), min_size=1, max_size=3), min_size=1
)


async def replaced(redis: Redis, live: IndexVersion, fresh: dict[str, list[str]], gone: str = "") -> None:
    draft = await drafted(redis, fresh)
    ledger = await live.ledger()
    change = Change(
        upserted={url: record_of(texts) for url, texts in fresh.items()}, removed={url: ledger[url] for url in gone}
    )
    await apply_in_place(redis, draft, live, change)


async def indexed(redis: Redis) -> int:
    return int(str((await index_info(redis, "posts"))["num_docs"]))


async def test_posts_change_within_the_same_version(redis: Redis) -> None:
    live = await whole(redis, FIRST)
    await replaced(redis, live, {"c": ["c4"], "d": ["d1", "d2"]}, gone="b")
    after = {"a": ["a1", "a2"], "c": ["c4"], "d": ["d1", "d2"]}
    assert await texts_in(redis, live) == after
    assert await indexed(redis) == 5
    now = await live_version(redis)
    assert now is not None
    assert now.number == live.number
    assert {int(number) for number in await redis.smembers(keys.VERSIONS)} == {live.number}


async def test_undo_restores_every_post_and_keeps_the_vectors(redis: Redis) -> None:
    live = await whole(redis, FIRST)
    assert not await can_undo(redis, live)
    await replaced(redis, live, {"c": ["c4"], "d": ["d1"]}, gone="b")
    assert await can_undo(redis, live)
    await undo(redis, live)
    assert await texts_in(redis, live) == FIRST
    assert await indexed(redis) == 6
    assert not await can_undo(redis, live)
    digests = [
        digest_of(passage) for url, texts in (("c", ["c4"]), ("d", ["d1"])) for passage in passages_of(url, texts)
    ]
    assert set(await (await drafted(redis, {})).known_vectors(digests)) == set(digests)


async def test_only_the_last_change_can_be_undone(redis: Redis) -> None:
    live = await whole(redis, FIRST)
    await replaced(redis, live, {"a": ["second"]})
    await replaced(redis, live, {"b": ["second"]})
    await undo(redis, live)
    assert await texts_in(redis, live) == {**FIRST, "a": ["second"]}
    assert await redis.keys(f"{keys.undo(live.number)}*") == []


async def test_change_with_a_passage_that_cannot_be_indexed_is_undone(redis: Redis) -> None:
    live = await whole(redis, FIRST)
    draft = await drafted(redis, {"a": ["bad"]})
    await redis.hset(keys.passage(draft.number, "a", 0), "embedding", b"\0" * 12)
    with pytest.raises(EmbeddingMismatchError):
        await apply_in_place(redis, draft, live, Change(upserted={"a": record_of(["bad"])}))
    assert await texts_in(redis, live) == FIRST


async def test_rollback_after_a_new_version_goes_back_one_step_only(redis: Redis) -> None:
    first = await whole(redis, FIRST)
    await replaced(redis, first, {"a": ["second"]})
    await whole(redis, {"a": ["third"]})
    assert (await roll_back_run(redis)).outcome == "rolled back"
    live = await live_version(redis)
    assert live is not None
    assert live.number == first.number
    assert await texts_in(redis, first) == {**FIRST, "a": ["second"]}
    assert not await can_undo(redis, first)
    assert await redis.keys(f"{keys.undo(first.number)}*") == []


def test_size_of_a_change_counts_added_and_removed_passages() -> None:
    big = record_of(["x"] * (MAX_PASSAGES_IN_PLACE // 2))
    assert not fits_in_place(Change(kept=RECORDS), RECORDS)
    assert fits_in_place(Change(upserted={"z": big}), RECORDS)
    assert fits_in_place(Change(upserted={"z": big}), {"z": big})
    assert not fits_in_place(Change(upserted={"z": big, "a": RECORDS["a"]}), {"z": big})
    assert fits_in_place(Change(removed={"a": RECORDS["a"]}), RECORDS)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=POSTS, fresh=POSTS, gone=st.sets(st.sampled_from("abcd")))
async def test_undo_restores_the_state_before_any_change(
    redis: Redis, before: dict[str, list[str]], fresh: dict[str, list[str]], gone: set[str]
) -> None:
    await redis.flushall()
    live = await whole(redis, before)
    initial = await passage_keys(redis, live.number), await texts_in(redis, live)
    await replaced(redis, live, fresh, "".join(gone & set(before) - set(fresh)))
    expected = {url: texts for url, texts in before.items() if url not in gone} | fresh
    assert await texts_in(redis, live) == expected
    await roll_back_run(redis)
    assert (await passage_keys(redis, live.number), await texts_in(redis, live)) == initial
    assert await indexed(redis) == sum(map(len, before.values()))


async def test_change_in_place_replaces_the_previous_version_as_rollback_target(redis: Redis) -> None:
    first = await whole(redis, FIRST)
    second = await whole(redis, {"a": ["second"]})
    await replaced(redis, second, {"a": ["third"]})
    await delete_stale_versions(redis)
    assert await passage_keys(redis, first.number) == set()
    assert (await roll_back_run(redis)).diff.changed[0].url == "a"
    assert await texts_in(redis, second) == {"a": ["second"]}

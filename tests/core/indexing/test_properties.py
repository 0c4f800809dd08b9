"""What is true of runs, whatever changes between them: generated blogs, edition after edition."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from core.index import in_place as replacing
from core.index.version import live_version
from core.indexing.rollback import roll_back_run
from core.models.offline_embedder import OfflineEmbedder
from core.storage import keys
from tests.posts import reindexing, write_posts

TEXTS = (
    "Bees keep warm in winter. " * 30,
    "Compost wants air. " * 60,
    "Slugs come at night.",
    "# Ponds\n\nNewts. " * 40,
)

blogs = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(TEXTS), min_size=1, max_size=6)


async def contents(redis: Redis) -> dict[str, object]:
    """Every passage that is answered from, and the ledger of posts."""
    edition = await live_version(redis)
    assert edition
    prefix = keys.passage_prefix(edition.number)
    passages = {
        key.decode().removeprefix(prefix): await redis.hgetall(key) async for key in redis.scan_iter(f"{prefix}*")
    }
    return {"passages": passages, "ledger": await edition.ledger()}


@pytest.mark.parametrize("in_place", [replacing.MAX_PASSAGES_IN_PLACE, -1], ids=["in place", "as a new edition"])
@given(first=blogs, then=st.lists(blogs, min_size=1, max_size=3))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_after_a_run_nothing_is_left_to_do_and_one_step_back_is_what_was_before(
    redis: Redis,
    embedder: OfflineEmbedder,
    monkeypatch: pytest.MonkeyPatch,
    in_place: int,
    first: dict[str, str],
    then: list[dict[str, str]],
) -> None:
    """The plan is empty after a run; a second run changes nothing; going back undoes exactly the last change."""
    monkeypatch.setattr(replacing, "MAX_PASSAGES_IN_PLACE", in_place)
    await redis.flushall()
    async with reindexing(redis, embedder) as run:
        before: dict[str, object] | None = None
        for blog in (first, *then):
            with TemporaryDirectory() as name:
                source = write_posts(Path(name) / "blog", blog)
                report = await run(source, force=True)
                after = await contents(redis)
                await run(source, dry_run=True)
                assert run.plan.empty
                assert (await run(source)).outcome == "unchanged"
                assert await contents(redis) == after
            if before is not None and report.outcome == "published":
                await roll_back_run(redis)
                assert await contents(redis) == before
                with TemporaryDirectory() as name:
                    await run(write_posts(Path(name) / "blog", blog), force=True)
                assert {**await contents(redis), "ledger": None} == {**after, "ledger": None}
            before = await contents(redis)

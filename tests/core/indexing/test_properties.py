"""Properties of runs over generated blogs, one version after another."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from core.index import in_place as in_place_module
from core.index.version import live_version
from core.indexing.reindexer import roll_back_run
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
    """Every passage of the live version, and its ledger."""
    version = await live_version(redis)
    assert version
    prefix = keys.passage_prefix(version.number)
    passages = {
        key.decode().removeprefix(prefix): await redis.hgetall(key) async for key in redis.scan_iter(f"{prefix}*")
    }
    return {"passages": passages, "ledger": await version.ledger()}


@pytest.mark.parametrize("in_place", [in_place_module.MAX_PASSAGES_IN_PLACE, -1], ids=["in place", "as a new version"])
@given(first=blogs, then=st.lists(blogs, min_size=1, max_size=2))
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_run_is_complete_and_a_rollback_restores_the_previous_state(
    redis: Redis,
    embedder: OfflineEmbedder,
    monkeypatch: pytest.MonkeyPatch,
    in_place: int,
    first: dict[str, str],
    then: list[dict[str, str]],
) -> None:
    """After a run the plan is empty and another run changes nothing; a rollback undoes exactly the last change."""
    monkeypatch.setattr(in_place_module, "MAX_PASSAGES_IN_PLACE", in_place)
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

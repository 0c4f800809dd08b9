"""Scheduled runs find new posts; one process of many runs each of them."""

import asyncio
from itertools import pairwise
from pathlib import Path

from redis.asyncio import Redis

from core.indexing.progress import Report
from core.indexing.run_status import AuditLog
from tests.bot.running import WITHIN, make_home
from tests.bot.serving import served

EVERY = 2


async def test_two_bots_share_one_schedule_and_find_new_posts(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    """Each interval has exactly one run, in either process."""
    home = make_home(tmp_path)
    settings = {"REDIS_URL": redis_url, "REINDEX_EVERY": f"{EVERY}s"}
    async with served(home, **settings), served(home, **settings):
        await wait_for_post(redis, "garden/tomatoes.md")
        (home / "posts" / "ponds.md").write_text("# Ponds\n\nNewts come to a pond without fish.\n", encoding="utf-8")
        await wait_for_post(redis, "garden/ponds.md")
        await wait_for_runs(redis, 3)
    began = sorted(record.run.at for record in await AuditLog(redis).latest(50))
    assert all((later - earlier).total_seconds() > EVERY * 0.9 for earlier, later in pairwise(began))


async def wait_for_runs(redis: Redis, number: int) -> None:
    """Wait for this number of completed runs."""
    async with asyncio.timeout(WITHIN):
        while len([record for record in await AuditLog(redis).latest(50) if record.ended]) < number:
            await asyncio.sleep(0.1)


async def wait_for_post(redis: Redis, url: str) -> None:
    """Wait until a run has indexed this post."""
    async with asyncio.timeout(WITHIN):
        while url not in {post.url for report in await reports(redis) for post in report.diff.new}:
            await asyncio.sleep(0.1)


async def reports(redis: Redis) -> list[Report]:
    return [record.report for record in await AuditLog(redis).latest(50) if record.report]

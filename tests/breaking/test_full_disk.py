"""The disk of Redis is full: questions are answered, posts are kept, and writing resumes when there is space."""

import asyncio
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.breaking.own_redis import own_redis
from tests.breaking.scene import BEES, scene

FILE_LIMIT = 4 * 1024
"""Largest size of a file in kilobytes. Redis is configured like the embedded one; its writes fail as on a full disk."""

LIMITED = ("bash", "-c", f'trap \'\' XFSZ; ulimit -S -f {FILE_LIMIT}; exec "$0" "$@"')


async def test_full_disk_loses_no_answers_and_no_posts(tmp_path: Path) -> None:
    async with (
        own_redis(tmp_path, "--appendonly", "yes", before=LIMITED) as redis,
        scene(tmp_path / "home", redis.url) as here,
        redis.client() as client,
    ):
        assert "According to the posts" in await here.reply(here.ask())
        await fill(client)
        assert "According to the posts" in await here.reply(here.ask(f"{BEES} (full)"))
        assert "According to the posts" in (await here.page())["answer"]
        await here.bot.until_said("rate limiting suspended")
        await remove_limit(int((await client.info("server"))["process_id"]))
        await until_written(client)
        lines = here.bot.said().count("rate limiting suspended")
        assert "According to the posts" in await here.reply(here.ask(f"{BEES} (space)"))
        assert here.bot.said().count("rate limiting suspended") == lines


async def fill(client: Redis) -> None:
    """Write until Redis refuses; it writes its file once a second."""
    async with asyncio.timeout(10):
        while await is_written(client):
            await asyncio.sleep(0.02)


async def until_written(client: Redis) -> None:
    async with asyncio.timeout(10):
        while not await is_written(client):
            await asyncio.sleep(0.1)


async def is_written(client: Redis) -> bool:
    try:
        return bool(await client.append("ballast", "x" * 100_000))
    except RedisError as error:
        assert "MISCONF" in str(error), error
        return False


async def remove_limit(process: int) -> None:
    limiting = await asyncio.create_subprocess_exec("prlimit", f"--pid={process}", "--fsize=unlimited")
    assert await limiting.wait() == 0

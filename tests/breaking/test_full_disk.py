"""The disk of Redis is full: people are answered, the posts stay, and all goes on by itself when there is room."""

import asyncio
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.breaking.own_redis import own_redis
from tests.breaking.scene import BEES, scene

ROOM = 4 * 1024
"""Kilobytes that a file may have. To Redis, whose settings are those of the embedded one, it is as if the disk were
full: a write is cut off."""

LIMITED = ("bash", "-c", f'trap \'\' XFSZ; ulimit -S -f {ROOM}; exec "$0" "$@"')


async def test_a_full_disk_costs_no_answer_and_no_post(tmp_path: Path) -> None:
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
        await more_room(int((await client.info("server"))["process_id"]))
        await until_written(client)
        lines = here.bot.said().count("rate limiting suspended")
        assert "According to the posts" in await here.reply(here.ask(f"{BEES} (room)"))
        assert here.bot.said().count("rate limiting suspended") == lines


async def fill(client: Redis) -> None:
    """Until nothing more can be written; the file is written once a second."""
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


async def more_room(process: int) -> None:
    limiting = await asyncio.create_subprocess_exec("prlimit", f"--pid={process}", "--fsize=unlimited")
    assert await limiting.wait() == 0

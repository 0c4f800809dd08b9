"""The disk of the embedded Redis is full: people get a sentence, the posts stay, and all goes on when there is room."""

import asyncio
from pathlib import Path

import redis.asyncio
from redis.exceptions import RedisError

from bot.embedded_redis import socket_path
from tests.breaking.scene import BEES, Scene, scene

ROOM = 4 * 1024 * 1024
"""Bytes that a file may have: as a disk that is full, it lets nothing more be written."""

LIMITED = ("bash", "-c", f'trap \'\' XFSZ; ulimit -S -f {ROOM // 1024}; exec "$0" "$@"')
AWAY = "I cannot reach my posts just now; please ask again in a minute."


async def test_a_full_disk_costs_a_sentence_and_no_post(tmp_path: Path) -> None:
    async with scene(tmp_path / "home", "", before=LIMITED) as here:
        assert "According to the posts" in await here.reply(here.ask())
        path = await asyncio.to_thread(socket_path, tmp_path / "home" / ".footnoted")
        async with redis.asyncio.Redis(unix_socket_path=str(path)) as client:
            await fill(client)
            assert await here.told(here.ask(f"{BEES} (full)")) == AWAY
            assert "According to the posts" in (await here.page())["answer"]
            await more_room(int((await client.info("server"))["process_id"]))
        await until_answered(here)


async def fill(client: redis.asyncio.Redis) -> None:
    """Until nothing more can be written."""
    async with asyncio.timeout(10):
        while True:
            try:
                await client.append("ballast", "x" * 100_000)
            except RedisError:
                return
            await asyncio.sleep(0.02)  # the file is written once a second


async def more_room(process: int) -> None:
    limiting = await asyncio.create_subprocess_exec("prlimit", f"--pid={process}", "--fsize=unlimited")
    assert await limiting.wait() == 0


async def until_answered(here: Scene) -> None:
    async with asyncio.timeout(15):
        while "According to the posts" not in await here.reply(here.ask()):
            await asyncio.sleep(0.2)

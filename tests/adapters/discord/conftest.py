"""A bot that has indexed the garden blog, on a loopback Discord, with a loopback model."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.app import Bot, create_bot
from bot.config.settings import Settings
from core.storage.connection import connect
from tests.adapters.conftest import settings_with
from tests.adapters.discord.harness import Harness, connected
from tests.servers.discord import DiscordServer
from tests.servers.openai import OpenAIServer

Snapshot = dict[bytes | str, bytes]


@pytest.fixture
async def discord() -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as discord:
        yield discord


@pytest.fixture
def settings(redis_url: str, posts: Path, model: OpenAIServer) -> Settings:
    """Settings of a bot whose source is the garden blog, and whose model is the loopback one."""
    return settings_with(model, redis_url, posts)


@pytest.fixture(scope="session")
def indexed_garden() -> Snapshot:
    """The keys and values of Redis after the blog was indexed, filled by the first test that needs them."""
    return {}


@pytest.fixture
async def redis_client(redis_url: str) -> AsyncIterator[Redis]:
    """A client of a Redis that may hold the indexed blog and whatever earlier tests left; `bot` cleans it."""
    client = connect(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
async def bot(redis_client: Redis, settings: Settings, indexed_garden: Snapshot) -> AsyncIterator[Bot]:
    """The bot with the blog indexed; the index is built once and restored for each test."""
    restored = await restore(redis_client, indexed_garden)
    async with create_bot(settings) as bot:
        if not restored:
            await bot.reindex(lambda _: None)
            indexed_garden.clear()
            for key in await redis_client.keys("*"):
                if await redis_client.pttl(key) == -1:
                    indexed_garden[key] = await redis_client.dump(key) or b""
        yield bot


async def restore(redis: Redis, snapshot: Snapshot) -> bool:
    """Bring Redis back to the snapshot; empty it and return False if its search index is not the snapshot's."""
    indexes = await redis.execute_command("FT._LIST")
    if not snapshot or len(indexes) != 1:
        await redis.flushall()
        return False
    for key in await redis.keys("*"):
        if key not in snapshot:
            await redis.delete(key)
    for key, value in snapshot.items():
        if await redis.dump(key) != value:
            await redis.restore(key, 0, value, replace=True)
    return True


@pytest.fixture
async def harness(discord: DiscordServer, model: OpenAIServer, bot: Bot) -> AsyncIterator[Harness]:
    """The bot connected to Discord."""
    async with connected(discord, model, bot) as harness:
        yield harness

"""A bot with the garden blog read, in a loopback Slack, with a loopback model."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.app import Bot, create_bot
from bot.config.settings import Settings
from core.storage.connection import connect
from tests.adapters.conftest import settings_with, unseen
from tests.adapters.slack.harness import Room, entered
from tests.servers.openai import OpenAIServer
from tests.servers.slack import SlackServer


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with SlackServer() as slack:
        yield slack


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """Yield a Redis client after deleting all keys except indexed posts."""
    async with connect(redis_url) as client:
        kept = ("post:", "edition", "ledger:")
        if gone := [key async for key in client.scan_iter(count=1_000) if not key.decode().startswith(kept)]:
            await client.delete(*gone)
        yield client


@pytest.fixture
def settings(redis_url: str, posts: Path, model: OpenAIServer) -> Settings:
    """Settings of a bot whose source is the garden blog, and whose model is the loopback one."""
    return settings_with(model, redis_url, posts)


@pytest.fixture
async def bot(redis: Redis, settings: Settings) -> AsyncIterator[Bot]:
    """The bot, with its sources read."""
    async with create_bot(settings) as bot:
        if await bot.reindex_reason():
            await bot.reindex(unseen)
        yield bot


@pytest.fixture
async def room(slack: SlackServer, model: OpenAIServer, bot: Bot) -> AsyncIterator[Room]:
    """Yield the bot connected to Slack."""
    async with entered(slack, model, bot) as room:
        yield room

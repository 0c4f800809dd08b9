"""A client of the offline bot's page, and one of a bot behind which a stand-in for OpenAI writes."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from redis.asyncio import Redis

from bot.settings import Settings, load_settings
from bot.wiring import Bot, wired
from tests.adapters.conftest import unseen
from tests.adapters.web.serving import Client, opened
from tests.servers.openai import OpenAIServer


@dataclass(frozen=True, slots=True)
class Modelled:
    """A bot with a language model, the model's server, and a client of the bot's page."""

    bot: Bot
    model: OpenAIServer
    client: Client


@pytest.fixture
async def client(bot: Bot) -> AsyncIterator[Client]:
    async with opened(bot) as client:
        yield client


@pytest.fixture
async def modelled(redis: Redis, settings: Settings) -> AsyncIterator[Modelled]:
    async with OpenAIServer() as model:
        given = {name: getattr(settings, name) for name in ("redis_url", "sources")}
        given |= {"openai_base_url": model.base_url, "chat_model": "gpt-4o-mini"}
        async with wired(await asyncio.to_thread(load_settings, **given)) as bot:
            await bot.read(unseen)
            async with opened(bot) as client:
                yield Modelled(bot, model, client)

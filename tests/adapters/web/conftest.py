"""Clients of the page: of an offline bot and of a bot with a stand-in for OpenAI."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace

import pytest
from redis.asyncio import Redis

from adapters.web.app import About, web_app
from bot.app import Bot, create_bot
from bot.config.loader import load_settings
from bot.config.settings import Settings
from core.answering.admission import GuardedAnswerer, RateLimits
from core.answering.channel_scope import Channels
from core.storage.rate_limiter import RateLimiter
from tests.adapters.conftest import unseen
from tests.adapters.scripted import ScriptedAsker
from tests.adapters.web.browsing import Browser
from tests.adapters.web.serving import Client, listening, opened
from tests.servers.openai import OpenAIServer


@dataclass(frozen=True, slots=True)
class Modelled:
    """A bot with a language model, the model's server, and a client of the bot's page."""

    bot: Bot
    model: OpenAIServer
    client: Client


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Start one browser per module; each test opens its page as a first visit."""
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.driver.quit()


@pytest.fixture
async def client(bot: Bot) -> AsyncIterator[Client]:
    async with opened(bot) as client:
        yield client


@pytest.fixture
async def empty_bot(redis: Redis, settings: Settings) -> AsyncIterator[Bot]:
    """A bot that has read nothing, for pages with a scripted answer."""
    async with create_bot(settings) as bot:
        yield bot


@pytest.fixture
async def guarded(empty_bot: Bot) -> AsyncIterator[Client]:
    """A client of a page with a scripted answer and no posts."""
    answerer = GuardedAnswerer(ScriptedAsker(), RateLimiter(empty_bot.redis), RateLimits(), Channels((), ()))
    services = replace(empty_bot, answerer=answerer).chat_services("web")
    about = About(offline=True, model=None, sources="none")
    app = await asyncio.to_thread(web_app, services, lambda: None, about)
    async with listening(app) as client:
        yield client


@pytest.fixture
async def modelled(redis: Redis, settings: Settings, model: OpenAIServer) -> AsyncIterator[Modelled]:
    given = {name: getattr(settings, name) for name in ("redis_url", "sources")}
    given |= {"openai_base_url": model.base_url, "chat_model": "gpt-4o-mini"}
    async with create_bot(await asyncio.to_thread(load_settings, **given)) as bot:
        await bot.reindex(unseen)
        async with opened(bot) as client:
            yield Modelled(bot, model, client)

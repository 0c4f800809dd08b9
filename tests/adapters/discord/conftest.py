"""A bot with the garden blog read, in a loopback Discord, with a loopback model."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.app import Bot
from bot.config.settings import Settings, load_settings
from tests.adapters.discord.acting import Room, entered
from tests.adapters.garden import write_posts
from tests.servers.discord import DiscordServer
from tests.servers.openai import OpenAIServer


@pytest.fixture
async def model() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer() as model:
        yield model


@pytest.fixture
async def discord() -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as discord:
        yield discord


@pytest.fixture
def settings(redis_url: str, tmp_path: Path, model: OpenAIServer) -> Settings:
    """Settings of a bot whose source is the garden blog, and whose model is the loopback one."""
    folder = write_posts(tmp_path / "posts")
    garden = {"name": "garden", "folder": folder, "url": "https://garden.example/"}
    return load_settings(redis_url=redis_url, sources=[garden], openai_base_url=model.base_url)


@pytest.fixture
async def room(discord: DiscordServer, model: OpenAIServer, bot: Bot) -> AsyncIterator[Room]:
    """The bot is there, and people can speak to it."""
    async with entered(discord, model, bot) as room:
        yield room

"""What the tests of the servers need: an HTTP client, posts in a folder, a Discord."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import discord
import pytest

from tests.servers.discord import DiscordServer
from tests.servers.discord_bot import logged_in


@pytest.fixture
async def web() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    line = {"slug": "a/b", "title": "A", "html": "<p>One\u2028two</p>", "date": "2026-01-01", "url": "x"}
    (tmp_path / "posts.jsonl").write_text(json.dumps(line, ensure_ascii=False) + "\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as server:
        yield server


@pytest.fixture
async def client(server: DiscordServer) -> AsyncIterator[discord.Client]:
    """REST alone, through discord.py."""
    async with logged_in(server) as client:
        yield client

"""Fixtures for the stand-ins' own tests: servers, and real clients connected to them."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import discord
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.servers.discord import DiscordServer
from tests.servers.discord.client import RecordingBot, logged_in, running
from tests.servers.slack import SlackServer

Refusal = Callable[[Awaitable[Any]], Awaitable[Any]]


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
async def slack() -> AsyncIterator[SlackServer]:
    async with SlackServer() as slack:
        yield slack


@pytest.fixture
async def client(slack: SlackServer) -> AsyncIterator[AsyncWebClient]:
    """Return the app's Web API client, without retries."""
    async with aiohttp.ClientSession() as session:
        yield AsyncWebClient(token=slack.bot_token, base_url=slack.base_url, session=session, retry_handlers=[])


@pytest.fixture
def refusal() -> Refusal:
    """Return a function that awaits a failing call and returns its error response."""

    async def refusal(call: Awaitable[Any]) -> Any:
        with pytest.raises(SlackApiError) as raised:
            await call
        return raised.value.response

    return refusal


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as server:
        yield server


@pytest.fixture
async def rest(server: DiscordServer) -> AsyncIterator[discord.Client]:
    """Yield a discord.py client for REST only."""
    async with logged_in(server) as client:
        yield client


@pytest.fixture
async def bot(server: DiscordServer) -> AsyncIterator[RecordingBot]:
    """Yield a connected bot that leaves responses to the test."""
    async with running(server, RecordingBot()) as bot:
        yield bot

"""A blog that was read, and a loopback OpenAI beside it."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from core.models.offline_embedder import OfflineEmbedder
from core.models.openai_chat import OpenAIChatModel
from tests.core.models.openai_parts import client_of
from tests.posts import published
from tests.servers.openai import OpenAIServer


@pytest.fixture
async def blog(redis: Redis, embedder: OfflineEmbedder) -> Redis:
    """A Redis in which the posts are live."""
    await published(redis, embedder)
    return redis


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer() as server:
        yield server


@pytest.fixture
async def model(server: OpenAIServer) -> AsyncIterator[OpenAIChatModel]:
    async with client_of(server) as client:
        yield OpenAIChatModel(client, "gpt-5-mini")

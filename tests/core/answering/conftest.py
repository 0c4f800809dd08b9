"""A loopback OpenAI server and a chat model that uses it."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from core.answering.rag import RagAnswerer
from core.models.offline_embedder import OfflineEmbedder
from core.models.openai_chat import OpenAIChatModel
from tests.core.answering.collected import rag_answerer
from tests.core.models.openai_parts import client_of
from tests.servers.openai import OpenAIServer


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer() as server:
        yield server


@pytest.fixture
async def model(server: OpenAIServer) -> AsyncIterator[OpenAIChatModel]:
    async with client_of(server) as client:
        yield OpenAIChatModel(client, "gpt-5-mini")


@pytest.fixture
def answerer(blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel) -> RagAnswerer:
    return rag_answerer(blog, embedder, model)

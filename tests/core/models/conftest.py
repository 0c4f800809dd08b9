"""A loopback model server, and a chat model of it."""

from collections.abc import AsyncIterator

import pytest

from core.models.openai_chat import OpenAIChatModel
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

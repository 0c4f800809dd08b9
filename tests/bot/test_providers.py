"""The chat model and the embedding model are chosen independently."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any

import pytest

from bot.config.loader import load_settings
from bot.config.settings import Settings
from bot.observability.log_redaction import SECRET, LogRedactor, secrets_of
from bot.providers import CHAT_PROVIDERS, EMBEDDING_PROVIDERS, build_models, select_provider
from core.errors import StartupError
from core.models.extractive_chat import ExtractiveChatModel
from core.models.offline_embedder import OfflineEmbedder
from tests.core.models.openai_parts import written
from tests.servers.openai import OpenAIServer

CHAT_KEY, EMBEDDING_KEY = "sk-chat-key", "sk-embedding-key"
AZURE = {
    "azure_openai_endpoint": "https://x.openai.azure.com",
    "azure_openai_api_key": "az-key",
    "openai_api_version": "2026-01-01",
}


@pytest.fixture
async def chat_server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer() as server:
        yield server


@pytest.fixture
async def embedding_server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer() as server:
        yield server


async def loaded(**given: Any) -> Settings:
    """Settings read files."""
    return await asyncio.to_thread(load_settings, **given)


async def use_models(settings: Settings) -> None:
    """Embed a question, embed for an index and write an answer."""
    async with AsyncExitStack() as stack:
        models = await build_models(settings, stack)
        await models.embedder.embed(["What do bees eat?"])
        await models.indexing_embedder.embed(["Bees eat honey."])
        await written(models.chat)


def keys_sent(requests: list[Any]) -> set[str]:
    return {request.headers["Authorization"].removeprefix("Bearer ") for request in requests}


@pytest.mark.parametrize(
    ("given", "chat", "embedding"),
    [
        ({}, "offline", "offline"),
        ({"openai_api_key": CHAT_KEY}, "openai", "openai"),
        ({"openai_base_url": "http://localhost/v1"}, "openai", "openai"),
        ({"embedding_base_url": "http://localhost/v1"}, "offline", "openai"),
        ({"embedding_api_key": EMBEDDING_KEY}, "offline", "openai"),
        ({"openai_api_key": CHAT_KEY, "embedding_model": "wordllama"}, "openai", "offline"),
        (AZURE, "azure", "azure"),
        ({**AZURE, "embedding_base_url": "http://localhost/v1"}, "azure", "openai"),
        ({**AZURE, "embedding_model": "wordllama"}, "azure", "offline"),
    ],
)
def test_settings_choose_each_provider(given: Mapping[str, Any], chat: str, embedding: str) -> None:
    settings = load_settings(**given)
    assert select_provider(CHAT_PROVIDERS, settings).name == chat
    assert select_provider(EMBEDDING_PROVIDERS, settings).name == embedding


async def test_chat_and_embeddings_go_to_their_own_servers_with_their_own_keys(
    chat_server: OpenAIServer, embedding_server: OpenAIServer
) -> None:
    settings = await loaded(
        openai_base_url=chat_server.base_url,
        openai_api_key=CHAT_KEY,
        embedding_base_url=embedding_server.base_url,
        embedding_api_key=EMBEDDING_KEY,
    )
    await use_models(settings)
    assert (len(chat_server.chats), len(chat_server.embeddings)) == (1, 0)
    assert (len(embedding_server.chats), len(embedding_server.embeddings)) == (0, 2)
    assert keys_sent(chat_server.chats) == {CHAT_KEY}
    assert keys_sent(embedding_server.embeddings) == {EMBEDDING_KEY}


async def test_without_embedding_settings_both_use_the_chat_server_and_its_key(chat_server: OpenAIServer) -> None:
    await use_models(await loaded(openai_base_url=chat_server.base_url, openai_api_key=CHAT_KEY))
    assert (len(chat_server.chats), len(chat_server.embeddings)) == (1, 2)
    assert keys_sent([*chat_server.chats, *chat_server.embeddings]) == {CHAT_KEY}


async def test_an_embedding_key_alone_is_sent_to_the_chat_server(chat_server: OpenAIServer) -> None:
    settings = await loaded(
        openai_base_url=chat_server.base_url, openai_api_key=CHAT_KEY, embedding_api_key=EMBEDDING_KEY
    )
    await use_models(settings)
    assert keys_sent(chat_server.chats) == {CHAT_KEY}
    assert keys_sent(chat_server.embeddings) == {EMBEDDING_KEY}


async def test_the_chat_key_is_never_sent_to_another_embedding_server(
    chat_server: OpenAIServer, embedding_server: OpenAIServer
) -> None:
    settings = await loaded(
        openai_base_url=chat_server.base_url,
        openai_api_key=CHAT_KEY,
        embedding_base_url=embedding_server.base_url,
    )
    await use_models(settings)
    assert CHAT_KEY not in keys_sent(embedding_server.embeddings)


async def test_a_chat_server_can_be_combined_with_offline_embeddings(chat_server: OpenAIServer) -> None:
    settings = await loaded(openai_base_url=chat_server.base_url, embedding_model="wordllama")
    async with AsyncExitStack() as stack:
        models = await build_models(settings, stack)
        assert isinstance(models.embedder, OfflineEmbedder)
        assert await written(models.chat)
    assert chat_server.embeddings == []


async def test_an_embedding_server_can_be_combined_with_quoted_answers(embedding_server: OpenAIServer) -> None:
    settings = await loaded(embedding_base_url=embedding_server.base_url)
    async with AsyncExitStack() as stack:
        models = await build_models(settings, stack)
        assert isinstance(models.chat, ExtractiveChatModel)
        assert "[1]" in await written(models.chat)
    assert embedding_server.embeddings
    assert embedding_server.chats == []


def test_offline_embeddings_with_an_embedding_server_are_a_contradiction() -> None:
    with pytest.raises(StartupError, match="EMBEDDING_MODEL=wordllama runs in this process"):
        load_settings(embedding_model="wordllama", embedding_base_url="http://localhost/v1")


def test_the_embedding_key_is_masked_and_redacted() -> None:
    settings = load_settings(embedding_api_key="plain-words-key")
    assert "plain-words-key" not in repr(settings)
    redact = LogRedactor(secrets_of(dict(settings)))
    assert redact(None, "info", {"event": "failed with plain-words-key"})["event"] == f"failed with {SECRET}"

"""Composition: settings choose the components, startup failures are explained, and shutdown closes everything."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.app import Bot, create_bot
from bot.config.loader import load_settings
from bot.config.settings import Settings
from core.answering.token_budget import WHOLE_USED_UP
from core.domain import Conversation, Person, Question
from core.errors import StartupError, TooManyQuestionsError
from core.models import offline_embedder
from core.models.extractive_chat import ExtractiveChatModel
from core.models.offline_embedder import OfflineEmbedder
from core.models.openai_chat import OpenAIChatModel
from core.models.openai_embedder import OpenAIEmbedder
from tests.core.answering.collected import ABOUT_BEES, collect
from tests.posts import POSTS, url_of, write_posts
from tests.servers.openai import OpenAIServer

KEYED: dict[str, Any] = {"openai_api_key": "key", "chat_model": "gpt-5-mini", "embedding_dimensions": 64}


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer() as server:
        yield server


@pytest.fixture
def blog(tmp_path: Path) -> Path:
    write_posts(tmp_path / "blog")
    return tmp_path / "blog"


async def loaded(**given: Any) -> Settings:
    """Load settings in a thread, because this reads files."""
    return await asyncio.to_thread(load_settings, **given)


async def settings_for(redis_url: str, folder: Path, **more: Any) -> Settings:
    return await loaded(redis_url=redis_url, sources=({"name": "blog", "folder": folder},), **more)


async def reindex(bot: Bot) -> None:
    await bot.reindex(lambda progress: None)


async def test_without_a_key_everything_is_offline(bot: Bot) -> None:
    assert isinstance(bot.embedder, OfflineEmbedder)
    assert isinstance(bot.chat_model, ExtractiveChatModel)


async def test_offline_bot_indexes_and_quotes_the_posts(redis: Redis, redis_url: str, blog: Path) -> None:
    async with create_bot(await settings_for(redis_url, blog)) as bot:
        await reindex(bot)
        said = await collect(bot.answerer, ABOUT_BEES)
    assert said.is_in_order
    assert said.answer.footnotes[0].url == url_of("bees")


async def test_with_a_key_openai_embeds_and_answers(
    redis: Redis, redis_url: str, blog: Path, server: OpenAIServer
) -> None:
    settings = await settings_for(redis_url, blog, openai_base_url=server.base_url, temperature=0.2, top_k=1, **KEYED)
    async with create_bot(settings) as bot:
        assert isinstance(bot.embedder, OpenAIEmbedder)
        assert isinstance(bot.chat_model, OpenAIChatModel)
        await reindex(bot)
        said = await collect(bot.answerer, ABOUT_BEES)
    assert said.answer.footnotes[0].url == url_of("bees")
    [chat] = server.chats
    assert (chat.model, chat.params["temperature"]) == ("gpt-5-mini", 0.2)
    assert chat.prompt.count("<passage>") == 1
    assert {request.model for request in server.embeddings} == {"text-embedding-3-small"}
    assert {request.dimensions for request in server.embeddings} == {64}


async def test_azure_receives_its_key_and_deployment_names(
    redis: Redis, redis_url: str, blog: Path, server: OpenAIServer
) -> None:
    settings = await settings_for(
        redis_url,
        blog,
        azure_openai_endpoint=server.origin,
        azure_openai_api_key="azure-key",
        openai_api_version="2026-01-01",
        chat_model="my-chat",
        embedding_model="my-embeddings",
    )
    async with create_bot(settings) as bot:
        await reindex(bot)
        said = await collect(bot.answerer, ABOUT_BEES)
    assert said.error is None
    assert server.chats[0].model == "my-chat"
    assert server.chats[0].headers["api-key"] == "azure-key"
    assert server.embeddings[0].model == "my-embeddings"


async def test_persona_rate_limit_and_history_length_come_from_the_settings(
    redis: Redis, redis_url: str, blog: Path, server: OpenAIServer
) -> None:
    settings = await settings_for(
        redis_url,
        blog,
        openai_base_url=server.base_url,
        system_prompt="You are Bee.",
        answer_beyond_sources=True,
        questions_per_minute=2,
        history_turns=1,
        **KEYED,
    )
    place, person = Conversation("slack", "C1"), Person("U1")
    async with create_bot(settings) as bot:
        await reindex(bot)
        for _ in range(2):
            await collect(bot.answerer, Question(ABOUT_BEES.text, place, person))
        refused = await collect(bot.answerer, Question(ABOUT_BEES.text, place, person))
        assert isinstance(refused.error, TooManyQuestionsError)
        assert len(await bot.history.turns(place)) == 2
    system = server.chats[0].messages[0]["content"]
    assert system.startswith("You are Bee.")
    assert "Beyond the posts:" in system
    assert len(server.chats[1].messages) == 4


async def test_channel_uses_its_own_sources_persona_and_history(
    redis: Redis, redis_url: str, blog: Path, tmp_path: Path, server: OpenAIServer
) -> None:
    await asyncio.to_thread(
        write_posts, tmp_path / "minutes", {"pay": "# What bees earn\n\nIn the winter, bees earn ninety crowns."}
    )
    settings = await loaded(
        redis_url=redis_url,
        sources=({"name": "blog", "folder": blog}, {"name": "minutes", "folder": tmp_path / "minutes"}),
        channels=({"platform": "slack", "id": "C1", "sources": ["minutes"], "system_prompt": "You are the clerk."},),
        openai_base_url=server.base_url,
        **KEYED,
    )
    here, there = Conversation("slack", "C1", "T1", "1.0"), Conversation("slack", "C2", "T1", "1.0")
    async with create_bot(settings) as bot:
        await reindex(bot)
        asked = [Question(ABOUT_BEES.text, place, Person("U1")) for place in (here, there)]
        for question in asked:
            await collect(bot.answerer, question)
        clerk, everybody = (chat.prompt for chat in server.chats)
        assert "ninety crowns" in clerk
        assert clerk.count("<passage>") == 1
        assert "You are the clerk." in clerk
        assert "ninety crowns" not in everybody
        assert "clerk" not in everybody
        kept = [await bot.question_store.get(question.id) for question in asked]
        assert [remembered.question.conversation for remembered in kept if remembered] == [here, there]
        await bot.chat_services(here.platform).forget(here)
        assert await bot.question_store.get(asked[0].id) is None
        assert await bot.history.turns(here) == ()
        assert await bot.history.turns(there)


async def test_reindex_reason_names_what_has_changed(
    redis: Redis, redis_url: str, blog: Path, server: OpenAIServer
) -> None:
    async with create_bot(await settings_for(redis_url, blog)) as bot:
        assert await bot.reindex_reason() == "the sources have not been read yet"
        await reindex(bot)
        assert await bot.reindex_reason() == ""
    async with create_bot(await settings_for(redis_url, blog, feeds="https://blog.example/feed")) as bot:
        assert "sources have changed" in await bot.reindex_reason()
    async with create_bot(await settings_for(redis_url, blog, openai_base_url=server.base_url, **KEYED)) as bot:
        assert "embedded with another model" in await bot.reindex_reason()
    async with create_bot(await settings_for(redis_url, blog, vector_precision="float16")) as bot:
        assert await bot.reindex_reason()


@pytest.mark.parametrize(("setting", "ending"), [("auto", ":flat"), ("flat", ":flat"), ("hnsw", ":hnsw")])
async def test_vector_index_setting_chooses_the_index_type(
    redis: Redis, redis_url: str, blog: Path, setting: str, ending: str
) -> None:
    async with create_bot(await settings_for(redis_url, blog, vector_index=setting)) as bot:
        await reindex(bot)
        assert (await bot.catalog.stats()).posts == len(POSTS)
    [index] = await redis.execute_command("FT._LIST")
    assert index.decode().endswith(ending)


async def test_without_redis_url_an_embedded_redis_starts(tmp_path: Path) -> None:
    async with create_bot(await loaded(data_dir=tmp_path / "data")) as bot:
        assert await bot.redis.ping()
    assert await asyncio.to_thread((tmp_path / "data" / "users.lock").exists)


@pytest.mark.parametrize(
    "address",
    ["redis://127.0.0.1:1", "redis://127.0.0.1:port", "redis://127.0.0.1:99999999", "redis://h:6379?db=x", "unix://"],
)
async def test_unreachable_redis_is_reported_with_a_remedy(address: str) -> None:
    with pytest.raises(StartupError) as caught:
        async with create_bot(await loaded(redis_url=address)):
            pass
    assert all("REDIS_URL" in problem.cure or "REDIS_URL" in problem.what for problem in caught.value.problems)


async def test_password_in_an_invalid_redis_url_is_not_shown() -> None:
    with pytest.raises(StartupError) as caught:
        async with create_bot(await loaded(redis_url="redis://:hunter2@127.0.0.1:port")):
            pass
    assert "hunter2" not in f"{caught.value} {caught.value.__cause__}"


async def test_missing_key_and_offline_models_are_reported(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline_embedder, "installed", lambda: False)
    with pytest.raises(StartupError, match="OPENAI_API_KEY"):
        async with create_bot(await loaded(redis_url=redis_url)):
            pass


async def test_shutdown_closes_all_connections_and_tasks(
    redis: Redis, redis_url: str, blog: Path, server: OpenAIServer
) -> None:
    before = int((await redis.info("clients"))["connected_clients"])
    tasks = asyncio.all_tasks()
    async with create_bot(await settings_for(redis_url, blog, openai_base_url=server.base_url, **KEYED)) as bot:
        await reindex(bot)
        await collect(bot.answerer, ABOUT_BEES)
    with pytest.raises(RuntimeError, match="client has been closed"):
        await bot.embedder.embed(["The HTTP client is closed."])
    assert not {task for task in asyncio.all_tasks() - tasks if "create_bot" in str(task)}
    async with asyncio.timeout(10):
        while int((await redis.info("clients"))["connected_clients"]) > before:
            await asyncio.sleep(0.01)


async def test_exhausted_token_budget_skips_the_language_model(
    redis: Redis, redis_url: str, blog: Path, server: OpenAIServer
) -> None:
    settings = await settings_for(redis_url, blog, openai_base_url=server.base_url, tokens_per_day=0, **KEYED)
    async with create_bot(settings) as bot:
        await reindex(bot)
        said = await collect(bot.answerer, ABOUT_BEES)
    assert said.text.endswith(f"_{WHOLE_USED_UP}_")
    assert said.answer.footnotes[0].url == url_of("bees")
    assert server.chats == []

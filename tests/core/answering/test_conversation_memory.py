"""Answers become part of their conversation; failures do not."""

from contextlib import aclosing
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from core.answerer import Wrote
from core.answering.conversation_memory import ConversationalAnswerer
from core.domain import Conversation, Question, Turn
from core.models.offline_embedder import OfflineEmbedder
from core.models.openai_chat import OpenAIChatModel
from core.storage.history import History
from tests.core.answering.asking import ABOUT_BEES, answerer_of, heard
from tests.servers import Broken, Text
from tests.servers.openai import OpenAIServer

HERE = Conversation("web", "tab-1")
THERE = Conversation("web", "tab-2")


@pytest.fixture
def history(redis: Redis) -> History:
    return History(redis, turns=10, ttl=timedelta(days=1))


@pytest.fixture
def remembering(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, history: History
) -> ConversationalAnswerer:
    return ConversationalAnswerer(answerer_of(blog, embedder, model), history)


def asked_in(place: Conversation, text: str = ABOUT_BEES.text) -> Question:
    return Question(text, conversation=place)


async def test_question_and_answer_are_kept(
    remembering: ConversationalAnswerer, server: OpenAIServer, history: History
) -> None:
    server.enqueue(Text("They shiver [1]."))
    said = await heard(remembering, asked_in(HERE))
    assert said.is_in_order
    assert await history.turns(HERE) == (Turn("user", ABOUT_BEES.text), Turn("assistant", "They shiver [1]."))


async def test_the_next_question_is_asked_with_what_was_said(
    remembering: ConversationalAnswerer, server: OpenAIServer
) -> None:
    server.enqueue(Text("They shiver [1]."))
    await heard(remembering, asked_in(HERE))
    await heard(remembering, asked_in(HERE, "What do bees on a roof eat in winter?"))
    sent = [message["content"] for message in server.chats[-1].messages]
    assert sent[1:3] == [ABOUT_BEES.text, "They shiver [1]."]


async def test_another_conversation_knows_nothing_of_it(
    remembering: ConversationalAnswerer, server: OpenAIServer
) -> None:
    await heard(remembering, asked_in(HERE))
    await heard(remembering, asked_in(THERE))
    assert len(server.chats[-1].messages) == 2


async def test_a_failure_is_not_remembered(
    remembering: ConversationalAnswerer, server: OpenAIServer, history: History
) -> None:
    server.enqueue(Broken("They shi"))
    assert (await heard(remembering, asked_in(HERE))).error is not None
    assert await history.turns(HERE) == ()


async def test_an_answer_that_nobody_waited_for_is_not_remembered(
    remembering: ConversationalAnswerer, server: OpenAIServer, history: History
) -> None:
    server.enqueue(Text("They shiver [1]. " * 50, tokens_per_second=300))
    async with aclosing(remembering.ask(asked_in(HERE))) as events:
        async for event in events:
            if isinstance(event, Wrote):
                break
    assert await history.turns(HERE) == ()


async def test_a_question_without_a_conversation_leaves_no_trace(
    remembering: ConversationalAnswerer, redis: Redis
) -> None:
    await heard(remembering, ABOUT_BEES)
    assert await redis.keys("conversation:*") == []


async def test_what_the_platform_brings_along_is_newer_than_what_was_kept(
    remembering: ConversationalAnswerer, server: OpenAIServer, history: History
) -> None:
    await history.append(HERE, Turn("user", "kept question"), Turn("assistant", "kept answer"))
    await heard(remembering, Question(ABOUT_BEES.text, HERE, history=(Turn("user", "from the thread"),)))
    assert [message["content"] for message in server.chats[0].messages][1:4] == [
        "kept question",
        "kept answer",
        "from the thread",
    ]

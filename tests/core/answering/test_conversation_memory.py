"""Answers become part of their conversation; failures do not."""

from datetime import timedelta

import pytest
from redis.asyncio import Redis

from core.answering.conversation_memory import ConversationalAnswerer
from core.domain import Conversation, Question, Turn
from core.models.offline_embedder import OfflineEmbedder
from core.models.openai_chat import OpenAIChatModel
from core.storage.history import History
from tests.core.answering.collected import ABOUT_BEES, collect, rag_answerer, read_until_text
from tests.servers.openai import Broken, OpenAIServer, Text

HERE = Conversation("web", "tab-1")
ELSEWHERE = Conversation("web", "tab-2")


@pytest.fixture
def history(blog: Redis) -> History:
    return History(blog, exchanges=10, ttl=timedelta(days=1))


@pytest.fixture
def conversational(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, history: History
) -> ConversationalAnswerer:
    return ConversationalAnswerer(rag_answerer(blog, embedder, model), history)


def asked_in(conversation: Conversation, text: str = ABOUT_BEES.text) -> Question:
    return Question(text, conversation=conversation)


async def test_question_and_answer_become_turns(
    conversational: ConversationalAnswerer, server: OpenAIServer, history: History
) -> None:
    server.enqueue(Text("They shiver [1]."))
    collected = await collect(conversational, asked_in(HERE))
    assert collected.is_in_order
    assert await history.turns(HERE) == (Turn("user", ABOUT_BEES.text), Turn("assistant", "They shiver [1]."))


async def test_next_question_is_asked_with_the_turns_before_it(
    conversational: ConversationalAnswerer, server: OpenAIServer
) -> None:
    server.enqueue(Text("They shiver [1]."))
    await collect(conversational, asked_in(HERE))
    await collect(conversational, asked_in(HERE, "What do bees on a roof eat in winter?"))
    sent = [message["content"] for message in server.chats[-1].messages]
    assert sent[1:3] == [ABOUT_BEES.text, "They shiver [1]."]


async def test_conversations_do_not_share_turns(conversational: ConversationalAnswerer, server: OpenAIServer) -> None:
    await collect(conversational, asked_in(HERE))
    await collect(conversational, asked_in(ELSEWHERE))
    assert len(server.chats[-1].messages) == 2


async def test_failed_answer_is_not_remembered(
    conversational: ConversationalAnswerer, server: OpenAIServer, history: History
) -> None:
    server.enqueue(Broken("They shi"))
    assert (await collect(conversational, asked_in(HERE))).error is not None
    assert await history.turns(HERE) == ()


async def test_abandoned_answer_is_not_remembered(
    conversational: ConversationalAnswerer, server: OpenAIServer, history: History
) -> None:
    server.enqueue(Text("They shiver [1]. " * 50, tokens_per_second=300))
    await read_until_text(conversational, asked_in(HERE))
    assert await history.turns(HERE) == ()


async def test_question_without_a_conversation_is_not_remembered(
    conversational: ConversationalAnswerer, blog: Redis
) -> None:
    await collect(conversational, ABOUT_BEES)
    assert await blog.keys("conversation:*") == []


async def test_turns_from_the_platform_follow_the_stored_ones(
    conversational: ConversationalAnswerer, server: OpenAIServer, history: History
) -> None:
    await history.append(HERE, Turn("user", "stored question"), Turn("assistant", "stored answer"))
    await collect(conversational, Question(ABOUT_BEES.text, HERE, history=(Turn("user", "from the thread"),)))
    contents = [message["content"] for message in server.chats[0].messages]
    assert contents[1:3] == ["stored question", "stored answer"]
    assert contents[3].startswith("from the thread\n\n")  # one message with the question: roles alternate

"""The daily token budget: answers beyond it are quoted from the posts, with a notice."""

from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from core.answering.conversation_memory import ConversationalAnswerer
from core.answering.prompts import Instructions
from core.answering.rag import Limits, RagAnswerer
from core.answering.token_budget import PERSON_USED_UP, WHOLE_USED_UP, BudgetedAnswerer, DailyTokens, MeteredChatModel
from core.domain import Conversation, Person, Question
from core.errors import ModelUnreachableError
from core.models.extractive_chat import ExtractiveChatModel
from core.models.offline_embedder import OfflineEmbedder
from core.models.openai_chat import OpenAIChatModel
from core.models.protocols import ChatModel, Vectors
from core.retrieval.retriever import Retriever
from core.storage.connection import connect
from core.storage.history import History
from core.storage.token_usage import TokenUsage
from core.tokens import estimate_tokens
from tests.core.answering.collected import OFF_TOPIC, collect, rag_answerer
from tests.core.models.openai_parts import PROMPT, written
from tests.posts import url_of
from tests.servers.loopback import Status
from tests.servers.openai import OpenAIServer, Text

ANN, BOB = Person("U1", "Ann"), Person("U2", "Bob")
HERE = Conversation("slack", "C1", "T1")
BEES = "How do bees get through the winter?"


def asked(person: Person | None = ANN, text: str = BEES) -> Question:
    return Question(text, HERE if person else None, person)


class Days:
    """A clock set to just before midnight."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 25, 23, 59, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def days() -> Days:
    return Days()


@pytest.fixture
def usage(blog: Redis, days: Days) -> TokenUsage:
    return TokenUsage(blog, days)


def budgeted(
    limits: DailyTokens, usage: TokenUsage, redis: Redis, embedder: OfflineEmbedder, model: ChatModel
) -> BudgetedAnswerer:
    """Build the choice between the model and quotes."""
    history = History(redis, 10, timedelta(days=1))
    answerer = ConversationalAnswerer(
        rag_answerer(redis, embedder, MeteredChatModel(model, usage, estimate_tokens)), history
    )
    fallback = ConversationalAnswerer(rag_answerer(redis, embedder, ExtractiveChatModel(embedder)), history)
    return BudgetedAnswerer(answerer, fallback, usage, limits)


async def test_answer_beyond_the_budget_quotes_posts_with_a_notice(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, server: OpenAIServer, usage: TokenUsage
) -> None:
    answerer = budgeted(DailyTokens(whole=1), usage, blog, embedder, model)
    first, second = await collect(answerer, asked()), await collect(answerer, asked(BOB))
    assert WHOLE_USED_UP not in first.text
    assert len(server.chats) == 1
    assert second.is_in_order
    assert second.text == second.answer.text
    assert second.text.startswith("> ")
    assert second.text.endswith(f"_{WHOLE_USED_UP}_")
    assert second.answer.footnotes[0].url == url_of("bees")


async def test_budget_notice_is_not_part_of_the_conversation(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, usage: TokenUsage
) -> None:
    await collect(budgeted(DailyTokens(whole=0), usage, blog, embedder, model), asked())
    _, answer = await History(blog, 10, timedelta(days=1)).turns(HERE)
    assert answer.content.startswith("> ")
    assert "budget" not in answer.content


async def test_person_beyond_their_share_does_not_affect_others(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, usage: TokenUsage
) -> None:
    answerer = budgeted(DailyTokens(person=1), usage, blog, embedder, model)
    texts = [(await collect(answerer, question)).text for question in (asked(ANN), asked(ANN), asked(BOB), asked(None))]
    assert [PERSON_USED_UP in text for text in texts] == [False, True, False, False]


async def test_unanswered_question_has_no_budget_notice(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, usage: TokenUsage
) -> None:
    collected = await collect(budgeted(DailyTokens(whole=0), usage, blog, embedder, model), OFF_TOPIC)
    assert WHOLE_USED_UP not in collected.text


async def test_budget_starts_again_the_next_day(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, usage: TokenUsage, days: Days
) -> None:
    answerer = budgeted(DailyTokens(whole=1), usage, blog, embedder, model)
    await collect(answerer, asked())
    days.now += timedelta(minutes=1)
    assert WHOLE_USED_UP not in (await collect(answerer, asked())).text


async def test_processes_share_counters_that_expire(usage: TokenUsage, days: Days, blog: Redis, blog_url: str) -> None:
    other = connect(blog_url)
    await TokenUsage(other, days).add(asked(ANN), 30)
    await usage.add(asked(ANN), 12)
    await usage.add(asked(BOB), 100)
    await usage.add(asked(None), 1_000)
    assert ((used := await usage.used_today(asked(ANN))).whole, used.person) == (1_142, 42)
    assert (await usage.used_today(asked(None))).person == 0
    assert all([0 < await blog.ttl(key) <= 2 * 86_400 for key in await blog.keys("tokens:*")])
    await other.aclose()


async def test_same_id_on_another_platform_is_another_person(usage: TokenUsage) -> None:
    await usage.add(asked(ANN), 30)
    assert (await usage.used_today(Question(BEES, Conversation("discord", "1"), ANN))).person == 0


async def test_prompt_and_reply_are_counted(server: OpenAIServer, model: OpenAIChatModel, usage: TokenUsage) -> None:
    server.enqueue(Text("word " * 100))
    await written(MeteredChatModel(model, usage, estimate_tokens))
    sent = (PROMPT.system, *(turn.content for turn in PROMPT.history), PROMPT.request)
    assert (await usage.used_today(PROMPT.question)).whole == sum(map(estimate_tokens, sent)) + estimate_tokens(
        "word " * 100
    )


async def test_written_part_of_a_stopped_reply_is_counted(
    server: OpenAIServer, model: OpenAIChatModel, usage: TokenUsage
) -> None:
    server.enqueue(Text("word " * 1_000, tokens_per_second=200))
    async with aclosing(MeteredChatModel(model, usage, estimate_tokens).stream(PROMPT)) as pieces:
        async for piece in pieces:
            before = (await usage.used_today(PROMPT.question)).whole
            if piece:
                break
    assert before > 0
    assert (await usage.used_today(PROMPT.question)).whole > before


async def test_prompt_is_counted_when_the_model_fails(
    server: OpenAIServer, model: OpenAIChatModel, usage: TokenUsage
) -> None:
    server.enqueue(Status(401))
    with pytest.raises(Exception, match="401"):
        await written(MeteredChatModel(model, usage, estimate_tokens))
    assert (await usage.used_today(PROMPT.question)).whole > 0


async def test_answer_is_given_when_tokens_cannot_be_counted(server: OpenAIServer, model: OpenAIChatModel) -> None:
    unreachable = connect("redis://127.0.0.1:1")
    assert await written(MeteredChatModel(model, TokenUsage(unreachable), estimate_tokens))
    await unreachable.aclose()


class Unreachable:
    """An embedder that became unreachable after indexing."""

    known_dimensions = OfflineEmbedder.DIMENSIONS
    limitations = ()

    def __init__(self, name: str) -> None:
        self.name = name

    async def dimensions(self) -> int:
        return self.known_dimensions

    async def embed(self, texts: Sequence[str]) -> Vectors:
        raise ModelUnreachableError("connection refused")


async def test_quotes_are_chosen_by_words_when_embedding_fails(blog: Redis, embedder: OfflineEmbedder) -> None:
    down = Unreachable(embedder.name)
    collected = await collect(
        RagAnswerer(Retriever(blog, down), ExtractiveChatModel(down), Instructions(), Limits(), estimate_tokens),
        asked(),
    )
    assert collected.answer.footnotes[0].url == url_of("bees")
    assert "winter" in collected.text.lower()

"""A day's tokens are counted for all and for each person; when they are spent, posts are quoted, and that is said."""

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
from core.tokens import estimate
from tests.core.answering.asking import OFF_TOPIC, answerer_of, heard
from tests.core.models.openai_parts import PROMPT, written
from tests.posts import url_of
from tests.servers import Status, Text
from tests.servers.openai import OpenAIServer

ANN, BOB = Person("U1", "Ann"), Person("U2", "Bob")
HERE = Conversation("slack", "C1", "T1")
BEES = "How do bees get through the winter?"


def asked(person: Person | None = ANN, text: str = BEES) -> Question:
    return Question(text, HERE if person else None, person)


class Days:
    """A clock of days."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 25, 23, 59, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def days() -> Days:
    return Days()


@pytest.fixture
def budget(redis: Redis, days: Days) -> TokenUsage:
    return TokenUsage(redis, days)


def within(
    most: DailyTokens, budget: TokenUsage, redis: Redis, embedder: OfflineEmbedder, model: ChatModel
) -> BudgetedAnswerer:
    """As it is wired."""
    history = History(redis, 10, timedelta(days=1))
    usual = ConversationalAnswerer(answerer_of(redis, embedder, MeteredChatModel(model, budget, estimate)), history)
    frugal = ConversationalAnswerer(answerer_of(redis, embedder, ExtractiveChatModel(embedder)), history)
    return BudgetedAnswerer(usual, frugal, budget, most)


async def test_beyond_the_budget_posts_are_quoted_and_that_is_said(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, server: OpenAIServer, budget: TokenUsage
) -> None:
    asker = within(DailyTokens(whole=1), budget, blog, embedder, model)
    first, second = await heard(asker, asked()), await heard(asker, asked(BOB))
    assert WHOLE_USED_UP not in first.text
    assert len(server.chats) == 1
    assert second.is_in_order
    assert second.text == second.answer.text
    assert second.text.startswith("> ")
    assert second.text.endswith(WHOLE_USED_UP)
    assert second.answer.footnotes[0].url == url_of("bees")


async def test_what_is_said_of_the_budget_is_no_part_of_the_conversation(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, budget: TokenUsage
) -> None:
    await heard(within(DailyTokens(whole=0), budget, blog, embedder, model), asked())
    _, answer = await History(blog, 10, timedelta(days=1)).turns(HERE)
    assert answer.content.startswith("> ")
    assert "budget" not in answer.content


async def test_a_person_who_has_spent_their_share_leaves_that_of_others(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, budget: TokenUsage
) -> None:
    asker = within(DailyTokens(person=1), budget, blog, embedder, model)
    texts = [(await heard(asker, question)).text for question in (asked(ANN), asked(ANN), asked(BOB), asked(None))]
    assert [PERSON_USED_UP in text for text in texts] == [False, True, False, False]


async def test_what_the_posts_do_not_answer_needs_no_budget(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, budget: TokenUsage
) -> None:
    said = await heard(within(DailyTokens(whole=0), budget, blog, embedder, model), OFF_TOPIC)
    assert WHOLE_USED_UP not in said.text


async def test_the_next_day_has_a_budget_of_its_own(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, budget: TokenUsage, days: Days
) -> None:
    asker = within(DailyTokens(whole=1), budget, blog, embedder, model)
    await heard(asker, asked())
    days.now += timedelta(minutes=1)
    assert WHOLE_USED_UP not in (await heard(asker, asked())).text


async def test_all_processes_count_together_and_counters_go(
    budget: TokenUsage, days: Days, redis: Redis, redis_url: str
) -> None:
    other = connect(redis_url)
    await TokenUsage(other, days).add(asked(ANN), 30)
    await budget.add(asked(ANN), 12)
    await budget.add(asked(BOB), 100)
    await budget.add(asked(None), 1_000)
    assert ((spent := await budget.used_today(asked(ANN))).whole, spent.person) == (1_142, 42)
    assert (await budget.used_today(asked(None))).person == 0
    assert all([0 < await redis.ttl(key) <= 2 * 86_400 for key in await redis.keys("tokens:*")])
    await other.aclose()


async def test_the_same_id_on_another_platform_is_another_person(budget: TokenUsage) -> None:
    await budget.add(asked(ANN), 30)
    assert (await budget.used_today(Question(BEES, Conversation("discord", "1"), ANN))).person == 0


async def test_what_is_read_and_written_is_counted(
    server: OpenAIServer, model: OpenAIChatModel, budget: TokenUsage
) -> None:
    server.enqueue(Text("word " * 100))
    await written(MeteredChatModel(model, budget, estimate))
    sent = (PROMPT.system, *(turn.content for turn in PROMPT.history), PROMPT.request)
    assert (await budget.used_today(PROMPT.question)).whole == sum(map(estimate, sent)) + estimate("word " * 100)


async def test_whoever_stops_an_answer_has_spent_what_was_written(
    server: OpenAIServer, model: OpenAIChatModel, budget: TokenUsage
) -> None:
    server.enqueue(Text("word " * 1_000, tokens_per_second=200))
    async with aclosing(MeteredChatModel(model, budget, estimate).stream(PROMPT)) as pieces:
        async for _ in pieces:
            before = (await budget.used_today(PROMPT.question)).whole
            break
    assert before > 0
    assert (await budget.used_today(PROMPT.question)).whole > before


async def test_a_model_that_fails_has_read_its_prompt(
    server: OpenAIServer, model: OpenAIChatModel, budget: TokenUsage
) -> None:
    server.enqueue(*[Status(401)])
    with pytest.raises(Exception, match="401"):
        await written(MeteredChatModel(model, budget, estimate))
    assert (await budget.used_today(PROMPT.question)).whole > 0


async def test_a_redis_that_is_away_costs_no_answer(server: OpenAIServer, model: OpenAIChatModel) -> None:
    nowhere = connect("redis://127.0.0.1:1")
    assert await written(MeteredChatModel(model, TokenUsage(nowhere), estimate))
    await nowhere.aclose()


class Unreachable:
    """Loses the line after the posts were read."""

    known_dimensions = OfflineEmbedder.DIMENSIONS

    def __init__(self, name: str) -> None:
        self.name = name

    async def dimensions(self) -> int:
        return self.known_dimensions

    async def embed(self, texts: Sequence[str]) -> Vectors:
        raise ModelUnreachableError("connection refused")


async def test_quotes_are_chosen_by_words_when_nothing_is_embedded(blog: Redis, embedder: OfflineEmbedder) -> None:
    down = Unreachable(embedder.name)
    said = await heard(
        RagAnswerer(Retriever(blog, down), ExtractiveChatModel(down), Instructions(), Limits(), estimate), asked()
    )
    assert said.answer.footnotes[0].url == url_of("bees")
    assert "winter" in said.text.lower()

"""Questions of people are kept with their answers, and being kept changes nothing about them."""

from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from core.answerer import Answered, Wrote
from core.answering.question_limits import LONGEST_QUESTION, LimitedAnswerer, RateLimits
from core.answering.question_recorder import ASKED_AGAIN_WITHIN, RecordingAnswerer
from core.domain import Conversation, Person, Question
from core.errors import QuestionTooLongError, TooManyQuestionsError
from core.models.offline_embedder import OfflineEmbedder
from core.models.openai_chat import OpenAIChatModel
from core.storage import keys
from core.storage.connection import connect
from core.storage.question_store import QuestionStore
from core.storage.rate_limiter import RateLimiter
from tests.core.answering.asking import ABOUT_BEES, answerer_of, heard
from tests.servers import Broken, Text
from tests.servers.openai import OpenAIServer

DAY = timedelta(days=1)
HERE = Conversation("slack", "C1", "T1", "1.0")
ANN = Person("U1", "Ann")


def question() -> Question:
    return Question(ABOUT_BEES.text, HERE, ANN)


@pytest.fixture
def answers(redis: Redis) -> QuestionStore:
    return QuestionStore(redis, DAY)


@pytest.fixture
def recording(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, answers: QuestionStore
) -> RecordingAnswerer:
    return RecordingAnswerer(answerer_of(blog, embedder, model), answers)


async def test_an_answer_is_kept_as_it_was_given(
    recording: RecordingAnswerer, answers: QuestionStore, server: OpenAIServer
) -> None:
    server.enqueue(Text("They shiver [1]."))
    asked = question()
    said = await heard(recording, asked)
    assert said.is_in_order
    kept = await answers.get(asked.id)
    assert kept is not None
    assert kept.question == asked
    assert kept.answer is not None
    assert (kept.answer.text, kept.answer.footnotes) == (said.text, said.answer.footnotes)
    assert kept.answer.trace is not None
    assert said.answer.trace is not None
    assert kept.answer.trace.given == said.answer.trace.given


async def test_it_is_kept_when_the_reply_is_told_that_the_answer_ended(
    recording: RecordingAnswerer, answers: QuestionStore
) -> None:
    """The buttons under an answer work from the moment in which they are seen."""
    asked = question()
    async with aclosing(recording.ask(asked)) as events:
        async for event in events:
            kept = await answers.get(asked.id)
            assert kept is not None
            assert (kept.answer is not None) is isinstance(event, Answered)


async def test_a_question_that_failed_is_kept_without_an_answer(
    recording: RecordingAnswerer, answers: QuestionStore, server: OpenAIServer
) -> None:
    server.enqueue(Broken("They shi"))
    asked = question()
    assert (await heard(recording, asked)).error is not None
    kept = await answers.get(asked.id)
    assert kept is not None
    assert kept.answer is None


async def test_a_question_that_was_refused_can_be_asked_again(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, answers: QuestionStore
) -> None:
    limiting = LimitedAnswerer(answerer_of(blog, embedder, model), RateLimiter(blog), RateLimits(person=1))
    recording = RecordingAnswerer(limiting, answers)
    await heard(recording, question())
    asked = question()
    assert isinstance((await heard(recording, asked)).error, TooManyQuestionsError)
    kept = await answers.get(asked.id)
    assert kept is not None
    assert kept.question == asked
    assert 0 < await blog.ttl(keys.question(asked.id)) <= ASKED_AGAIN_WITHIN.total_seconds()


async def test_a_question_that_was_too_long_is_not_kept(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, answers: QuestionStore
) -> None:
    limiting = LimitedAnswerer(answerer_of(blog, embedder, model), RateLimiter(blog), RateLimits())
    asked = replace(question(), text="x" * (LONGEST_QUESTION + 1))
    assert isinstance((await heard(RecordingAnswerer(limiting, answers), asked)).error, QuestionTooLongError)
    assert await answers.get(asked.id) is None
    assert await blog.keys("asked:*") == []


async def test_a_question_of_nobody_leaves_no_trace(recording: RecordingAnswerer, redis: Redis) -> None:
    said = await heard(recording, Question(ABOUT_BEES.text, Conversation("web", "tab")))
    assert said.error is None
    assert await redis.keys("question:*") == []
    assert await redis.keys("asked:*") == []


async def test_without_redis_it_is_answered_all_the_same(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, server: OpenAIServer
) -> None:
    server.enqueue(Text("They shiver [1]."))
    async with connect("redis://127.0.0.1:1") as nowhere:
        recording = RecordingAnswerer(answerer_of(blog, embedder, model), QuestionStore(nowhere, DAY))
        with capture_logs() as logs:
            said = await heard(recording, question())
    assert said.text == "They shiver [1]."
    assert [line["event"] for line in logs] == ["a question was not kept"] * 2


async def test_whoever_leaves_early_stops_the_model(recording: RecordingAnswerer, server: OpenAIServer) -> None:
    server.enqueue(Text("They eat honey [1]. " * 200, tokens_per_second=300))
    async with aclosing(recording.ask(question())) as events:
        async for event in events:
            if isinstance(event, Wrote):
                break
    [chat] = server.chats
    await chat.finished.wait()
    assert chat.cancelled

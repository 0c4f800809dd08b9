"""Questions with a person are stored with their answers, and recording never costs an answer."""

from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from core.answerer import Answered
from core.answering.admission import MAX_QUESTION_LENGTH, GuardedAnswerer, RateLimits
from core.answering.channel_scope import Channels
from core.answering.question_recorder import RETRY_WINDOW, RecordingAnswerer
from core.domain import Conversation, Person, Question
from core.errors import QuestionTooLongError, TooManyQuestionsError
from core.models.offline_embedder import OfflineEmbedder
from core.models.openai_chat import OpenAIChatModel
from core.storage import keys
from core.storage.connection import connect
from core.storage.question_store import QuestionStore
from core.storage.rate_limiter import RateLimiter
from tests.core.answering.collected import ABOUT_BEES, collect, rag_answerer, read_until_text
from tests.servers.openai import Broken, OpenAIServer, Text

DAY = timedelta(days=1)
HERE = Conversation("slack", "C1", "T1", "1.0")
ANN = Person("U1", "Ann")


def question() -> Question:
    return Question(ABOUT_BEES.text, HERE, ANN)


@pytest.fixture
def questions(blog: Redis) -> QuestionStore:
    return QuestionStore(blog, DAY)


@pytest.fixture
def recording(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, questions: QuestionStore
) -> RecordingAnswerer:
    return RecordingAnswerer(rag_answerer(blog, embedder, model), questions)


async def test_answer_is_stored_as_it_was_given(
    recording: RecordingAnswerer, questions: QuestionStore, server: OpenAIServer
) -> None:
    server.enqueue(Text("They shiver [1]."))
    asked = question()
    collected = await collect(recording, asked)
    assert collected.is_in_order
    stored = await questions.get(asked.id)
    assert stored is not None
    assert stored.question == asked
    assert stored.answer is not None
    assert (stored.answer.text, stored.answer.footnotes) == (collected.text, collected.answer.footnotes)
    assert stored.answer.trace is not None
    assert stored.answer.trace.given == collected.trace.given


async def test_answer_is_stored_before_the_reply_ends(recording: RecordingAnswerer, questions: QuestionStore) -> None:
    """The buttons under an answer work as soon as they are seen."""
    asked = question()
    async with aclosing(recording.ask(asked)) as events:
        async for event in events:
            stored = await questions.get(asked.id)
            assert stored is not None
            assert (stored.answer is not None) is isinstance(event, Answered)


async def test_failed_question_is_stored_without_an_answer(
    recording: RecordingAnswerer, questions: QuestionStore, server: OpenAIServer
) -> None:
    server.enqueue(Broken("They shi"))
    asked = question()
    assert (await collect(recording, asked)).error is not None
    stored = await questions.get(asked.id)
    assert stored is not None
    assert stored.answer is None


async def test_rate_limited_question_is_kept_for_a_retry(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, questions: QuestionStore
) -> None:
    answerer = rag_answerer(blog, embedder, model)
    guarded = GuardedAnswerer(answerer, RateLimiter(blog), RateLimits(person=1), Channels((), ()))
    recording = RecordingAnswerer(guarded, questions)
    await collect(recording, question())
    asked = question()
    assert isinstance((await collect(recording, asked)).error, TooManyQuestionsError)
    stored = await questions.get(asked.id)
    assert stored is not None
    assert stored.question == asked
    assert 0 < await blog.ttl(keys.question(asked.id)) <= RETRY_WINDOW.total_seconds()


async def test_question_that_is_too_long_is_not_stored(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, questions: QuestionStore
) -> None:
    guarded = GuardedAnswerer(rag_answerer(blog, embedder, model), RateLimiter(blog), RateLimits(), Channels((), ()))
    asked = replace(question(), text="x" * (MAX_QUESTION_LENGTH + 1))
    assert isinstance((await collect(RecordingAnswerer(guarded, questions), asked)).error, QuestionTooLongError)
    assert await questions.get(asked.id) is None
    assert await blog.keys("asked:*") == []


async def test_question_without_a_person_is_not_stored(recording: RecordingAnswerer, blog: Redis) -> None:
    collected = await collect(recording, Question(ABOUT_BEES.text, Conversation("web", "tab")))
    assert collected.error is None
    assert await blog.keys("question:*") == []
    assert await blog.keys("asked:*") == []


async def test_question_is_answered_when_it_cannot_be_stored(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, server: OpenAIServer
) -> None:
    server.enqueue(Text("They shiver [1]."))
    async with connect("redis://127.0.0.1:1") as unreachable:
        recording = RecordingAnswerer(rag_answerer(blog, embedder, model), QuestionStore(unreachable, DAY))
        with capture_logs() as logs:
            collected = await collect(recording, question())
    assert collected.text == "They shiver [1]."
    assert [line["event"] for line in logs if line["log_level"] == "warning"] == ["question storage failed"] * 2


async def test_leaving_early_stops_the_model(recording: RecordingAnswerer, server: OpenAIServer) -> None:
    server.enqueue(Text("They eat honey [1]. " * 200, tokens_per_second=300))
    await read_until_text(recording, question())
    [chat] = server.chats
    await chat.finished.wait()
    assert chat.cancelled

"""Every question is measured once, however it ends."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from core.answering.admission import GuardedAnswerer, RateLimits
from core.answering.channel_scope import Channels
from core.answering.question_recorder import RecordingAnswerer
from core.answering.rag import Limits
from core.domain import Conversation, Person, Question
from core.errors import TooManyQuestionsError
from core.models.offline_embedder import OfflineEmbedder
from core.models.openai_chat import OpenAIChatModel
from core.storage.question_store import QuestionStore
from core.storage.rate_limiter import RateLimiter
from core.telemetry import (
    ModelCalled,
    QuestionFinished,
    QuestionReceived,
    StepTimed,
    TelemetryEvent,
    TokensUsed,
    question_context,
    subscribed,
)
from tests.core.answering.collected import ABOUT_BEES, OFF_TOPIC, collect, rag_answerer, read_until_text
from tests.servers.loopback import Status
from tests.servers.openai import Broken, OpenAIServer, Silence, Text

HERE = Conversation("slack", "C1", "T1", "1.0")
ANN = Person("U1", "Ann")


@pytest.fixture
def emitted() -> Iterator[list[TelemetryEvent]]:
    events: list[TelemetryEvent] = []
    with subscribed(events.append):
        yield events


@pytest.fixture
def measuring(blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel) -> RecordingAnswerer:
    answerer = rag_answerer(blog, embedder, model, limits=Limits(first_token=timedelta(seconds=0.5)))
    guarded = GuardedAnswerer(answerer, RateLimiter(blog), RateLimits(person=3), Channels((), ()))
    return RecordingAnswerer(guarded, QuestionStore(blog, timedelta(days=1)))


def finished(emitted: list[TelemetryEvent]) -> QuestionFinished:
    [only] = [event for event in emitted if isinstance(event, QuestionFinished)]
    return only


def steps(emitted: list[TelemetryEvent], question: Question) -> list[str]:
    return [event.step for event in emitted if isinstance(event, StepTimed) and event.question_id == question.id]


async def test_answer_is_measured_with_its_steps_and_tokens(
    measuring: RecordingAnswerer, server: OpenAIServer, emitted: list[TelemetryEvent]
) -> None:
    server.enqueue(Text("They shiver [1]."))
    question = Question(ABOUT_BEES.text, HERE, ANN)
    collected = await collect(measuring, question)
    assert emitted[0] == QuestionReceived(question.id, "slack")
    assert steps(emitted, question) == ["embed", "retrieve", "first_token", "whole"]
    end = finished(emitted)
    assert (end.platform, end.outcome, end.error, end.gap) == ("slack", "answered", "", "")
    assert end.seconds > 0
    [used] = [event for event in emitted if isinstance(event, TokensUsed)]
    assert used.model == "gpt-5-mini"
    assert (used.read + used.written, used.written) == (collected.answer.tokens, collected.answer.output_tokens)
    assert 0 < used.written < used.read


async def test_question_that_the_posts_do_not_answer_is_a_gap(
    measuring: RecordingAnswerer, emitted: list[TelemetryEvent]
) -> None:
    await collect(measuring, OFF_TOPIC)
    end = finished(emitted)
    assert (end.platform, end.outcome, end.gap) == ("api", "not_in_posts", OFF_TOPIC.text)
    assert "first_token" not in steps(emitted, OFF_TOPIC)
    assert not [event for event in emitted if isinstance(event, TokensUsed)]


async def test_answer_without_a_footnote_is_a_gap(
    measuring: RecordingAnswerer, server: OpenAIServer, emitted: list[TelemetryEvent]
) -> None:
    server.enqueue(Text("That is not what the posts are about."))
    await collect(measuring, ABOUT_BEES)
    assert (finished(emitted).outcome, finished(emitted).gap) == ("not_in_posts", ABOUT_BEES.text)


@pytest.mark.parametrize(
    ("reply", "error"),
    [(Broken("They shi"), "AnswerBroken"), (Status(401), "ModelRefused"), (Silence(), "ModelTooSlow")],
)
async def test_failure_is_measured_with_its_error_code(
    measuring: RecordingAnswerer,
    server: OpenAIServer,
    emitted: list[TelemetryEvent],
    reply: Broken | Status | Silence,
    error: str,
) -> None:
    server.enqueue(reply)
    await collect(measuring, ABOUT_BEES)
    assert (finished(emitted).outcome, finished(emitted).error) == ("failed", error)


async def test_rate_limited_question_is_refused_and_not_failed(
    measuring: RecordingAnswerer, emitted: list[TelemetryEvent]
) -> None:
    for _ in range(4):
        collected = await collect(measuring, Question(ABOUT_BEES.text, HERE, ANN))
    assert isinstance(collected.error, TooManyQuestionsError)
    assert [event.outcome for event in emitted if isinstance(event, QuestionFinished)][-1] == "refused"


async def test_leaving_early_is_measured_as_stopped(
    measuring: RecordingAnswerer, server: OpenAIServer, emitted: list[TelemetryEvent]
) -> None:
    server.enqueue(Text("They eat honey [1]. " * 200, tokens_per_second=300))
    await read_until_text(measuring, ABOUT_BEES)
    assert finished(emitted).outcome == "stopped"
    [chat] = server.chats
    await chat.finished.wait()
    assert chat.cancelled


async def test_log_has_one_line_with_figures_and_without_words(
    measuring: RecordingAnswerer, server: OpenAIServer
) -> None:
    server.enqueue(Text("They shiver [1]."))
    with capture_logs() as logs:
        await collect(measuring, ABOUT_BEES)
    [line] = logs
    assert (line["event"], line["question"], line["outcome"]) == ("question finished", ABOUT_BEES.id, "answered")
    assert {"seconds", "tokens", "model", "posts", "found", "first_token", "total"} <= line.keys()
    assert "bees" not in str(line).lower()
    assert "shiver" not in str(line).lower()


@pytest.mark.parametrize(("reply", "context_stays"), [(Text("They shiver [1]."), False), (Status(401), True)])
async def test_only_a_failure_leaves_its_question_context_for_the_error_log(
    measuring: RecordingAnswerer, server: OpenAIServer, reply: Text | Status, context_stays: bool
) -> None:
    server.enqueue(reply)
    await collect(measuring, ABOUT_BEES)
    context = question_context.get()
    assert (context is not None and context.question_id == ABOUT_BEES.id) is context_stays


async def test_model_calls_are_measured_with_their_error_code(
    measuring: RecordingAnswerer, server: OpenAIServer, emitted: list[TelemetryEvent]
) -> None:
    server.enqueue(Text("They shiver [1]."), Status(401))
    await collect(measuring, ABOUT_BEES)
    await collect(measuring, ABOUT_BEES)
    assert [event for event in emitted if isinstance(event, ModelCalled)] == [
        ModelCalled("chat"),
        ModelCalled("chat", "ModelRefused"),
    ]

"""Each question is told of once, however it ends."""

from collections.abc import Iterator
from contextlib import aclosing
from datetime import timedelta

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from core.answerer import Wrote
from core.answering.measurement import MeasuredAnswerer
from core.answering.question_limits import LimitedAnswerer, RateLimits
from core.answering.rag import Limits
from core.domain import Conversation, Person, Question
from core.errors import TooManyQuestionsError
from core.models.offline_embedder import OfflineEmbedder
from core.models.openai_chat import OpenAIChatModel
from core.storage.rate_limiter import RateLimiter
from core.telemetry import (
    ModelCalled,
    QuestionFinished,
    QuestionReceived,
    StepTimed,
    TelemetryEvent,
    TokensUsed,
    subscribed,
)
from tests.core.answering.asking import ABOUT_BEES, OFF_TOPIC, answerer_of, heard
from tests.servers import Broken, Silence, Status, Text
from tests.servers.openai import OpenAIServer

HERE = Conversation("slack", "C1", "T1", "1.0")
ANN = Person("U1", "Ann")


@pytest.fixture
def told() -> Iterator[list[TelemetryEvent]]:
    observations: list[TelemetryEvent] = []
    with subscribed(observations.append):
        yield observations


@pytest.fixture
def measuring(blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel) -> MeasuredAnswerer:
    limits = Limits(first_token=timedelta(seconds=0.5))
    return MeasuredAnswerer(
        LimitedAnswerer(answerer_of(blog, embedder, model, limits=limits), RateLimiter(blog), RateLimits(person=3))
    )


def settled(told: list[TelemetryEvent]) -> QuestionFinished:
    [only] = [each for each in told if isinstance(each, QuestionFinished)]
    return only


def steps(told: list[TelemetryEvent], question: Question) -> list[str]:
    return [each.step for each in told if isinstance(each, StepTimed) and each.question_id == question.id]


async def test_an_answer_is_told_with_its_steps_and_its_tokens(
    measuring: MeasuredAnswerer, server: OpenAIServer, told: list[TelemetryEvent]
) -> None:
    server.enqueue(Text("They shiver [1]."))
    question = Question(ABOUT_BEES.text, HERE, ANN)
    said = await heard(measuring, question)
    assert told[0] == QuestionReceived(question.id, "slack")
    assert steps(told, question) == ["embed", "retrieve", "first_token", "whole"]
    end = settled(told)
    assert (end.platform, end.outcome, end.error, end.gap) == ("slack", "answered", "", "")
    assert end.seconds > 0
    [spent] = [each for each in told if isinstance(each, TokensUsed)]
    assert spent.model == "gpt-5-mini"
    assert (spent.read + spent.written, spent.written) == (said.answer.tokens, said.answer.output_tokens)
    assert 0 < spent.written < spent.read


async def test_what_the_posts_do_not_answer_is_a_gap(measuring: MeasuredAnswerer, told: list[TelemetryEvent]) -> None:
    await heard(measuring, OFF_TOPIC)
    end = settled(told)
    assert (end.platform, end.outcome, end.gap) == ("api", "not_in_posts", OFF_TOPIC.text)
    assert "first_token" not in steps(told, OFF_TOPIC)
    assert not [each for each in told if isinstance(each, TokensUsed)]


async def test_so_is_an_answer_without_a_footnote(
    measuring: MeasuredAnswerer, server: OpenAIServer, told: list[TelemetryEvent]
) -> None:
    server.enqueue(Text("That is not what the posts are about."))
    await heard(measuring, ABOUT_BEES)
    assert (settled(told).outcome, settled(told).gap) == ("not_in_posts", ABOUT_BEES.text)


@pytest.mark.parametrize(
    ("reply", "error"),
    [(Broken("They shi"), "AnswerBroken"), (Status(401), "ModelRefused"), (Silence(), "ModelTooSlow")],
)
async def test_a_failure_is_told_by_its_kind(
    measuring: MeasuredAnswerer,
    server: OpenAIServer,
    told: list[TelemetryEvent],
    reply: Broken | Status | Silence,
    error: str,
) -> None:
    server.enqueue(reply)
    await heard(measuring, ABOUT_BEES)
    assert (settled(told).outcome, settled(told).error) == ("failed", error)


async def test_a_question_over_the_limit_is_refused_and_no_failure(
    measuring: MeasuredAnswerer, server: OpenAIServer, told: list[TelemetryEvent]
) -> None:
    for _ in range(4):
        said = await heard(measuring, Question(ABOUT_BEES.text, HERE, ANN))
    assert isinstance(said.error, TooManyQuestionsError)
    assert [each.outcome for each in told if isinstance(each, QuestionFinished)][-1] == "refused"


async def test_whoever_leaves_early_has_stopped_it(
    measuring: MeasuredAnswerer, server: OpenAIServer, told: list[TelemetryEvent]
) -> None:
    server.enqueue(Text("They eat honey [1]. " * 200, tokens_per_second=300))
    async with aclosing(measuring.ask(ABOUT_BEES)) as events:
        async for event in events:
            if isinstance(event, Wrote):
                break
    assert settled(told).outcome == "stopped"
    [chat] = server.chats
    await chat.finished.wait()
    assert chat.cancelled


async def test_the_log_has_one_line_with_figures_and_no_words(
    measuring: MeasuredAnswerer, server: OpenAIServer
) -> None:
    server.enqueue(Text("They shiver [1]."))
    with capture_logs() as logged:
        await heard(measuring, ABOUT_BEES)
    [line] = logged
    assert (line["event"], line["question"], line["outcome"]) == ("a question was settled", ABOUT_BEES.id, "answered")
    assert {"seconds", "tokens", "model", "posts", "found", "first_token", "total"} <= line.keys()
    assert "bees" not in str(line).lower()
    assert "shiver" not in str(line).lower()


async def test_how_models_are_reached_is_told(
    measuring: MeasuredAnswerer, server: OpenAIServer, told: list[TelemetryEvent]
) -> None:
    server.enqueue(Text("They shiver [1]."), Status(401))
    await heard(measuring, ABOUT_BEES)
    await heard(measuring, ABOUT_BEES)
    assert [each for each in told if isinstance(each, ModelCalled)] == [
        ModelCalled("chat"),
        ModelCalled("chat", "ModelRefused"),
    ]

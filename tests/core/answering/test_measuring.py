"""Each question is told of once, however it ends."""

from collections.abc import Iterator
from contextlib import aclosing
from datetime import timedelta

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from core.answering.answerer import Limits
from core.answering.limiting import Allowance, Limiting
from core.answering.measuring import Measuring
from core.asking import Wrote
from core.errors import TooManyQuestions
from core.memory.quota import Quota
from core.models.offline_embedder import OfflineEmbedder
from core.models.openai_chat import OpenAIChat
from core.vocabulary import Conversation, Person, Question
from core.watching import Asked, Observation, Reached, Settled, Spent, Took, listening
from tests.core.answering.asking import ABOUT_BEES, OFF_TOPIC, answerer_of, heard
from tests.servers import Broken, Silence, Status, Text
from tests.servers.openai import OpenAIServer

HERE = Conversation("slack", "C1", "T1", "1.0")
ANN = Person("U1", "Ann")


@pytest.fixture
def told() -> Iterator[list[Observation]]:
    observations: list[Observation] = []
    with listening(observations.append):
        yield observations


@pytest.fixture
def measuring(blog: Redis, embedder: OfflineEmbedder, model: OpenAIChat) -> Measuring:
    limits = Limits(first_token=timedelta(seconds=0.5))
    return Measuring(Limiting(answerer_of(blog, embedder, model, limits=limits), Quota(blog), Allowance(person=3)))


def settled(told: list[Observation]) -> Settled:
    [only] = [each for each in told if isinstance(each, Settled)]
    return only


def steps(told: list[Observation], question: Question) -> list[str]:
    return [each.step for each in told if isinstance(each, Took) and each.question_id == question.id]


async def test_an_answer_is_told_with_its_steps_and_its_tokens(
    measuring: Measuring, server: OpenAIServer, told: list[Observation]
) -> None:
    server.enqueue(Text("They shiver [1]."))
    question = Question(ABOUT_BEES.text, HERE, ANN)
    said = await heard(measuring, question)
    assert told[0] == Asked(question.id, "slack")
    assert steps(told, question) == ["embed", "retrieve", "first_token", "whole"]
    end = settled(told)
    assert (end.platform, end.outcome, end.error, end.gap) == ("slack", "answered", "", "")
    assert end.seconds > 0
    [spent] = [each for each in told if isinstance(each, Spent)]
    assert spent.model == "gpt-5-mini"
    assert (spent.read + spent.written, spent.written) == (said.answer.tokens, said.answer.written)
    assert 0 < spent.written < spent.read


async def test_what_the_posts_do_not_answer_is_a_gap(measuring: Measuring, told: list[Observation]) -> None:
    await heard(measuring, OFF_TOPIC)
    end = settled(told)
    assert (end.platform, end.outcome, end.gap) == ("api", "not_in_posts", OFF_TOPIC.text)
    assert "first_token" not in steps(told, OFF_TOPIC)
    assert not [each for each in told if isinstance(each, Spent)]


async def test_so_is_an_answer_without_a_footnote(
    measuring: Measuring, server: OpenAIServer, told: list[Observation]
) -> None:
    server.enqueue(Text("That is not what the posts are about."))
    await heard(measuring, ABOUT_BEES)
    assert (settled(told).outcome, settled(told).gap) == ("not_in_posts", ABOUT_BEES.text)


@pytest.mark.parametrize(
    ("reply", "error"),
    [(Broken("They shi"), "AnswerBroken"), (Status(401), "ModelRefused"), (Silence(), "ModelTooSlow")],
)
async def test_a_failure_is_told_by_its_kind(
    measuring: Measuring, server: OpenAIServer, told: list[Observation], reply: Broken | Status | Silence, error: str
) -> None:
    server.enqueue(reply)
    await heard(measuring, ABOUT_BEES)
    assert (settled(told).outcome, settled(told).error) == ("failed", error)


async def test_a_question_over_the_limit_is_refused_and_no_failure(
    measuring: Measuring, server: OpenAIServer, told: list[Observation]
) -> None:
    for _ in range(4):
        said = await heard(measuring, Question(ABOUT_BEES.text, HERE, ANN))
    assert isinstance(said.error, TooManyQuestions)
    assert [each.outcome for each in told if isinstance(each, Settled)][-1] == "refused"


async def test_whoever_leaves_early_has_stopped_it(
    measuring: Measuring, server: OpenAIServer, told: list[Observation]
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


async def test_the_log_has_one_line_with_figures_and_no_words(measuring: Measuring, server: OpenAIServer) -> None:
    server.enqueue(Text("They shiver [1]."))
    with capture_logs() as logged:
        await heard(measuring, ABOUT_BEES)
    [line] = logged
    assert (line["event"], line["question"], line["outcome"]) == ("a question was settled", ABOUT_BEES.id, "answered")
    assert {"seconds", "tokens", "model", "posts", "found", "first_token", "total"} <= line.keys()
    assert "bees" not in str(line).lower()
    assert "shiver" not in str(line).lower()


async def test_how_models_are_reached_is_told(
    measuring: Measuring, server: OpenAIServer, told: list[Observation]
) -> None:
    server.enqueue(Text("They shiver [1]."), Status(401))
    await heard(measuring, ABOUT_BEES)
    await heard(measuring, ABOUT_BEES)
    assert [each for each in told if isinstance(each, Reached)] == [Reached("chat"), Reached("chat", "ModelRefused")]

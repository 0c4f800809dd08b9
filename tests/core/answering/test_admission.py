"""Questions that are too long or too frequent are refused before anything else happens."""

from datetime import timedelta

import pytest
from redis.asyncio import Redis

from core.answering.admission import MAX_QUESTION_LENGTH, GuardedAnswerer, RateLimits
from core.answering.channel_scope import Channels
from core.domain import Conversation, Person, Question
from core.errors import QuestionTooLongError, TooManyQuestionsError, error_code
from core.models.extractive_chat import ExtractiveChatModel
from core.models.offline_embedder import OfflineEmbedder
from core.storage.rate_limiter import RateLimiter
from tests.core.answering.collected import collect, rag_answerer

ANN, BOB = Person("U1", "Ann"), Person("U2", "Bob")
GENERAL, RANDOM = Conversation("slack", "C1", "T1"), Conversation("slack", "C2", "T1")


def asked(person: Person | None, conversation: Conversation | None) -> Question:
    return Question("How do bees get through the winter?", conversation, person)


@pytest.fixture
def guarded(redis: Redis, embedder: OfflineEmbedder) -> GuardedAnswerer:
    answerer = rag_answerer(redis, embedder, ExtractiveChatModel(embedder))
    return GuardedAnswerer(answerer, RateLimiter(redis), RateLimits(person=2, channel=3), Channels((), ()))


async def outcomes(answerer: GuardedAnswerer, *questions: Question) -> list[str]:
    """The error code of each question, or "answered"."""
    errors = [(await collect(answerer, question)).error for question in questions]
    return [error_code(error) if error else "answered" for error in errors]


async def test_third_question_of_a_person_in_a_minute_is_refused(guarded: GuardedAnswerer) -> None:
    assert await outcomes(guarded, *[asked(ANN, GENERAL)] * 3) == ["answered", "answered", "TooManyQuestions"]
    refused = await collect(guarded, asked(ANN, GENERAL))
    assert refused.events == []
    assert isinstance(refused.error, TooManyQuestionsError)
    assert timedelta() < refused.error.retry_after <= timedelta(minutes=1)


async def test_questions_of_a_person_count_across_channels(guarded: GuardedAnswerer) -> None:
    questions = asked(ANN, GENERAL), asked(ANN, RANDOM), asked(ANN, RANDOM)
    assert await outcomes(guarded, *questions) == ["answered", "answered", "TooManyQuestions"]


async def test_each_person_has_a_limit_of_their_own(guarded: GuardedAnswerer) -> None:
    await outcomes(guarded, *[asked(ANN, GENERAL)] * 3)
    assert await outcomes(guarded, asked(BOB, RANDOM)) == ["answered"]


async def test_same_id_on_another_platform_is_another_person(guarded: GuardedAnswerer) -> None:
    await outcomes(guarded, *[asked(ANN, GENERAL)] * 3)
    assert await outcomes(guarded, asked(ANN, Conversation("discord", "1"))) == ["answered"]


async def test_threads_share_the_limit_of_their_channel(guarded: GuardedAnswerer) -> None:
    crowd = [asked(Person(f"U{number}"), Conversation("slack", "C1", "T1", thread=str(number))) for number in range(4)]
    assert await outcomes(guarded, *crowd) == ["answered"] * 3 + ["TooManyQuestions"]
    assert await outcomes(guarded, asked(ANN, RANDOM)) == ["answered"]


@pytest.mark.parametrize(("person", "conversation"), [(None, GENERAL), (ANN, None), (None, None)])
async def test_anonymous_questions_are_not_counted(
    guarded: GuardedAnswerer, redis: Redis, person: Person | None, conversation: Conversation | None
) -> None:
    assert await outcomes(guarded, *[asked(person, conversation)] * 5) == ["answered"] * 5
    assert await redis.keys("quota:*") == []


async def test_question_that_is_too_long_is_refused_and_not_counted(guarded: GuardedAnswerer, redis: Redis) -> None:
    refused = await collect(guarded, Question("?" * (MAX_QUESTION_LENGTH + 1), GENERAL, ANN))
    assert isinstance(refused.error, QuestionTooLongError)
    assert "4,000" in refused.error.user_message
    assert await redis.keys("quota:*") == []
    assert (await collect(guarded, Question("?" * MAX_QUESTION_LENGTH, GENERAL, ANN))).error is None

"""Too long and too many are refused before anything else is done; each person and each channel counts for itself."""

from datetime import timedelta

import pytest
from redis.asyncio import Redis

from core.answering.question_limits import LONGEST_QUESTION, LimitedAnswerer, RateLimits
from core.domain import Conversation, Person, Question
from core.errors import QuestionTooLongError, TooManyQuestionsError, error_code
from core.models.extractive_chat import ExtractiveChatModel
from core.models.offline_embedder import OfflineEmbedder
from core.storage.rate_limiter import RateLimiter
from tests.core.answering.asking import answerer_of, heard

ANN, BOB = Person("U1", "Ann"), Person("U2", "Bob")
GENERAL, RANDOM = Conversation("slack", "C1", "T1"), Conversation("slack", "C2", "T1")


def asked(person: Person | None, place: Conversation | None) -> Question:
    return Question("How do bees get through the winter?", place, person)


@pytest.fixture
def limiting(redis: Redis, embedder: OfflineEmbedder) -> LimitedAnswerer:
    answerer = answerer_of(redis, embedder, ExtractiveChatModel(embedder))
    return LimitedAnswerer(answerer, RateLimiter(redis), RateLimits(person=2, channel=3))


async def errors(limiting: LimitedAnswerer, *questions: Question) -> list[str]:
    """What the questions came to, one after the other."""
    outcomes = [(await heard(limiting, question)).error for question in questions]
    return [error_code(error) if error else "answered" for error in outcomes]


async def test_the_third_question_of_a_person_in_a_minute_waits(limiting: LimitedAnswerer) -> None:
    assert await errors(limiting, *[asked(ANN, GENERAL)] * 3) == ["answered", "answered", "TooManyQuestions"]
    said = await heard(limiting, asked(ANN, GENERAL))
    assert said.events == []
    assert isinstance(said.error, TooManyQuestionsError)
    assert timedelta() < said.error.retry_after <= timedelta(minutes=1)


async def test_a_persons_questions_count_in_all_channels_together(limiting: LimitedAnswerer) -> None:
    assert (await errors(limiting, asked(ANN, GENERAL), asked(ANN, RANDOM), asked(ANN, RANDOM)))[-1] != "answered"


async def test_persons_do_not_take_each_others_turns(limiting: LimitedAnswerer) -> None:
    await errors(limiting, *[asked(ANN, GENERAL)] * 3)
    assert await errors(limiting, asked(BOB, RANDOM)) == ["answered"]


async def test_the_same_id_on_another_platform_is_another_person(limiting: LimitedAnswerer) -> None:
    await errors(limiting, *[asked(ANN, GENERAL)] * 3)
    assert await errors(limiting, asked(ANN, Conversation("discord", "1"))) == ["answered"]


async def test_a_channel_has_a_limit_of_its_own_that_threads_share(limiting: LimitedAnswerer) -> None:
    crowd = [asked(Person(f"U{number}"), Conversation("slack", "C1", "T1", thread=str(number))) for number in range(4)]
    assert await errors(limiting, *crowd) == ["answered"] * 3 + ["TooManyQuestions"]
    assert await errors(limiting, asked(ANN, RANDOM)) == ["answered"]


@pytest.mark.parametrize(("person", "place"), [(None, GENERAL), (ANN, None), (None, None)])
async def test_whoever_cannot_be_told_from_others_is_not_counted(
    limiting: LimitedAnswerer, redis: Redis, person: Person | None, place: Conversation | None
) -> None:
    assert await errors(limiting, *[asked(person, place)] * 5) == ["answered"] * 5
    assert await redis.keys("quota:*") == []


async def test_a_question_beyond_what_is_read_is_refused_and_not_counted(
    limiting: LimitedAnswerer, redis: Redis
) -> None:
    said = await heard(limiting, Question("?" * (LONGEST_QUESTION + 1), GENERAL, ANN))
    assert isinstance(said.error, QuestionTooLongError)
    assert "4,000" in said.error.user_message
    assert await redis.keys("quota:*") == []
    assert (await heard(limiting, Question("?" * LONGEST_QUESTION, GENERAL, ANN))).error is None

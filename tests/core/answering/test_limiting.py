"""Too long and too many are refused before anything else is done; each person and each channel counts for itself."""

from datetime import timedelta

import pytest
from redis.asyncio import Redis

from core.answering.limiting import LONGEST_QUESTION, Allowance, Limiting
from core.errors import TooLong, TooManyQuestions
from core.memory.quota import Quota
from core.models.extracting import ExtractingModel
from core.models.offline_embedder import OfflineEmbedder
from core.vocabulary import Conversation, Person, Question
from tests.core.answering.asking import answerer_of, heard

ANN, BOB = Person("U1", "Ann"), Person("U2", "Bob")
GENERAL, RANDOM = Conversation("slack", "C1", "T1"), Conversation("slack", "C2", "T1")


def asked(person: Person | None, place: Conversation | None) -> Question:
    return Question("How do bees get through the winter?", place, person)


@pytest.fixture
def limiting(redis: Redis, embedder: OfflineEmbedder) -> Limiting:
    answerer = answerer_of(redis, embedder, ExtractingModel(embedder))
    return Limiting(answerer, Quota(redis), Allowance(person=2, channel=3))


async def errors(limiting: Limiting, *questions: Question) -> list[str]:
    """What the questions came to, one after the other."""
    outcomes = [(await heard(limiting, question)).error for question in questions]
    return [type(error).__name__ if error else "answered" for error in outcomes]


async def test_the_third_question_of_a_person_in_a_minute_waits(limiting: Limiting) -> None:
    assert await errors(limiting, *[asked(ANN, GENERAL)] * 3) == ["answered", "answered", "TooManyQuestions"]
    said = await heard(limiting, asked(ANN, GENERAL))
    assert said.events == []
    assert isinstance(said.error, TooManyQuestions)
    assert timedelta() < said.error.again_in <= timedelta(minutes=1)


async def test_a_persons_questions_count_in_all_channels_together(limiting: Limiting) -> None:
    assert (await errors(limiting, asked(ANN, GENERAL), asked(ANN, RANDOM), asked(ANN, RANDOM)))[-1] != "answered"


async def test_persons_do_not_take_each_others_turns(limiting: Limiting) -> None:
    await errors(limiting, *[asked(ANN, GENERAL)] * 3)
    assert await errors(limiting, asked(BOB, RANDOM)) == ["answered"]


async def test_the_same_id_on_another_platform_is_another_person(limiting: Limiting) -> None:
    await errors(limiting, *[asked(ANN, GENERAL)] * 3)
    assert await errors(limiting, asked(ANN, Conversation("discord", "1"))) == ["answered"]


async def test_a_channel_has_a_limit_of_its_own_that_threads_share(limiting: Limiting) -> None:
    crowd = [asked(Person(f"U{number}"), Conversation("slack", "C1", "T1", thread=str(number))) for number in range(4)]
    assert await errors(limiting, *crowd) == ["answered"] * 3 + ["TooManyQuestions"]
    assert await errors(limiting, asked(ANN, RANDOM)) == ["answered"]


@pytest.mark.parametrize(("person", "place"), [(None, GENERAL), (ANN, None), (None, None)])
async def test_whoever_cannot_be_told_from_others_is_not_counted(
    limiting: Limiting, redis: Redis, person: Person | None, place: Conversation | None
) -> None:
    assert await errors(limiting, *[asked(person, place)] * 5) == ["answered"] * 5
    assert await redis.keys("quota:*") == []


async def test_a_question_beyond_what_is_read_is_refused_and_not_counted(limiting: Limiting, redis: Redis) -> None:
    said = await heard(limiting, Question("?" * (LONGEST_QUESTION + 1), GENERAL, ANN))
    assert isinstance(said.error, TooLong)
    assert "4,000" in said.error.for_people
    assert await redis.keys("quota:*") == []
    assert (await heard(limiting, Question("?" * LONGEST_QUESTION, GENERAL, ANN))).error is None

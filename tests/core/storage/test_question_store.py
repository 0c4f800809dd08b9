"""Questions are kept with their answers, by id, until they expire or are forgotten."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from core.domain import (
    EVERYTHING,
    Answer,
    AnswerTrace,
    Conversation,
    Footnote,
    Passage,
    Person,
    Question,
    Scope,
    ScoredPassage,
    Turn,
)
from core.storage import keys
from core.storage.connection import connect
from core.storage.feedback import Feedback
from core.storage.question_store import QuestionStore

MONTH = timedelta(days=30)
ANN = Person("U1", "Ann", admin=True)
CHANNEL = Conversation("slack", "C1", "T1")
THREAD, OTHER_THREAD = replace(CHANNEL, thread="1.0"), replace(CHANNEL, thread="2.0")
QUESTION = Question("What do bees eat? 🐝", THREAD, ANN)


def match_of(text: str, published: datetime | None = None) -> ScoredPassage:
    return ScoredPassage(Passage("https://blog/a", "Bees", "Winter", text, "blog", 2, published), 0.9, 0.8, 0.7)


ANSWER = Answer(
    "Honey [1].",
    grounded=True,
    footnotes=(Footnote(1, "Bees", "https://blog/a", 0.9),),
    tokens=120,
    timings_ms={"found": 3.5, "total": 80.0},
    trace=AnswerTrace(
        "What do bees eat?", 0.8, (match_of("They eat honey.", datetime(2026, 1, 2, tzinfo=UTC)),), (match_of("Wax."),)
    ),
)


@pytest.fixture
def answers(redis: Redis) -> QuestionStore:
    return QuestionStore(redis, MONTH)


async def asked(answers: QuestionStore, place: Conversation, text: str = "What do bees eat?") -> Question:
    question = Question(text, place, ANN)
    await answers.save(question)
    await answers.save(question, ANSWER)
    return question


async def test_question_is_saved_before_it_is_answered(answers: QuestionStore) -> None:
    before = datetime.now(UTC)
    await answers.save(QUESTION)
    remembered = await answers.get(QUESTION.id)
    assert remembered is not None
    assert (remembered.question, remembered.question.id, remembered.answer) == (QUESTION, QUESTION.id, None)
    assert before <= remembered.at <= datetime.now(UTC)


async def test_answer_is_kept_without_the_text_of_left_out_passages(answers: QuestionStore) -> None:
    await answers.save(QUESTION)
    await answers.save(QUESTION, ANSWER)
    remembered = await answers.get(QUESTION.id)
    assert remembered is not None
    assert ANSWER.trace is not None
    assert remembered.answer == replace(ANSWER, trace=replace(ANSWER.trace, left_out=(match_of(""),)))


@pytest.mark.parametrize("answer", [Answer("No.", grounded=False), Answer("Yes [1].", grounded=True, trace=None)])
async def test_answer_without_trace_is_kept(answers: QuestionStore, answer: Answer) -> None:
    await answers.save(QUESTION)
    await answers.save(QUESTION, answer)
    remembered = await answers.get(QUESTION.id)
    assert remembered is not None
    assert remembered.answer == answer


@pytest.mark.parametrize(
    "scope", [None, EVERYTHING, Scope(frozenset()), Scope(frozenset({"a, b", "ö"}), "You are Bee.")]
)
async def test_scope_of_a_question_is_kept(answers: QuestionStore, scope: Scope | None) -> None:
    question = replace(QUESTION, scope=scope)
    await answers.save(question)
    remembered = await answers.get(question.id)
    assert remembered is not None
    assert remembered.question.scope == scope


async def test_history_is_not_saved_with_the_question(answers: QuestionStore, redis: Redis) -> None:
    await answers.save(replace(QUESTION, history=(Turn("user", "A secret."),)))
    assert b"secret" not in (await redis.get(keys.question(QUESTION.id)) or b"")


async def test_unknown_question_is_not_found(answers: QuestionStore) -> None:
    assert await answers.get("0123456789abcdef") is None


async def test_question_is_visible_to_other_processes(answers: QuestionStore, redis_url: str) -> None:
    question = await asked(answers, THREAD)
    async with connect(redis_url) as other:
        assert await QuestionStore(other, MONTH).get(question.id)


async def test_questions_expire(answers: QuestionStore, redis: Redis) -> None:
    await asked(answers, THREAD)
    for key in await redis.keys("*"):
        assert MONTH - timedelta(minutes=1) < timedelta(seconds=await redis.ttl(key)) <= MONTH


async def test_conversations_with_questions_are_known(answers: QuestionStore) -> None:
    await asked(answers, THREAD)
    assert await answers.has_questions(THREAD)
    assert not await answers.has_questions(OTHER_THREAD)
    assert not await answers.has_questions(CHANNEL)


async def test_forgetting_a_thread_deletes_only_its_questions(answers: QuestionStore) -> None:
    here, there = await asked(answers, THREAD), await asked(answers, OTHER_THREAD)
    await answers.forget(THREAD)
    assert await answers.get(here.id) is None
    assert not await answers.has_questions(THREAD)
    assert await answers.get(there.id)


async def test_forgetting_a_channel_deletes_the_questions_of_its_threads(answers: QuestionStore, redis: Redis) -> None:
    questions = [await asked(answers, place) for place in (CHANNEL, THREAD, OTHER_THREAD) for _ in range(3)]
    kept = [
        await asked(answers, place)
        for place in (
            Conversation("slack", "C12", "T1", "1.0"),
            Conversation("slack", "C1", "T2", "1.0"),
            Conversation("discord", "C1", "T1", "1.0"),
            Conversation("slack", "C1:1.0", "T1"),
        )
    ]
    await answers.forget(CHANNEL)
    assert [await answers.get(question.id) for question in questions] == [None] * 9
    assert all([await answers.get(question.id) for question in kept])
    assert len(await redis.keys("asked:*")) == len(kept)


async def test_pattern_characters_in_a_channel_name_match_no_other_channel(answers: QuestionStore) -> None:
    odd = Conversation("slack", "C*", "T?", "[a]")
    there = await asked(answers, Conversation("slack", "C1", "T1", "a"))
    here = await asked(answers, odd)
    await answers.forget(replace(odd, thread=""))
    assert await answers.get(here.id) is None
    assert await answers.get(there.id)


async def test_answers_rated_by_their_asker_survive_forgetting(answers: QuestionStore, redis: Redis) -> None:
    """That feedback was given to the operator."""
    voted, other = await asked(answers, THREAD), await asked(answers, THREAD)
    await Feedback(redis, answers, MONTH).vote(voted.id, ANN, "down")
    await answers.forget(THREAD)
    assert await answers.get(voted.id)
    assert await answers.get(other.id) is None


async def test_votes_of_others_do_not_prevent_forgetting(answers: QuestionStore, redis: Redis) -> None:
    question = await asked(answers, THREAD)
    await Feedback(redis, answers, MONTH).add_reason(question.id, Person("U2", "Bob"), "I disagree.")
    await answers.forget(THREAD)
    assert await answers.get(question.id) is None
    assert await redis.keys("*") == []


async def test_question_forgotten_while_it_is_answered_stays_forgotten(answers: QuestionStore, redis: Redis) -> None:
    await answers.save(QUESTION)
    await answers.forget(THREAD)
    await answers.save(QUESTION, ANSWER)
    assert await answers.get(QUESTION.id) is None
    assert await redis.keys("*") == []


async def test_question_without_a_conversation_is_saved(answers: QuestionStore, redis: Redis) -> None:
    question = Question("What do bees eat?", person=ANN)
    await answers.save(question)
    assert await answers.get(question.id)
    assert await redis.keys("asked:*") == []

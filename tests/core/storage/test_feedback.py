"""One vote per person and answer; the last one counts, and operators read votes with question and answer."""

import asyncio
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from core.domain import Answer, Conversation, Person, Question, RatedAnswer
from core.storage import keys
from core.storage.feedback import MAX_REASON_LENGTH, Feedback
from core.storage.question_store import QuestionStore

MONTH = timedelta(days=30)
ANN, BOB = Person("U1", "Ann"), Person("U2", "Bob")
PLACE = Conversation("slack", "C1", "T1", "1.0")
ANSWER = Answer("Honey [1].", grounded=True)


@pytest.fixture
def answers(redis: Redis) -> QuestionStore:
    return QuestionStore(redis, MONTH)


@pytest.fixture
def feedback(redis: Redis, answers: QuestionStore) -> Feedback:
    return Feedback(redis, answers, MONTH)


async def asked(answers: QuestionStore, text: str = "What do bees eat?") -> str:
    """The id of a question that was answered."""
    question = Question(text, PLACE, ANN)
    await answers.save(question)
    await answers.save(question, ANSWER)
    return question.id


def votes_of(judged: RatedAnswer) -> list[tuple[str, str, str]]:
    return [(vote.person.id, vote.rating, vote.reason) for vote in judged.votes]


async def test_votes_are_listed_with_question_and_answer(answers: QuestionStore, feedback: Feedback) -> None:
    await feedback.vote(await asked(answers), ANN, "up")
    [judged] = await feedback.rated_answers(10)
    assert judged.stored.question.text == "What do bees eat?"
    assert judged.stored.answer == ANSWER
    assert votes_of(judged) == [("U1", "up", "")]
    assert judged.votes[0].person == ANN


async def test_last_vote_of_a_person_counts(answers: QuestionStore, feedback: Feedback) -> None:
    question = await asked(answers)
    await feedback.vote(question, ANN, "up")
    await feedback.vote(question, BOB, "up")
    await feedback.vote(question, ANN, "down")
    [judged] = await feedback.rated_answers(10)
    assert votes_of(judged) == [("U1", "down", ""), ("U2", "up", "")]


@pytest.mark.parametrize(("before", "thumb"), [("up", "up"), ("down", "down"), (None, "down")])
async def test_reason_without_a_vote_counts_as_a_vote_against(
    answers: QuestionStore, feedback: Feedback, before: str | None, thumb: str
) -> None:
    question = await asked(answers)
    if before:
        await feedback.vote(question, ANN, "up" if before == "up" else "down")
    await feedback.add_reason(question, ANN, "  It is out of date. 🐝 ")
    [judged] = await feedback.rated_answers(10)
    assert votes_of(judged) == [("U1", thumb, "It is out of date. 🐝")]


async def test_new_vote_removes_the_reason(answers: QuestionStore, feedback: Feedback) -> None:
    question = await asked(answers)
    await feedback.add_reason(question, ANN, "Wrong.")
    await feedback.vote(question, ANN, "up")
    [judged] = await feedback.rated_answers(10)
    assert votes_of(judged) == [("U1", "up", "")]


async def test_long_reason_is_truncated(answers: QuestionStore, feedback: Feedback) -> None:
    await feedback.add_reason(await asked(answers), ANN, "x" * 5_000)
    [judged] = await feedback.rated_answers(10)
    assert len(judged.votes[0].reason) == MAX_REASON_LENGTH


async def test_most_recently_rated_answer_comes_first(answers: QuestionStore, feedback: Feedback) -> None:
    questions = [await asked(answers, f"Question {number}?") for number in range(4)]
    for question in (*questions, questions[1]):
        await feedback.vote(question, ANN, "up")
    texts = [judged.stored.question.text for judged in await feedback.rated_answers(3)]
    assert texts == ["Question 1?", "Question 3?", "Question 2?"]


async def test_simultaneous_votes_are_all_kept(answers: QuestionStore, feedback: Feedback) -> None:
    question = await asked(answers)
    people = [Person(f"U{number}") for number in range(50)]
    await asyncio.gather(*(feedback.vote(question, person, "up") for person in people))
    [judged] = await feedback.rated_answers(10)
    assert {vote.person for vote in judged.votes} == set(people)


async def test_vote_on_a_deleted_answer_is_ignored(answers: QuestionStore, feedback: Feedback, redis: Redis) -> None:
    question = await asked(answers)
    await answers.forget(PLACE)
    await feedback.vote(question, ANN, "up")
    await feedback.add_reason(question, ANN, "Wrong.")
    assert await feedback.rated_answers(10) == []
    assert await redis.keys("*") == []


async def test_vote_of_the_asker_extends_the_life_of_the_answer(
    answers: QuestionStore, feedback: Feedback, redis: Redis
) -> None:
    question = await asked(answers)
    await redis.expire(keys.question(question), 60)
    await feedback.vote(question, ANN, "up")
    for key in (keys.question(question), keys.votes(question), keys.FEEDBACK):
        assert MONTH - timedelta(minutes=1) < timedelta(seconds=await redis.ttl(key)) <= MONTH


async def test_votes_of_others_do_not_extend_the_life_of_a_question(
    answers: QuestionStore, feedback: Feedback, redis: Redis
) -> None:
    question = await asked(answers)
    await redis.expire(keys.question(question), 60)
    await feedback.vote(question, BOB, "up")
    for key in (keys.question(question), keys.votes(question)):
        assert 0 < await redis.ttl(key) <= 60


async def test_votes_expire(answers: QuestionStore, feedback: Feedback, redis: Redis) -> None:
    old, new = await asked(answers, "Old?"), await asked(answers, "New?")
    await feedback.vote(old, ANN, "up")
    await redis.zadd(keys.FEEDBACK, {old: 0})
    await redis.delete(keys.votes(old), keys.question(old))
    assert await feedback.rated_answers(10) == []
    await feedback.vote(new, ANN, "up")
    assert await redis.zrange(keys.FEEDBACK, 0, -1) == [new.encode()]
    assert len(await feedback.rated_answers(10)) == 1

"""Erasing a person deletes all of their data and nobody else's."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from core.domain import Answer, AnswerTrace, Conversation, Person, Question, Turn
from core.storage import keys, question_store
from core.storage.erasure import ErasedCounts, PersonEraser
from core.storage.feedback import Feedback
from core.storage.history import History
from core.storage.question_store import QuestionStore
from core.storage.rate_limiter import RateLimiter
from core.storage.token_usage import TokenUsage
from tests.redis_dump import redis_dump

MONTH = timedelta(days=30)
ANN, BOB = Person("U1", "Ann"), Person("U2", "Bob")
HERE, THERE = Conversation("slack", "C1", "T1", "1.0"), Conversation("slack", "C2", "T1")
ELSEWHERE = Conversation("discord", "C1", "T1")


@dataclass(frozen=True, slots=True)
class House:
    """All that keeps something of people."""

    redis: Redis
    history: History
    answers: QuestionStore
    feedback: Feedback

    async def asked(self, person: Person, place: Conversation, text: str) -> str:
        """A question of a person, answered, remembered and counted; its id."""
        question = Question(text, place, person)
        answer = Answer(f"{text} Honey.", grounded=True)
        await RateLimiter(self.redis).hit(keys.person_rate_limit(place.platform, person), 10)
        await self.answers.save(question)
        await self.answers.save(question, answer)
        await self.history.append(place, Turn("user", text), Turn("assistant", answer.text), person=person)
        return question.id

    async def forget(self, person: Person, platform: str = "slack") -> ErasedCounts:
        forgetting = PersonEraser(self.redis, self.history, self.answers, self.feedback)
        return await forgetting.forget(platform, person.id)


@pytest.fixture
def house(redis: Redis) -> House:
    answers = QuestionStore(redis, MONTH)
    return House(redis, History(redis, 10, MONTH), answers, Feedback(redis, answers, MONTH))


async def test_erasure_leaves_no_trace_of_a_person(house: House) -> None:
    question = await house.asked(BOB, HERE, "What do bees eat?")
    await house.feedback.vote(question, BOB, "up")
    before = await redis_dump(house.redis)
    await house.asked(ANN, HERE, "What do wasps eat?")
    hers = await house.asked(ANN, THERE, "Do wasps sting?")
    await house.feedback.vote(hers, ANN, "down")
    await house.feedback.add_reason(hers, ANN, "They do not.")
    await house.feedback.vote(hers, BOB, "down")
    await house.feedback.vote(question, ANN, "up")
    assert await house.forget(ANN) == ErasedCounts(questions=2, turns=4, votes=2)
    assert await redis_dump(house.redis) == before


async def test_more_questions_than_a_batch_are_erased(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(question_store, "BATCH_SIZE", 20)
    for number in range(30):
        await house.asked(ANN, HERE, f"hers-{number}-")
        await house.asked(BOB, HERE, f"his <{number}>")
    forgotten = await house.forget(ANN)
    assert forgotten.questions == 30
    everything = await redis_dump(house.redis)
    assert "hers" not in everything
    assert all(f"his <{number}>" in everything for number in range(30))


async def test_same_id_on_another_platform_is_another_person(house: House) -> None:
    question = await house.asked(ANN, ELSEWHERE, "What do bees eat?")
    await house.feedback.vote(question, ANN, "up")
    before = await redis_dump(house.redis)
    assert await house.forget(ANN) == ErasedCounts(0, 0, 0)
    assert await redis_dump(house.redis) == before


async def test_id_with_the_same_prefix_is_another_person(house: House) -> None:
    await house.asked(Person("U10"), HERE, "What do bees eat?")
    assert await house.forget(ANN) == ErasedCounts(0, 0, 0)


async def test_equal_questions_of_two_people_are_kept_apart(house: House) -> None:
    for person in (ANN, BOB, ANN):
        await house.asked(person, HERE, "What do bees eat?")
    assert (await house.forget(ANN)).turns == 4
    assert len(await house.history.turns(HERE)) == 2


async def test_removed_exchange_leaves_the_authors_of_the_others(house: House) -> None:
    await house.asked(ANN, HERE, "What do wasps eat?")
    await house.asked(BOB, HERE, "What do bees eat?")
    await house.history.remove_exchange(HERE, "What do bees eat?")
    assert (await house.forget(ANN)).turns == 2
    assert await house.history.turns(HERE) == ()


async def test_question_without_remaining_votes_is_not_listed(house: House) -> None:
    question = await house.asked(BOB, HERE, "What do bees eat?")
    await house.feedback.vote(question, ANN, "up")
    await house.forget(ANN)
    assert await house.feedback.rated_answers(10) == []
    assert await house.redis.exists(keys.FEEDBACK) == 0


async def test_erased_person_can_ask_again(house: House) -> None:
    await house.asked(ANN, HERE, "What do bees eat?")
    await house.forget(ANN)
    again = await house.asked(replace(ANN, name="Anna"), HERE, "What do bees eat?")
    assert await house.answers.get(again)


async def test_rewritten_questions_of_others_no_longer_quote_the_erased_person(house: House) -> None:
    await house.asked(ANN, HERE, "What do wasps eat?")
    question = Question("And bees?", HERE, BOB)
    await house.answers.save(question)
    trace = AnswerTrace("And bees? (after: What do wasps eat?)")
    await house.answers.save(question, Answer("Honey.", grounded=True, trace=trace))
    await house.redis.set(keys.gap(question.id), trace.understood, ex=60)
    await house.forget(ANN)
    assert 0 < await house.redis.ttl(keys.gap(question.id)) <= 60
    assert "wasps" not in await redis_dump(house.redis)
    kept = await house.answers.get(question.id)
    assert kept is not None
    assert kept.answer == Answer("Honey.", grounded=True, trace=AnswerTrace("And bees?"))
    assert await house.redis.ttl(keys.question(question.id)) > 0


async def test_token_counters_of_the_person_are_erased(house: House) -> None:
    budget = TokenUsage(house.redis)
    for person in (ANN, BOB, Person("U10")):
        await budget.add(Question("What do bees eat?", HERE, person), 100)
    await house.forget(ANN)
    spent = [await budget.used_today(Question("And wasps?", HERE, person)) for person in (ANN, BOB, Person("U10"))]
    assert [(each.whole, each.person) for each in spent] == [(300, 0), (300, 100), (300, 100)]

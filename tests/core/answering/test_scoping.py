"""A channel is kept to what it may be answered from, and what a channel names shows nowhere else."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from core.answering.recording import Recording
from core.answering.scoping import Channel, Channels, Scoping
from core.asking import Answered, AnswerEvent, Searching
from core.errors import ModelBusy
from core.memory.answers import Answers
from core.vocabulary import EVERYTHING, Answer, Conversation, Person, Question, Scope

HERE, ELSEWHERE = Conversation("slack", "C1", "T1", "1.0"), Conversation("slack", "C2", "T1")
CHANNELS = Channels(
    [Channel("slack", "C1", frozenset({"people"}), "You are discreet."), Channel("slack", "C3", mode="every-question")],
    ["blog", "people"],
)


@pytest.fixture
def answers(redis: Redis) -> Answers:
    return Answers(redis, timedelta(hours=1))


class Heard:
    """An asker that remembers what it was asked."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[Question] = []
        self._error = error

    async def ask(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        self.asked.append(question)
        yield Searching(question)
        if self._error:
            raise self._error
        yield Answered(Answer("Honey.", grounded=False))


async def ask(asker: Scoping | Recording, question: Question) -> None:
    async with aclosing(asker.ask(question)) as events:
        async for _ in events:
            pass


@pytest.mark.parametrize(
    ("place", "scope"),
    [
        (HERE, Scope(frozenset({"people"}), "You are discreet.")),
        (ELSEWHERE, Scope(frozenset({"blog"}))),
        (Conversation("slack", "C3", "T1"), Scope(frozenset({"blog"}))),
        (Conversation("discord", "C1"), Scope(frozenset({"blog"}))),
        (None, Scope(frozenset({"blog"}))),
    ],
)
async def test_each_place_has_its_scope(place: Conversation | None, scope: Scope) -> None:
    asker = Heard()
    await ask(Scoping(asker, CHANNELS), Question("?", place))
    assert asker.asked[0].scope == scope


async def test_whoever_brings_a_scope_keeps_it() -> None:
    asker = Heard()
    await ask(Scoping(asker, CHANNELS), Question("?", HERE, scope=EVERYTHING))
    assert asker.asked[0].scope == EVERYTHING


def test_where_no_channel_names_a_source_all_show_and_shared_ones_show_everywhere() -> None:
    assert Channels([], ["blog"]).scope(None) == Scope(None)
    named = [Channel("slack", "C1", frozenset({"people"}))]
    assert Channels(named, ["blog", "people"], ["people"]).scope(None) == Scope(None)
    assert Channels(named, ["people"]).scope(None) == Scope(frozenset())


def test_only_channels_that_say_so_are_answered_without_a_mention() -> None:
    assert CHANNELS.answers_every_question(Conversation("slack", "C3", "T1", "2.0"))
    assert not CHANNELS.answers_every_question(HERE)
    assert not CHANNELS.answers_every_question(ELSEWHERE)


async def test_a_persons_question_is_kept_with_its_answer(answers: Answers) -> None:
    question = Question("What do bees eat?", HERE, Person("U1", "Ada"), id="q1")
    await ask(Recording(Heard(), answers), question)
    remembered = await answers.recall("q1")
    assert remembered and remembered.answer and remembered.answer.text == "Honey."
    assert await answers.answered_in(HERE)


async def test_a_question_that_fails_is_kept_without_an_answer(answers: Answers) -> None:
    question = Question("What do bees eat?", HERE, Person("U1", "Ada"), id="q1")
    with pytest.raises(ModelBusy):
        await ask(Recording(Heard(ModelBusy()), answers), question)
    remembered = await answers.recall("q1")
    assert remembered and remembered.answer is None


async def test_nobodys_question_is_not_kept(answers: Answers) -> None:
    await ask(Recording(Heard(), answers), Question("What do bees eat?", HERE, id="q1"))
    assert await answers.recall("q1") is None

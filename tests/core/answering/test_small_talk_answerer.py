"""Small talk is answered without search and model, in the language of the conversation."""

from datetime import timedelta

import pytest
from redis.asyncio import Redis

from core.answerer import Answered
from core.answering.small_talk_answerer import SmallTalkAnswerer
from core.domain import Answer, Conversation, Question, Turn
from core.storage.history import History
from tests.adapters.scripted import ScriptedAsker
from tests.core.answering.collected import collect

PLACE = Conversation("slack", "C1")


@pytest.fixture
def history(redis: Redis) -> History:
    return History(redis, exchanges=10, ttl=timedelta(days=1))


async def test_small_talk_is_answered_and_not_kept(history: History) -> None:
    await history.append(PLACE, Turn("user", "Was kostet der Versand?"), Turn("assistant", "Fünf Euro [1]."))
    collected = await collect(SmallTalkAnswerer(ScriptedAsker(), history), Question("👍", PLACE))
    assert collected.answer == Answer("Bei Fragen bin ich da.", grounded=False, confidence="none", small_talk=True)
    assert len(await history.turns(PLACE)) == 2


async def test_questions_are_passed_on(history: History) -> None:
    answerer = SmallTalkAnswerer(ScriptedAsker(), history)
    collected = await collect(answerer, Question("Thanks, and on Windows?"))
    assert isinstance(collected.events[-1], Answered)
    assert not collected.answer.small_talk

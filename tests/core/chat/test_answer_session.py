"""An answer that cannot be written to its end is stopped, explained elsewhere, or fails with a sentence."""

from contextlib import nullcontext
from dataclasses import dataclass, field

import pytest
from redis.asyncio import Redis

from core.answerer import AnswerProgress
from core.chat.answer_session import AnswerSessions
from core.chat.pending_question import PendingQuestion
from core.chat.platform_errors import AnswerStoppedError, RefusedError, UnreachableError
from core.domain import Answer, Question
from core.errors import FootnotedError
from tests.core.chat.making import ANSWER, make_services

QUESTION = Question("What do bees eat?")
pytestmark = pytest.mark.usefixtures("logged")


@dataclass
class Shown:
    """A reply that keeps what it was told, and raises `error` when it is to grow."""

    error: Exception | None = None
    told: list[object] = field(default_factory=list)
    over: bool = False

    async def note(self, progress: AnswerProgress) -> None:
        """Show nothing."""

    async def grow(self, text: str) -> None:
        if self.error:
            raise self.error

    async def finish(self, answer: Answer) -> None:
        self.told.append(answer)

    async def fail(self, error: FootnotedError) -> None:
        self.told.append(error)

    async def stop(self) -> None:
        self.told.append("stopped")

    async def remove(self) -> None:
        self.told.append("removed")

    def remedy(self, error: RefusedError) -> str:
        return "Invite me." if "not_in_channel" in str(error) else ""

    async def mark_unanswered(self) -> None:
        self.told.append("noted")

    async def tell_asker(self, text: str) -> None:
        self.told.append(text)


async def no_pause() -> None:
    """Let a reply grow at once."""


async def answer(redis: Redis, reply: Shown, pending: PendingQuestion) -> None:
    sessions = AnswerSessions[Shown](make_services(redis))
    await sessions.run("T1:C1:1", pending, reply, pause=no_pause, activity=nullcontext())
    assert sessions.running == {}


async def test_an_answer_is_delivered_completely(redis: Redis) -> None:
    reply = Shown()
    await answer(redis, reply, PendingQuestion.of(QUESTION))
    assert reply.told == [ANSWER]


async def test_an_answer_from_another_process_is_shown_without_asking_again(redis: Redis) -> None:
    async def never() -> Question:
        raise AssertionError("the question is answered already")

    reply = Shown()
    await answer(redis, reply, PendingQuestion("1", "", never, answer=ANSWER))
    assert reply.told == [ANSWER]


async def test_a_question_that_cannot_be_read_gets_an_error_message(redis: Redis) -> None:
    async def broken() -> Question:
        raise ValueError("not for users")

    reply = Shown()
    await answer(redis, reply, PendingQuestion("1", "", broken))
    [error] = reply.told
    assert isinstance(error, FootnotedError)
    assert "not for users" not in error.user_message


async def test_a_stopped_answer_is_marked_as_stopped(redis: Redis) -> None:
    reply = Shown(AnswerStoppedError())
    await answer(redis, reply, PendingQuestion.of(QUESTION))
    assert reply.told[-1] == "stopped"


async def test_a_refused_reply_tells_the_asker_how_to_fix_it(redis: Redis) -> None:
    reply = Shown(RefusedError("not_in_channel"))
    await answer(redis, reply, PendingQuestion.of(QUESTION))
    assert reply.told[-1] == "Invite me."


async def test_errors_that_the_asker_cannot_fix_are_not_shown(redis: Redis) -> None:
    for error in (RefusedError("invalid_auth"), UnreachableError("no connection")):
        reply = Shown(error)
        await answer(redis, reply, PendingQuestion.of(QUESTION))
        assert reply.told == []

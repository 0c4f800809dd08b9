"""A reply grows no faster than its platform lets it, shows the newest that there is, and ends when the answer does."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from aiolimiter import AsyncLimiter

from core.answerer import Answered, AnswerEvent, AnswerProgress, Found, Retracted, Searching, Wrote
from core.chat.delivery import deliver
from core.chat.paced_reply import ReplyPace, paced
from core.domain import Answer, Question
from core.errors import FootnotedError, ModelBusyError

QUESTION = Question("What do bees eat?")
ANSWER = Answer("They eat honey.", grounded=True)
WITHIN = 10.0
"""Seconds; nothing here takes a tenth of it."""


class Clock:
    """Time passes when the test says so."""

    def __init__(self) -> None:
        self._ticks = asyncio.Semaphore(0)
        self.waiting = 0

    async def pause(self) -> None:
        self.waiting += 1
        try:
            await self._ticks.acquire()
        finally:
            self.waiting -= 1

    async def tick(self, times: int = 1) -> None:
        """Lets the platform be written to, and all that follows from it happen."""
        for _ in range(times):
            self._ticks.release()
        await settled()


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@dataclass
class Shown:
    """A reply that keeps what it was told; `grow` can be made to take its time, or to fail."""

    told: list[object] = field(default_factory=list)
    free: asyncio.Event = field(default_factory=asyncio.Event)
    error: Exception | None = None
    growing: int = 0

    def __post_init__(self) -> None:
        self.free.set()

    async def note(self, progress: AnswerProgress) -> None:
        self.told.append(type(progress))

    async def grow(self, text: str) -> None:
        self.growing += 1
        try:
            await self.free.wait()
            if self.error:
                raise self.error
            self.told.append(text)
        finally:
            self.growing -= 1

    async def finish(self, answer: Answer) -> None:
        assert self.growing == 0
        self.told.append(answer)

    async def fail(self, error: FootnotedError) -> None:
        assert self.growing == 0
        self.told.append(error)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shown() -> Shown:
    return Shown()


async def test_only_the_newest_text_is_shown_after_a_pause(clock: Clock, shown: Shown) -> None:
    async with paced(shown, clock.pause) as reply:
        for text in ("1", "12", "123"):
            await reply.grow(text)
        await settled()
        assert shown.told == []
        await clock.tick()
        assert shown.told == ["123"]
        await reply.grow("1234")
        await settled()
        assert shown.told == ["123"]
        await clock.tick()
        assert shown.told == ["123", "1234"]


async def test_a_word_that_may_be_cut_is_not_shown_and_uses_up_no_pause(clock: Clock, shown: Shown) -> None:
    async with paced(shown, clock.pause) as reply:
        await reply.grow("Lunc")
        await settled()
        assert clock.waiting == 0
        await reply.grow("Lunch is")
        await clock.tick()
        assert shown.told == ["Lunch "]
        await reply.grow("Lunch is served")
        await clock.tick()
        assert shown.told == ["Lunch ", "Lunch is "]


async def test_unchanged_text_is_not_shown_again(clock: Clock, shown: Shown) -> None:
    async with paced(shown, clock.pause) as reply:
        await settled()
        assert clock.waiting == 0
        await reply.grow("1")
        await clock.tick()
        await settled()
        assert shown.told == ["1"]
        assert clock.waiting == 0


async def test_writing_does_not_wait_for_the_display(clock: Clock, shown: Shown) -> None:
    shown.free.clear()
    async with paced(shown, clock.pause) as reply:
        await reply.grow("1")
        await clock.tick()
        assert shown.growing == 1
        for text in ("12", "123"):
            await asyncio.wait_for(reply.grow(text), WITHIN)
        shown.free.set()
        await clock.tick()
        assert shown.told == ["1", "123"]


async def test_a_finished_answer_is_shown_at_once_and_last(clock: Clock, shown: Shown) -> None:
    async with paced(shown, clock.pause) as reply:
        await reply.grow("1")
        await settled()
        await asyncio.wait_for(reply.finish(ANSWER), WITHIN)
        await clock.tick()
        assert shown.told == [ANSWER]


async def test_a_failure_is_shown_at_once_and_last(clock: Clock, shown: Shown) -> None:
    error = ModelBusyError()
    async with paced(shown, clock.pause) as reply:
        await reply.grow("1")
        await asyncio.wait_for(reply.fail(error), WITHIN)
        await clock.tick()
    assert shown.told == [error]


@pytest.mark.parametrize("ending", ["finish", "fail"])
async def test_the_end_waits_for_an_update_in_progress(clock: Clock, shown: Shown, ending: str) -> None:
    shown.free.clear()
    async with paced(shown, clock.pause) as reply:
        await reply.grow("1")
        await clock.tick()
        end = asyncio.create_task(reply.finish(ANSWER) if ending == "finish" else reply.fail(ModelBusyError()))
        await settled()
        assert not end.done()
        shown.free.set()
        await asyncio.wait_for(end, WITHIN)
    assert shown.told[0] == "1"
    assert len(shown.told) == 2


async def test_progress_is_shown_at_once(clock: Clock, shown: Shown) -> None:
    async with paced(shown, clock.pause) as reply:
        await reply.note(Searching(QUESTION))
        await reply.note(Found(()))
        assert shown.told == [Searching, Found]


async def test_text_that_is_taken_back_is_not_shown_later(clock: Clock, shown: Shown) -> None:
    shown.free.clear()
    async with paced(shown, clock.pause) as reply:
        await reply.grow("1")
        await clock.tick()
        await reply.grow("12")
        taking_back = asyncio.create_task(reply.note(Retracted()))
        await settled()
        assert not taking_back.done()
        shown.free.set()
        await taking_back
        await clock.tick()
        assert shown.told == ["1", Retracted]
        await reply.grow("3")
        await clock.tick()
        assert shown.told == ["1", Retracted, "3"]


async def test_a_whole_answer_is_delivered_at_the_platforms_pace(clock: Clock, shown: Shown) -> None:
    async def events() -> AsyncGenerator[AnswerEvent, None]:
        yield Searching(QUESTION)
        yield Found(())
        for number, word in enumerate(("They ", "eat ", "hon", "ey.")):
            yield Wrote(word)
            await settled()
            if number % 2:
                await clock.tick()
        yield Answered(ANSWER)

    async with paced(shown, clock.pause) as reply:
        await deliver(events(), reply)
    assert shown.told == [Searching, Found, "They eat ", "They eat honey.", ANSWER]


async def test_an_error_while_showing_text_ends_the_reply(clock: Clock, shown: Shown) -> None:
    shown.error = ConnectionResetError("the platform")
    with pytest.raises(ExceptionGroup) as caught:
        async with paced(shown, clock.pause) as reply:
            await reply.grow("1")
            await clock.tick()
            await asyncio.wait_for(asyncio.Event().wait(), WITHIN)
    assert caught.value.subgroup(ConnectionResetError)


async def test_a_cancelled_reply_shows_nothing_more(clock: Clock, shown: Shown) -> None:
    begun = asyncio.Event()

    async def answer() -> None:
        async with paced(shown, clock.pause) as reply:
            await reply.grow("1")
            begun.set()
            await asyncio.Event().wait()

    answering = asyncio.create_task(answer())
    await begun.wait()
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering
    await clock.tick()
    assert shown.told == []
    assert clock.waiting == 0


async def test_an_empty_reply_ends_at_once(clock: Clock, shown: Shown) -> None:
    async with asyncio.timeout(WITHIN), paced(shown, clock.pause):
        pass
    assert shown.told == []


async def test_first_updates_are_immediate_and_later_ones_share_a_budget() -> None:
    budget = AsyncLimiter(1, 60)
    one, other = ReplyPace(timedelta(), budget), ReplyPace(timedelta(), budget)
    async with asyncio.timeout(1):
        await one()
        await other()
        await one()  # takes all of the budget
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await other()

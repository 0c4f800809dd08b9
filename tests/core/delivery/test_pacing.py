"""A reply grows no faster than it may, and shows the newest of what came meanwhile."""

import asyncio
from datetime import timedelta

import pytest
from aiolimiter import AsyncLimiter

from core.asking import Found, Searching
from core.delivery.pacing import Pace, paced
from core.errors import FootnotedError, ModelBusy
from core.vocabulary import Answer, Question


class Shown:
    """A reply that remembers; it waits in `grow` until it is let go on."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.ended: Answer | FootnotedError | None = None
        self.notes = 0
        self.error: Exception | None = None

    async def note(self, progress: Searching | Found) -> None:
        self.notes += 1

    async def grow(self, text: str) -> None:
        if self.error:
            raise self.error
        self.texts.append(text)

    async def finish(self, answer: Answer) -> None:
        self.ended = answer

    async def fail(self, error: FootnotedError) -> None:
        self.ended = error


class Turned:
    """A pause that a test ends."""

    def __init__(self) -> None:
        self.go = asyncio.Semaphore(0)

    async def __call__(self) -> None:
        await self.go.acquire()


async def until(shown: Shown, count: int) -> None:
    async with asyncio.timeout(5):
        while len(shown.texts) < count:
            await asyncio.sleep(0)


async def test_of_what_comes_while_it_may_not_grow_only_the_newest_is_shown() -> None:
    shown, pause = Shown(), Turned()
    async with paced(shown, pause) as reply:
        for text in ("a", "ab", "abc"):
            await reply.grow(text)
        pause.go.release()
        await until(shown, 1)
        await reply.grow("abcd")
        pause.go.release()
        await until(shown, 2)
    assert shown.texts == ["abc", "abcd"]


@pytest.mark.parametrize("fails", [False, True])
async def test_nothing_grows_behind_the_end(fails: bool) -> None:
    shown, pause = Shown(), Turned()
    async with paced(shown, pause) as reply:
        await reply.note(Searching(Question("?")))
        await reply.grow("a")
        await (reply.fail(ModelBusy()) if fails else reply.finish(Answer("a", grounded=False)))
        pause.go.release()
        await asyncio.sleep(0.01)
    assert (shown.texts, shown.notes) == ([], 1)
    assert isinstance(shown.ended, ModelBusy if fails else Answer)


async def test_what_growing_raises_ends_the_block() -> None:
    shown, pause = Shown(), Turned()
    shown.error = ValueError("gone")
    pause.go.release()
    with pytest.raises(ExceptionGroup) as caught:
        async with paced(shown, pause) as reply:
            await reply.grow("a")
            await asyncio.sleep(5)
    assert caught.group_contains(ValueError, match="gone")


async def test_the_first_words_come_at_once_and_the_next_share_a_budget() -> None:
    budget = AsyncLimiter(1, 60)
    one, other = Pace(timedelta(), budget), Pace(timedelta(), budget)
    async with asyncio.timeout(1):
        await one()
        await other()
        await one()  # takes all of the budget
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await other()

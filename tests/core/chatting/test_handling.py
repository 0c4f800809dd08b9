"""Events are handled many at a time, each once; what is stopped, fails or comes too late is never lost silently."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from core.chatting import handling as handling_module
from core.chatting.handling import Handling
from core.errors import ModelBusy
from core.memory import keys
from core.memory.connection import as_text, connect
from core.memory.once import Once
from core.vocabulary import Event, Taken
from tests.servers.redis import bad_line

SOON = timedelta(milliseconds=50)
WITHIN = 10.0
"""Seconds; nothing here takes a tenth of it."""


def event_of(number: int) -> Event:
    return Event((f"T1:C1:{number}", f"Ev{number}"), {"number": number})


FIRST, SECOND = event_of(1), event_of(2)


@dataclass
class Answering:
    """What handles events: each waits until the test lets it go on."""

    begun: list[tuple[str, Taken]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    may_end: asyncio.Event = field(default_factory=asyncio.Event)
    error: Exception | None = None
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def handle(self, event: Event, taken: Taken) -> None:
        self.begun.append((event.names[0], taken))
        await self._tell()
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled.append(event.names[0])
            raise
        if self.error:
            raise self.error
        self.ended.append(event.names[0])
        await self._tell()

    async def began(self, number: int) -> None:
        """Waits until so many have begun."""
        async with asyncio.timeout(WITHIN), self.changed:
            await self.changed.wait_for(lambda: len(self.begun) >= number)

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()


@pytest.fixture
def answering() -> Answering:
    return Answering()


@pytest.fixture(autouse=True)
def looking_around_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handling_module, "TAKE_OVER_EVERY", timedelta(milliseconds=10))


@pytest.fixture
async def handling(redis: Redis, answering: Answering) -> AsyncIterator[Handling]:
    """Open; what still runs at the end of a test is left behind."""
    handling = Handling(Once(redis, "slack"), answering.handle, finish_within=timedelta())
    async with handling.open():
        yield handling


@pytest.fixture
async def other(redis: Redis) -> AsyncIterator[Once]:
    """Another process."""
    once = Once(redis, "slack")
    async with once.living():
        yield once


async def noted(redis: Redis, event: Event) -> None:
    """Waits until Redis knows that an event was handled."""
    async with asyncio.timeout(WITHIN):
        while await redis.get(keys.event("slack", event.names[0])) != b"handled":
            await asyncio.sleep(0.005)


async def test_receiving_does_not_wait_for_the_answer(handling: Handling, answering: Answering) -> None:
    assert await handling.receive(FIRST)
    assert await handling.receive(SECOND)
    await answering.began(2)
    assert answering.begun == [("T1:C1:1", Taken.NEW), ("T1:C1:2", Taken.NEW)]
    assert answering.ended == []


async def test_an_event_is_handled_once_however_often_it_comes(
    handling: Handling, answering: Answering, redis: Redis
) -> None:
    answering.may_end.set()
    assert [await handling.receive(FIRST) for _ in range(4)] == [True, False, False, False]
    await noted(redis, FIRST)
    assert not await handling.receive(FIRST)
    assert answering.ended == ["T1:C1:1"]
    assert not await redis.exists(keys.unanswered("slack"))


async def test_before_it_is_open_nothing_is_taken_and_nobody_thinks_so(redis: Redis, answering: Answering) -> None:
    with pytest.raises(RuntimeError):
        await Handling(Once(redis, "slack"), answering.handle).receive(FIRST)
    assert await redis.keys("*") == []


@pytest.mark.parametrize("error", [ModelBusy("429"), KeyError("x"), ExceptionGroup("two", [ValueError()])])
async def test_an_event_that_fails_is_logged_and_the_others_go_on(
    handling: Handling, answering: Answering, redis: Redis, error: Exception
) -> None:
    answering.error = error
    answering.may_end.set()
    with capture_logs() as logs:
        await handling.receive(FIRST)
        await noted(redis, FIRST)
    [line] = logs
    assert (line["event"], line["name"], line["exc_info"]) == ("an event failed", "T1:C1:1", error)
    assert line["error_id"]
    answering.error = None
    await handling.receive(SECOND)
    await noted(redis, SECOND)
    assert answering.ended == ["T1:C1:2"]


async def test_an_event_is_stopped_by_any_of_its_names_and_not_handled_again(
    handling: Handling, answering: Answering, redis: Redis, other: Once
) -> None:
    await handling.receive(FIRST)
    await handling.receive(SECOND)
    await answering.began(2)
    assert await handling.stop("Ev1")
    assert answering.cancelled == ["T1:C1:1"]
    assert not await handling.stop("T1:C1:1")
    assert not await handling.receive(FIRST)
    assert await other.take(FIRST) is None
    assert await other.left_behind() == []
    answering.may_end.set()
    await noted(redis, SECOND)


async def test_an_event_that_has_hardly_begun_can_be_stopped(
    handling: Handling, answering: Answering, other: Once
) -> None:
    assert await handling.receive(FIRST)
    assert await handling.stop("T1:C1:1")
    assert answering.ended == []
    assert await other.take(FIRST) is None


async def test_what_does_not_run_cannot_be_stopped(handling: Handling, answering: Answering, redis: Redis) -> None:
    assert not await handling.stop("T1:C1:1")
    answering.may_end.set()
    await handling.receive(FIRST)
    await noted(redis, FIRST)
    assert not await handling.stop("T1:C1:1")


async def test_what_handles_an_event_does_not_stop_itself(redis: Redis) -> None:
    told: list[bool] = []

    async def handle(event: Event, taken: Taken) -> None:
        told.append(await stopping.stop(event.names[0]))

    stopping = Handling(Once(redis, "slack"), handle)
    async with stopping.open():
        await stopping.receive(FIRST)
        await noted(redis, FIRST)
    assert told == [False]


async def test_what_runs_when_the_bot_is_stopped_may_finish(redis: Redis, answering: Answering, other: Once) -> None:
    handling = Handling(Once(redis, "slack"), answering.handle)

    async def live() -> None:
        async with handling.open():
            await handling.receive(FIRST)

    closing = asyncio.create_task(live())
    await answering.began(1)
    assert not closing.done()
    answering.may_end.set()
    await asyncio.wait_for(closing, WITHIN)
    assert answering.ended == ["T1:C1:1"]
    assert await other.take(FIRST) is None
    assert await other.left_behind() == []


async def test_what_does_not_finish_in_time_is_left_to_another_process(
    redis: Redis, answering: Answering, other: Once
) -> None:
    handling = Handling(Once(redis, "slack"), answering.handle, finish_within=SOON)
    with capture_logs() as logs:
        async with handling.open():
            await handling.receive(FIRST)
            await answering.began(1)
    assert answering.cancelled == ["T1:C1:1"]
    assert ("questions are left to other processes", 1) in [(line["event"], line.get("questions")) for line in logs]
    assert await other.left_behind() == [FIRST]


async def test_what_comes_while_the_bot_is_being_stopped_is_left_to_another_process(
    redis: Redis, answering: Answering, other: Once
) -> None:
    """The platform was told that it arrived, and will not deliver it again."""
    handling = Handling(Once(redis, "slack"), answering.handle)

    async def live() -> None:
        async with handling.open():
            await handling.receive(FIRST)
            await answering.began(1)

    closing = asyncio.create_task(live())
    await answering.began(1)
    async with asyncio.timeout(WITHIN):
        while not handling._closing:
            await asyncio.sleep(0)
    assert await handling.receive(SECOND)
    answering.may_end.set()
    await asyncio.wait_for(closing, WITHIN)
    assert answering.ended == ["T1:C1:1"]
    assert await other.left_behind() == [SECOND]


async def test_an_event_that_is_being_taken_when_the_bot_is_stopped_does_not_keep_it(
    redis: Redis, redis_url: str, answering: Answering, other: Once
) -> None:
    async with bad_line(redis_url) as line, connect(line.address) as far:
        handling = Handling(Once(far, "slack"), answering.handle, finish_within=SOON)
        async with handling.open():
            receiving = asyncio.create_task(handling.receive(FIRST))
            await asyncio.sleep(0)  # it has asked, and has no reply yet
        assert await asyncio.wait_for(receiving, WITHIN)
    assert answering.begun == []
    holder = as_text(await redis.get(keys.event("slack", "Ev1")))
    await redis.delete(keys.process("slack", holder))  # its last sign of life runs out
    assert await other.left_behind() == [FIRST]


async def test_when_the_bot_fails_what_runs_may_finish_too(redis: Redis, answering: Answering, other: Once) -> None:
    handling = Handling(Once(redis, "slack"), answering.handle)

    async def live() -> None:
        async with handling.open():
            await handling.receive(FIRST)
            await answering.began(1)
            raise OSError("the socket")

    closing = asyncio.create_task(live())
    await answering.began(1)
    answering.may_end.set()
    with pytest.raises(ExceptionGroup) as caught:
        await asyncio.wait_for(closing, WITHIN)
    assert caught.value.subgroup(OSError)
    assert answering.ended == ["T1:C1:1"]
    assert await other.take(FIRST) is None


async def test_when_the_bot_is_cancelled_what_runs_may_finish_too(
    redis: Redis, answering: Answering, other: Once
) -> None:
    handling = Handling(Once(redis, "slack"), answering.handle)

    async def live() -> None:
        async with handling.open():
            await handling.receive(FIRST)
            await asyncio.Event().wait()

    closing = asyncio.create_task(live())
    await answering.began(1)
    closing.cancel()
    await asyncio.sleep(0)
    answering.may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(closing, WITHIN)
    assert answering.ended == ["T1:C1:1"]
    assert await other.take(FIRST) is None


async def test_what_a_dead_process_had_is_handled_without_a_redelivery(
    handling: Handling, answering: Answering, redis: Redis
) -> None:
    once = Once(redis, "slack")
    async with once.living():
        await once.take(FIRST)
    await answering.began(1)
    assert answering.begun == [("T1:C1:1", Taken.OVER)]
    answering.may_end.set()
    await noted(redis, FIRST)


async def test_what_another_process_took_over_is_given_up(
    handling: Handling, answering: Answering, redis: Redis, other: Once
) -> None:
    """As after a pause that was longer than a sign of life: the other answers now, and nobody twice."""
    await handling.receive(FIRST)
    await handling.receive(SECOND)
    await answering.began(2)
    holder = as_text(await redis.get(keys.event("slack", "Ev1")))
    await redis.delete(keys.process("slack", holder))
    assert await other.take(FIRST) is Taken.OVER
    async with asyncio.timeout(WITHIN):
        while not answering.cancelled:
            await asyncio.sleep(0.005)
    assert answering.cancelled == ["T1:C1:1"]
    assert await redis.get(keys.event("slack", "Ev1")) != b"handled"
    answering.may_end.set()
    await noted(redis, SECOND)
    await other.done(FIRST)


async def test_a_hundred_events_run_beside_each_other(handling: Handling, answering: Answering, redis: Redis) -> None:
    received = await asyncio.gather(*(handling.receive(event_of(number)) for number in range(100)))
    assert all(received)
    await answering.began(100)
    answering.may_end.set()
    for number in range(100):
        await noted(redis, event_of(number))
    assert len(answering.ended) == 100


async def test_without_redis_events_are_handled_all_the_same(answering: Answering) -> None:
    """Whoever asked is told that something is wrong."""
    answering.may_end.set()
    async with connect("redis://127.0.0.1:1") as nowhere:
        handling = Handling(Once(nowhere, "slack"), answering.handle)
        async with handling.open():
            assert await handling.receive(FIRST)
            assert not await handling.receive(FIRST)
    assert answering.ended == ["T1:C1:1"]

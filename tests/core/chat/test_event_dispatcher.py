"""Events are handled many at a time, each once; what is stopped or fails is never lost silently."""

import asyncio

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from core.chat.event_dispatcher import EventDispatcher
from core.errors import ModelBusyError
from core.events import Claim, Event
from core.storage import keys
from core.storage.connection import as_text, connect
from core.storage.event_claims import EventClaims
from core.telemetry import QuestionContext, question_context
from tests.core.chat.answering import FIRST, SECOND, WITHIN, Answering, event_of, noted


async def test_receiving_does_not_wait_for_the_answer(handling: EventDispatcher, answering: Answering) -> None:
    assert await handling.receive(FIRST)
    assert await handling.receive(SECOND)
    await answering.began(2)
    assert answering.begun == [("T1:C1:1", Claim.NEW), ("T1:C1:2", Claim.NEW)]
    assert answering.ended == []


async def test_an_event_delivered_several_times_is_handled_once(
    handling: EventDispatcher, answering: Answering, redis: Redis
) -> None:
    answering.may_end.set()
    assert [await handling.receive(FIRST) for _ in range(4)] == [True, False, False, False]
    await noted(redis, FIRST)
    assert not await handling.receive(FIRST)
    assert answering.ended == ["T1:C1:1"]
    assert not await redis.exists(keys.pending_events("slack"))


async def test_a_dispatcher_that_is_not_open_accepts_no_events(redis: Redis, answering: Answering) -> None:
    with pytest.raises(RuntimeError):
        await EventDispatcher(EventClaims(redis, "slack"), answering.handle).receive(FIRST)
    assert await redis.keys("*") == []


@pytest.mark.parametrize("error", [ModelBusyError("429"), KeyError("x"), ExceptionGroup("two", [ValueError()])])
async def test_a_failed_event_is_logged_and_later_events_are_handled(
    handling: EventDispatcher, answering: Answering, redis: Redis, error: Exception
) -> None:
    answering.error = error
    answering.may_end.set()
    with capture_logs() as logs:
        await handling.receive(FIRST)
        await noted(redis, FIRST)
    [line] = logs
    assert (line["event"], line["name"], line["exc_info"]) == ("event failed", "T1:C1:1", error)
    assert line["error_id"]
    answering.error = None
    await handling.receive(SECOND)
    await noted(redis, SECOND)
    assert answering.ended == ["T1:C1:2"]


async def test_an_event_can_be_stopped_by_any_of_its_names_and_is_not_retried(
    handling: EventDispatcher, answering: Answering, redis: Redis, other: EventClaims
) -> None:
    await handling.receive(FIRST)
    await handling.receive(SECOND)
    await answering.began(2)
    assert await handling.stop("Ev1")
    assert answering.cancelled == ["T1:C1:1"]
    assert not await handling.stop("T1:C1:1")
    assert not await handling.receive(FIRST)
    assert await other.claim(FIRST) is None
    assert await other.claim_orphaned() == []
    answering.may_end.set()
    await noted(redis, SECOND)


async def test_an_event_can_be_stopped_right_after_it_is_received(
    handling: EventDispatcher, answering: Answering, other: EventClaims
) -> None:
    assert await handling.receive(FIRST)
    assert await handling.stop("T1:C1:1")
    assert answering.ended == []
    assert await other.claim(FIRST) is None


async def test_an_event_that_is_not_running_cannot_be_stopped(
    handling: EventDispatcher, answering: Answering, redis: Redis
) -> None:
    assert not await handling.stop("T1:C1:1")
    answering.may_end.set()
    await handling.receive(FIRST)
    await noted(redis, FIRST)
    assert not await handling.stop("T1:C1:1")


async def test_an_event_handler_cannot_stop_itself(redis: Redis) -> None:
    told: list[bool] = []

    async def handle(event: Event, taken: Claim) -> None:
        told.append(await stopping.stop(event.names[0]))

    stopping = EventDispatcher(EventClaims(redis, "slack"), handle)
    async with stopping.open():
        await stopping.receive(FIRST)
        await noted(redis, FIRST)
    assert told == [False]


async def test_events_of_a_dead_process_are_handled_without_redelivery(
    handling: EventDispatcher, answering: Answering, redis: Redis
) -> None:
    once = EventClaims(redis, "slack")
    async with once.heartbeat():
        await once.claim(FIRST)
    await answering.began(1)
    assert answering.begun == [("T1:C1:1", Claim.TAKEOVER)]
    answering.may_end.set()
    await noted(redis, FIRST)


async def test_an_event_taken_over_by_another_process_is_cancelled(
    handling: EventDispatcher, answering: Answering, redis: Redis, other: EventClaims
) -> None:
    """This happens after a pause longer than the heartbeat TTL; each question is still answered once."""
    await handling.receive(FIRST)
    await handling.receive(SECOND)
    await answering.began(2)
    holder = as_text(await redis.get(keys.event("slack", "Ev1")))
    await redis.delete(keys.process_heartbeat("slack", holder))
    assert await other.claim(FIRST) is Claim.TAKEOVER
    async with asyncio.timeout(WITHIN):
        while not answering.cancelled:
            await asyncio.sleep(0.005)
    assert answering.cancelled == ["T1:C1:1"]
    assert await redis.get(keys.event("slack", "Ev1")) != b"handled"
    answering.may_end.set()
    await noted(redis, SECOND)
    await other.complete(FIRST)


async def test_a_hundred_events_are_handled_concurrently(
    handling: EventDispatcher, answering: Answering, redis: Redis
) -> None:
    received = await asyncio.gather(*(handling.receive(event_of(number)) for number in range(100)))
    assert all(received)
    await answering.began(100)
    answering.may_end.set()
    for number in range(100):
        await noted(redis, event_of(number))
    assert len(answering.ended) == 100


async def test_events_are_handled_even_without_redis(answering: Answering) -> None:
    """The handler tells the asker that something is wrong."""
    answering.may_end.set()
    async with connect("redis://127.0.0.1:1") as nowhere:
        handling = EventDispatcher(EventClaims(nowhere, "slack"), answering.handle)
        async with handling.open():
            assert await handling.receive(FIRST)
            assert not await handling.receive(FIRST)
    assert answering.ended == ["T1:C1:1"]


async def test_private_texts_of_an_event_are_known_while_it_is_handled(redis: Redis) -> None:
    """So that no failure quotes them in the log."""
    seen: list[QuestionContext | None] = []

    async def handle(event: Event, taken: Claim) -> None:
        seen.append(question_context.get())

    event = Event(("T1:C1:9",), {"said": {"text": "Why is it so?", "channel": "C1", "files": ["my old letter.txt", 3]}})
    handling = EventDispatcher(EventClaims(redis, "slack"), handle)
    async with handling.open():
        await handling.receive(event)
        await noted(redis, event)
    [current] = seen
    assert current is not None
    assert (current.question_id, current.private_texts) == ("", ["Why is it so?", "my old letter.txt"])
    assert question_context.get() is None

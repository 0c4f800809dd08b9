"""When the bot is stopped, what runs may finish, and what is late is left to another process."""

import asyncio

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from core.chat.event_dispatcher import EventDispatcher
from core.storage import keys
from core.storage.connection import as_text, connect
from core.storage.event_claims import EventClaims
from tests.core.chat.answering import FIRST, SECOND, SOON, WITHIN, Answering
from tests.servers.redis import redis_proxy


async def test_unfinished_events_are_left_to_another_process(
    redis: Redis, answering: Answering, other: EventClaims
) -> None:
    handling = EventDispatcher(EventClaims(redis, "slack"), answering.handle, finish_within=SOON)
    with capture_logs() as logs:
        async with handling.open():
            await handling.receive(FIRST)
            await answering.began(1)
    assert answering.cancelled == ["T1:C1:1"]
    assert ("events left to other processes", 1) in [(line["event"], line.get("events")) for line in logs]
    assert await other.claim_orphaned() == [FIRST]


async def test_when_stopped_running_events_finish_and_new_ones_are_left_to_another_process(
    redis: Redis, answering: Answering, other: EventClaims
) -> None:
    """The platform was told that they arrived, and will not deliver them again."""
    handling = EventDispatcher(EventClaims(redis, "slack"), answering.handle)
    stopping = asyncio.Event()

    async def live() -> None:
        async with handling.open():
            await handling.receive(FIRST)
            await answering.began(1)
            stopping.set()

    closing = asyncio.create_task(live())
    await asyncio.wait_for(stopping.wait(), WITHIN)
    assert await handling.receive(SECOND)
    assert not closing.done()
    answering.may_end.set()
    await asyncio.wait_for(closing, WITHIN)
    assert answering.ended == ["T1:C1:1"]
    assert await other.claim(FIRST) is None
    assert await other.claim_orphaned() == [SECOND]


async def test_an_event_being_claimed_does_not_delay_shutdown(
    redis: Redis, redis_url: str, answering: Answering, other: EventClaims
) -> None:
    async with redis_proxy(redis_url) as line, connect(line.address) as far:
        handling = EventDispatcher(EventClaims(far, "slack"), answering.handle, finish_within=SOON)
        async with handling.open():
            receiving = asyncio.create_task(handling.receive(FIRST))
            await asyncio.sleep(0)  # it has asked, and has no reply yet
        assert await asyncio.wait_for(receiving, WITHIN)
    assert answering.begun == []
    holder = as_text(await redis.get(keys.event("slack", "Ev1")))
    await redis.delete(keys.process_heartbeat("slack", holder))  # its last sign of life runs out
    assert await other.claim_orphaned() == [FIRST]


async def test_running_events_finish_when_the_bot_fails(redis: Redis, answering: Answering, other: EventClaims) -> None:
    handling = EventDispatcher(EventClaims(redis, "slack"), answering.handle)

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
    assert await other.claim(FIRST) is None


async def test_running_events_finish_when_the_bot_is_cancelled(
    redis: Redis, answering: Answering, other: EventClaims
) -> None:
    handling = EventDispatcher(EventClaims(redis, "slack"), answering.handle)

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
    assert await other.claim(FIRST) is None

"""Each event is handled once even if Redis or a process is away for a while."""

import asyncio
from datetime import timedelta

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from core.events import Claim, Event
from core.storage import event_claims, keys
from core.storage.connection import connect
from core.storage.event_claims import EventClaims
from tests.core.storage.processes import MENTION, OTHER, SAME_MESSAGE, Process, holder_of
from tests.servers.redis import RedisProxy


async def test_without_redis_a_process_handles_each_event_once(line: RedisProxy, far: Process) -> None:
    line.cut()
    with capture_logs() as logs:
        assert await far.claims.claim(MENTION) is Claim.NEW
        assert await far.claims.claim(MENTION) is None
        assert await far.claims.claim(SAME_MESSAGE) is None
    assert {line["event"] for line in logs} == {"event claim failed"}


async def test_without_redis_events_known_to_belong_to_another_process_are_ignored(
    line: RedisProxy, far: Process, processes: list[Process]
) -> None:
    await processes[0].claims.claim(MENTION)
    assert await far.claims.claim(MENTION) is None
    line.cut()
    assert await far.claims.claim(MENTION) is None


async def test_event_handled_during_an_outage_is_not_handled_again_afterwards(
    line: RedisProxy, far: Process, processes: list[Process]
) -> None:
    line.cut()
    await far.claims.claim(MENTION)
    await far.claims.complete(MENTION)
    line.restore()
    assert await far.claims.claim(MENTION) is None
    await far.end()
    assert await processes[0].claims.claim(MENTION) is None


async def test_completion_during_an_outage_is_recorded_later(
    line: RedisProxy, far: Process, processes: list[Process]
) -> None:
    await far.claims.claim(MENTION)
    line.cut()
    await far.claims.complete(MENTION)
    line.restore()
    await far.end()
    assert await processes[0].claims.claim_orphaned() == []
    assert await processes[0].claims.claim(MENTION) is None


async def test_event_is_not_lost_with_the_reply_of_redis(
    line: RedisProxy, far: Process, processes: list[Process]
) -> None:
    """The client repeats a command that Redis has already executed."""
    await far.claims.claim(OTHER)  # loads the script into the server
    line.drop_reply_to(b"Ev1")
    assert await far.claims.claim(MENTION)
    assert line.dropped_replies == 1
    assert await far.claims.claim(MENTION) is None
    assert await processes[0].claims.claim(MENTION) is None


async def test_event_held_unknowingly_is_found_by_the_scan(
    line: RedisProxy, far: Process, processes: list[Process]
) -> None:
    one = processes[0]
    await one.claims.claim(MENTION)
    await one.end()

    async def cut_in_the_middle() -> None:
        while not line.dropped_replies:
            await asyncio.sleep(0.001)
        line.cut()

    line.drop_reply_to(b"EVALSHA")
    cutting = asyncio.create_task(cut_in_the_middle())
    assert await far.claims.claim_orphaned() == []
    await cutting
    line.restore()
    assert await far.claims.claim_orphaned() == [MENTION]
    assert await far.claims.claim_orphaned() == []


async def test_events_claimed_before_an_outage_are_returned(
    line: RedisProxy, far: Process, redis: Redis, processes: list[Process]
) -> None:
    """The connection breaks after half of the dead process's events have been claimed."""
    one = processes[0]
    await one.claims.claim(MENTION)
    await one.claims.claim(OTHER)
    await one.end()
    before = await redis.hlen(keys.pending_events("slack"))

    async def cut_after_the_first() -> None:
        held = [keys.event("slack", event.names[0]) for event in (MENTION, OTHER)]
        gone = await redis.mget(held)
        while await redis.mget(held) == gone:
            await asyncio.sleep(0)
        line.cut()

    cutting = asyncio.create_task(cut_after_the_first())
    found = await far.claims.claim_orphaned()
    await cutting
    line.restore()
    found += await far.claims.claim_orphaned()
    assert before == 2
    assert sorted(event.names for event in found) == sorted([MENTION.names, OTHER.names])


async def test_after_an_outage_live_processes_keep_their_events(
    redis: Redis, processes: list[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All heartbeats expired during the outage, and the first process to return sees no other."""
    one, two, three = processes
    await one.claims.claim(MENTION)
    await redis.delete(*[key async for key in redis.scan_iter("process:*")])
    assert await two.claims.claim_orphaned() == []
    assert await three.claims.claim(MENTION) is None
    assert await three.claims.claim(OTHER) is Claim.NEW
    assert await three.claims.claim_orphaned() == []


async def test_after_an_outage_events_of_dead_processes_are_found(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_claims, "HEARTBEAT_TTL", timedelta(seconds=0.3))
    one, two = await Process(redis).start(), await Process(redis).start()
    await one.claims.claim(MENTION)
    await one.end()
    await redis.delete(*[key async for key in redis.scan_iter("process:*")])
    assert await two.claims.claim_orphaned() == []
    async with asyncio.timeout(5):
        while not (found := await two.claims.claim_orphaned()):
            await asyncio.sleep(0.01)
    assert found == [MENTION]
    await two.end()


async def test_paused_process_learns_which_events_it_lost(redis: Redis, processes: list[Process]) -> None:
    one, two, _ = processes
    await one.claims.claim(MENTION)
    await one.claims.claim(OTHER)
    assert await one.claims.taken_over([MENTION, OTHER]) == []
    # Its heartbeat expires, and another process sees that.
    await redis.delete(keys.process_heartbeat("slack", await holder_of(redis, "Ev1")))
    assert await two.claims.claim(MENTION) is Claim.TAKEOVER
    assert await one.claims.taken_over([MENTION, OTHER]) == [MENTION]
    await two.claims.complete(MENTION)
    assert await one.claims.taken_over([MENTION]) == [MENTION]
    assert await one.claims.taken_over([]) == []


async def test_lost_event_can_be_taken_back(redis: Redis, processes: list[Process]) -> None:
    one, two, _ = processes
    await one.claims.claim(MENTION)
    await redis.delete(keys.process_heartbeat("slack", await holder_of(redis, "Ev1")))
    await two.claims.claim(MENTION)
    await one.claims.taken_over([MENTION])
    await one.end()
    one = await one.start()
    await two.end()
    assert await one.claims.claim(MENTION) is Claim.TAKEOVER
    await one.end()


async def test_without_redis_nothing_is_reported_lost_or_orphaned(line: RedisProxy, far: Process) -> None:
    await far.claims.claim(MENTION)
    line.cut()
    assert await far.claims.taken_over([MENTION]) == []
    assert await far.claims.claim_orphaned() == []


async def test_memory_of_events_is_bounded(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_claims, "MAX_REMEMBERED", 3)
    async with connect("redis://127.0.0.1:1") as nowhere:
        claims = EventClaims(nowhere, "slack")
        events = [Event((f"ts{number}",), {}) for number in range(4)]
        for event in events:
            assert await claims.claim(event) is Claim.NEW
        assert await claims.claim(events[-1]) is None
        assert await claims.claim(events[0]) is Claim.NEW


async def test_reassigned_event_is_noticed_by_its_former_owner(processes: list[Process]) -> None:
    one, two, three = processes
    await one.claims.claim(MENTION)
    assert not await one.claims.is_taken_over(MENTION.names[0])
    await two.claims.reassign(MENTION.names[0])
    assert await one.claims.is_taken_over(MENTION.names[0])
    assert not await two.claims.is_taken_over(MENTION.names[0])
    assert await one.claims.taken_over([MENTION]) == [MENTION]
    await one.end()
    assert await three.claims.claim_orphaned() == []
    assert await three.claims.claim(MENTION) is None


async def test_unknown_event_is_not_reassigned(redis: Redis, processes: list[Process]) -> None:
    one, two, _ = processes
    await one.claims.reassign(MENTION.names[0])
    assert await redis.keys("event:*") == []
    assert await two.claims.claim(MENTION) is Claim.NEW


async def test_handled_event_does_not_count_as_taken_over(
    line: RedisProxy, far: Process, processes: list[Process]
) -> None:
    one, two, _ = processes
    await one.claims.claim(MENTION)
    await two.claims.complete(MENTION)
    assert not await one.claims.is_taken_over(MENTION.names[0])
    line.cut()
    assert not await far.claims.is_taken_over(MENTION.names[0])

"""Each event is handled once also when Redis, or a process, is away for a while."""

import asyncio
import random
from datetime import timedelta

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from core.domain import Claim, Event
from core.storage import event_claims as taking
from core.storage import keys
from core.storage.connection import connect
from core.storage.event_claims import EventClaims
from tests.core.storage.processes import MENTION, OTHER, SAME_MESSAGE, Process, holder_of
from tests.servers.redis import RedisProxy


async def test_without_redis_an_event_is_handled_once_by_the_process_that_got_it(
    line: RedisProxy, far: Process
) -> None:
    line.cut()
    with capture_logs() as logs:
        assert await far.once.claim(MENTION) is Claim.NEW
        assert await far.once.claim(MENTION) is None
        assert await far.once.claim(SAME_MESSAGE) is None
    assert {line["event"] for line in logs} == {"whether an event was handled cannot be known"}


async def test_without_redis_what_another_process_was_seen_to_have_is_left_to_it(
    line: RedisProxy, far: Process, processes: list[Process]
) -> None:
    await processes[0].once.claim(MENTION)
    assert await far.once.claim(MENTION) is None
    line.cut()
    assert await far.once.claim(MENTION) is None


async def test_what_was_handled_without_redis_is_not_handled_again_when_it_is_back(
    line: RedisProxy, far: Process, processes: list[Process]
) -> None:
    line.cut()
    await far.once.claim(MENTION)
    await far.once.complete(MENTION)
    line.restore()
    assert await far.once.claim(MENTION) is None
    await far.end()
    assert await processes[0].once.claim(MENTION) is None


async def test_an_end_that_redis_did_not_hear_of_is_told_later(
    line: RedisProxy, far: Process, processes: list[Process]
) -> None:
    await far.once.claim(MENTION)
    line.cut()
    await far.once.complete(MENTION)
    line.restore()
    await far.end()
    assert await processes[0].once.claim_orphaned() == []
    assert await processes[0].once.claim(MENTION) is None


async def test_an_event_is_not_lost_with_redis_reply(line: RedisProxy, far: Process, processes: list[Process]) -> None:
    """The client sends again what it got no reply to; Redis has done it already."""
    await far.once.claim(OTHER)  # the script is known to the server
    line.drop_reply_to(b"Ev1")
    assert await far.once.claim(MENTION)
    assert line.dropped_replies == 1
    assert await far.once.claim(MENTION) is None
    assert await processes[0].once.claim(MENTION) is None


async def test_what_is_held_without_knowing_is_found(line: RedisProxy, far: Process, processes: list[Process]) -> None:
    one = processes[0]
    await one.once.claim(MENTION)
    await one.end()

    async def cut_in_the_middle() -> None:
        while not line.dropped_replies:
            await asyncio.sleep(0.001)
        line.cut()

    line.drop_reply_to(b"EVALSHA")
    cutting = asyncio.create_task(cut_in_the_middle())
    assert await far.once.claim_orphaned() == []
    await cutting
    line.restore()
    assert await far.once.claim_orphaned() == [MENTION]
    assert await far.once.claim_orphaned() == []


async def test_what_was_taken_before_redis_went_is_in_hand(
    line: RedisProxy, far: Process, redis: Redis, processes: list[Process]
) -> None:
    """Half of what a dead process had is taken over when the line breaks."""
    one = processes[0]
    await one.once.claim(MENTION)
    await one.once.claim(OTHER)
    await one.end()
    before = await redis.hlen(keys.pending_events("slack"))

    async def cut_after_the_first() -> None:
        held = [keys.event("slack", event.names[0]) for event in (MENTION, OTHER)]
        gone = await redis.mget(held)
        while await redis.mget(held) == gone:
            await asyncio.sleep(0)
        line.cut()

    cutting = asyncio.create_task(cut_after_the_first())
    found = await far.once.claim_orphaned()
    await cutting
    line.restore()
    found += await far.once.claim_orphaned()
    assert before == 2
    assert sorted(event.names for event in found) == sorted([MENTION.names, OTHER.names])


async def test_after_redis_was_away_for_all_nobody_takes_from_the_living(
    redis: Redis, processes: list[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All signs of life ran out meanwhile, and whoever is back first sees nobody."""
    one, two, three = processes
    await one.once.claim(MENTION)
    await redis.delete(*[key async for key in redis.scan_iter("process:*")])
    assert await two.once.claim_orphaned() == []
    assert await three.once.claim(MENTION) is None
    assert await three.once.claim(OTHER) is Claim.NEW
    assert await three.once.claim_orphaned() == []


async def test_after_redis_was_away_the_dead_are_told_from_the_living(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "ALIVE", timedelta(seconds=0.3))
    one, two = await Process(redis).start(), await Process(redis).start()
    await one.once.claim(MENTION)
    await one.end()
    await redis.delete(*[key async for key in redis.scan_iter("process:*")])
    assert await two.once.claim_orphaned() == []
    async with asyncio.timeout(5):
        while not (found := await two.once.claim_orphaned()):
            await asyncio.sleep(0.01)
    assert found == [MENTION]
    await two.end()


async def test_a_process_that_was_paused_learns_what_it_lost(redis: Redis, processes: list[Process]) -> None:
    one, two, _ = processes
    await one.once.claim(MENTION)
    await one.once.claim(OTHER)
    assert await one.once.taken_over([MENTION, OTHER]) == []
    # Its sign of life runs out, and somebody sees it.
    await redis.delete(keys.process_heartbeat("slack", await holder_of(redis, "Ev1")))
    assert await two.once.claim(MENTION) is Claim.TAKEOVER
    assert await one.once.taken_over([MENTION, OTHER]) == [MENTION]
    await two.once.complete(MENTION)
    assert await one.once.taken_over([MENTION]) == [MENTION]
    assert await one.once.taken_over([]) == []


async def test_what_was_lost_can_be_taken_over_again(redis: Redis, processes: list[Process]) -> None:
    one, two, _ = processes
    await one.once.claim(MENTION)
    await redis.delete(keys.process_heartbeat("slack", await holder_of(redis, "Ev1")))
    await two.once.claim(MENTION)
    await one.once.taken_over([MENTION])
    await one.end()
    one = await one.start()
    await two.end()
    assert await one.once.claim(MENTION) is Claim.TAKEOVER
    await one.end()


async def test_without_redis_nothing_was_lost_and_nothing_left_behind(line: RedisProxy, far: Process) -> None:
    await far.once.claim(MENTION)
    line.cut()
    assert await far.once.taken_over([MENTION]) == []
    assert await far.once.claim_orphaned() == []


async def test_a_process_remembers_no_more_than_it_must(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "MOST_REMEMBERED", 10)
    async with connect("redis://127.0.0.1:1") as nowhere:
        once = EventClaims(nowhere, "slack")
        events = [Event((f"ts{number}",), {}) for number in random.Random(1).sample(range(100), 12)]
        for event in events:
            assert await once.claim(event) is Claim.NEW
        assert await once.claim(events[-1]) is None
        assert await once.claim(events[0]) is Claim.NEW


async def test_an_event_that_changed_is_seized_and_the_other_process_notices(processes: list[Process]) -> None:
    one, two, three = processes
    await one.once.claim(MENTION)
    assert not await one.once.is_taken_over(MENTION.names[0])
    await two.once.reassign(MENTION.names[0])
    assert await one.once.is_taken_over(MENTION.names[0])
    assert not await two.once.is_taken_over(MENTION.names[0])
    assert await one.once.taken_over([MENTION]) == [MENTION]
    await one.end()
    assert await three.once.claim_orphaned() == []
    assert await three.once.claim(MENTION) is None


async def test_what_nobody_has_is_not_seized(redis: Redis, processes: list[Process]) -> None:
    one, two, _ = processes
    await one.once.reassign(MENTION.names[0])
    assert await redis.keys("event:*") == []
    assert await two.once.claim(MENTION) is Claim.NEW


async def test_what_was_handled_is_not_lost(line: RedisProxy, far: Process, processes: list[Process]) -> None:
    one, two, _ = processes
    await one.once.claim(MENTION)
    await two.once.complete(MENTION)
    assert not await one.once.is_taken_over(MENTION.names[0])
    line.cut()
    assert not await far.once.is_taken_over(MENTION.names[0])

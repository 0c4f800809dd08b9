"""Each event is handled once, by one process, and survives the death of a process."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from structlog.testing import capture_logs

from core.events import Claim, Event
from core.storage import event_claims, keys
from core.storage.connection import as_text, connect
from core.storage.event_claims import TTL
from tests.core.storage.processes import MENTION, OTHER, SAME_MESSAGE, Process, holder_of


async def test_only_the_first_process_can_claim_an_event(processes: list[Process]) -> None:
    one, two, three = processes
    assert await one.claims.claim(MENTION) is Claim.NEW
    assert await two.claims.claim(MENTION) is None
    assert await three.claims.claim(MENTION) is None
    assert await one.claims.claim(MENTION) is None


async def test_any_of_its_names_identifies_an_event(processes: list[Process]) -> None:
    one, two, _ = processes
    assert await one.claims.claim(MENTION)
    assert await two.claims.claim(SAME_MESSAGE) is None
    assert await two.claims.claim(Event(("Ev1",), {})) is None
    assert await two.claims.claim(OTHER) is Claim.NEW


async def test_a_handled_event_cannot_be_claimed_again(processes: list[Process]) -> None:
    one, two, three = processes
    await one.claims.claim(MENTION)
    await one.claims.complete(MENTION)
    await one.end()
    assert await two.claims.claim(MENTION) is None
    assert await three.claims.claim(SAME_MESSAGE) is None
    assert await two.claims.claim_orphaned() == []


async def test_platforms_have_separate_events(redis: Redis, processes: list[Process]) -> None:
    await processes[0].claims.claim(MENTION)
    discord = await Process(redis, "discord").start()
    assert await discord.claims.claim(MENTION) is Claim.NEW
    await discord.end()


async def test_one_of_many_simultaneous_claims_succeeds(processes: list[Process]) -> None:
    asked = [process.claims.claim(MENTION) for process in processes for _ in range(20)]
    taken = await asyncio.gather(*asked)
    assert [each for each in taken if each] == [Claim.NEW]


async def test_redelivered_event_of_a_dead_process_is_taken_over_at_once(processes: list[Process]) -> None:
    one, two, three = processes
    await one.claims.claim(MENTION)
    await one.end()
    assert await two.claims.claim(SAME_MESSAGE) is Claim.TAKEOVER
    assert await three.claims.claim(MENTION) is None


async def test_event_of_a_dead_process_is_taken_over_without_redelivery(processes: list[Process]) -> None:
    one, two, three = processes
    await one.claims.claim(MENTION)
    await two.claims.claim(OTHER)
    assert await three.claims.claim_orphaned() == []
    await one.end()
    found = await asyncio.gather(two.claims.claim_orphaned(), three.claims.claim_orphaned())
    assert [event for events in found for event in events] == [MENTION]


async def test_event_is_taken_over_again_if_the_second_process_dies(processes: list[Process]) -> None:
    one, two, three = processes
    await one.claims.claim(MENTION)
    await one.end()
    assert await two.claims.claim_orphaned() == [MENTION]
    await two.end()
    assert await three.claims.claim_orphaned() == [MENTION]
    await three.claims.complete(MENTION)
    assert await three.claims.claim_orphaned() == []


async def test_events_of_a_stopped_process_can_be_claimed_at_once(processes: list[Process]) -> None:
    one, two, _ = processes
    await one.claims.claim(MENTION)
    await one.end()
    assert await two.claims.claim_orphaned() == [MENTION]


async def test_heartbeats_keep_events_beyond_the_heartbeat_ttl(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_claims, "HEARTBEAT_TTL", timedelta(seconds=0.3))
    one, two = await Process(redis).start(), await Process(redis).start()
    await one.claims.claim(MENTION)
    heartbeat = keys.process_heartbeat("slack", await holder_of(redis, "Ev1"))
    renewals, left = 0, await redis.pttl(heartbeat)
    while renewals < 5:  # three fit into the TTL
        assert await two.claims.claim_orphaned() == []
        assert await two.claims.claim(MENTION) is None
        before, left = left, await redis.pttl(heartbeat)
        renewals += left > before
    await one.end()
    await two.end()


async def test_event_is_remembered_for_an_hour(redis: Redis, processes: list[Process]) -> None:
    one, two, _ = processes
    await one.claims.claim(MENTION)
    names = [keys.event("slack", name) for name in MENTION.names]
    for name in names:
        assert timedelta(minutes=59) < timedelta(seconds=await redis.ttl(name)) <= TTL
        await redis.expire(name, 60)
    await one.claims.complete(MENTION)
    for name in names:
        assert timedelta(minutes=59) < timedelta(seconds=await redis.ttl(name)) <= TTL
    assert not await redis.exists(keys.pending_events("slack"))
    await redis.delete(*names)
    assert await two.claims.claim(MENTION) is Claim.NEW


async def test_event_orphaned_for_an_hour_is_dropped_and_logged(redis: Redis, processes: list[Process]) -> None:
    one, two, three = processes
    await one.claims.claim(MENTION)
    await one.end()
    [written] = await redis.hvals(keys.pending_events("slack"))
    since, _, document = as_text(written).partition(" ")
    old = f"{int(since) - 61 * 60} {document}"
    await redis.hset(keys.pending_events("slack"), MENTION.names[0], old)
    with capture_logs() as logs:
        assert await two.claims.claim_orphaned() == []
    assert [(line["event"], line["name"]) for line in logs] == [("question lost", "T1:C1:1.0")]
    assert not await redis.exists(keys.pending_events("slack"))
    assert await three.claims.claim(MENTION) is None


async def test_takeover_does_not_reset_the_age_of_an_event(redis: Redis, processes: list[Process]) -> None:
    """So that an event which kills its process is dropped in the end."""
    one, two, _ = processes
    await one.claims.claim(MENTION)
    [written] = await redis.hvals(keys.pending_events("slack"))
    await one.end()
    assert await two.claims.claim_orphaned() == [MENTION]
    assert await redis.hvals(keys.pending_events("slack")) == [written]
    now, _ = await redis.time()
    assert now - 60 < int(as_text(written).partition(" ")[0]) <= now


@given(
    st.lists(
        st.tuples(st.sampled_from(["claim", "complete", "die", "scan"]), st.integers(0, 2), st.integers(0, 3)),
        max_size=30,
    )
)
@settings(max_examples=20, deadline=None)
def test_an_event_always_has_one_owner_and_completes_once(redis_url: str, steps: list[tuple[str, int, int]]) -> None:
    asyncio.run(_replay(redis_url, steps))


async def _replay(redis_url: str, steps: list[tuple[str, int, int]]) -> None:
    """Processes take, end, die and look around; who has which event is written down beside it."""
    async with connect(redis_url) as redis:
        await redis.flushall()
        processes_alive = [await Process(redis).start() for _ in range(3)]
        owners: dict[int, int] = {}
        completed: set[int] = set()
        for step, place, number in steps:
            event = Event((f"ts{number}", f"Ev{number}{place}"), {"number": number})
            if step == "claim":
                known = number in owners or number in completed
                taken = await processes_alive[place].claims.claim(event)
                assert (taken is None) == known
                if taken:
                    owners[number] = place
            elif step == "complete" and owners.get(number) == place:
                await processes_alive[place].claims.complete(event)
                del owners[number]
                completed.add(number)
            elif step == "die":
                await processes_alive[place].end()
                processes_alive[place] = await Process(redis).start()
                left = {number for number, holder in owners.items() if holder == place}
                taken_over = await processes_alive[place].claims.claim_orphaned()
                assert {event.body["number"] for event in taken_over} == left
            elif step == "scan":
                assert await processes_alive[place].claims.claim_orphaned() == []
        for process in processes_alive:
            await process.end()
        await redis.flushall()

"""Each event is handled once, by whichever process, and none is lost with a process."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from structlog.testing import capture_logs

from core.domain import Claim, Event
from core.storage import event_claims as taking
from core.storage import keys
from core.storage.connection import as_text, connect
from core.storage.event_claims import KEPT
from tests.core.storage.processes import MENTION, OTHER, SAME_MESSAGE, Process


async def test_an_event_is_taken_by_the_first_process_alone(processes: list[Process]) -> None:
    one, two, three = processes
    assert await one.once.claim(MENTION) is Claim.NEW
    assert await two.once.claim(MENTION) is None
    assert await three.once.claim(MENTION) is None
    assert await one.once.claim(MENTION) is None


async def test_an_event_is_known_by_any_of_its_names(processes: list[Process]) -> None:
    one, two, _ = processes
    assert await one.once.claim(MENTION)
    assert await two.once.claim(SAME_MESSAGE) is None
    assert await two.once.claim(Event(("Ev1",), {})) is None
    assert await two.once.claim(OTHER) is Claim.NEW


async def test_an_event_that_was_handled_is_never_taken_again(processes: list[Process]) -> None:
    one, two, three = processes
    await one.once.claim(MENTION)
    await one.once.complete(MENTION)
    await one.end()
    assert await two.once.claim(MENTION) is None
    assert await three.once.claim(SAME_MESSAGE) is None
    assert await two.once.claim_orphaned() == []


async def test_platforms_do_not_know_each_others_events(redis: Redis, processes: list[Process]) -> None:
    await processes[0].once.claim(MENTION)
    discord = await Process(redis, "discord").start()
    assert await discord.once.claim(MENTION) is Claim.NEW
    await discord.end()


async def test_of_many_that_ask_at_once_one_gets_it(processes: list[Process]) -> None:
    asked = [process.once.claim(MENTION) for process in processes for _ in range(20)]
    taken = await asyncio.gather(*asked)
    assert [each for each in taken if each] == [Claim.NEW]


async def test_a_redelivery_of_what_a_dead_process_had_is_taken_over_at_once(processes: list[Process]) -> None:
    one, two, three = processes
    await one.once.claim(MENTION)
    await one.end()
    assert await two.once.claim(SAME_MESSAGE) is Claim.TAKEOVER
    assert await three.once.claim(MENTION) is None


async def test_what_a_dead_process_had_is_taken_over_without_a_redelivery(processes: list[Process]) -> None:
    one, two, three = processes
    await one.once.claim(MENTION)
    await two.once.claim(OTHER)
    assert await three.once.claim_orphaned() == []
    await one.end()
    found = await asyncio.gather(two.once.claim_orphaned(), three.once.claim_orphaned())
    assert [event for events in found for event in events] == [MENTION]


async def test_what_was_taken_over_is_taken_over_again_when_that_process_dies_too(processes: list[Process]) -> None:
    one, two, three = processes
    await one.once.claim(MENTION)
    await one.end()
    assert await two.once.claim_orphaned() == [MENTION]
    await two.end()
    assert await three.once.claim_orphaned() == [MENTION]
    await three.once.complete(MENTION)
    assert await three.once.claim_orphaned() == []


async def test_a_process_that_ends_leaves_its_events_to_the_others_at_once(processes: list[Process]) -> None:
    one, two, _ = processes
    await one.once.claim(MENTION)
    await one.end()
    assert await two.once.claim_orphaned() == [MENTION]


async def test_a_living_process_keeps_its_events_for_longer_than_a_sign_of_life(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "ALIVE", timedelta(seconds=0.3))
    one, two = await Process(redis).start(), await Process(redis).start()
    await one.once.claim(MENTION)
    loop = asyncio.get_running_loop()
    end = loop.time() + 0.8
    while loop.time() < end:
        assert await two.once.claim_orphaned() == []
        assert await two.once.claim(MENTION) is None
        await asyncio.sleep(0.02)
    await one.end()
    await two.end()


async def test_an_event_is_kept_for_an_hour_and_then_forgotten(redis: Redis, processes: list[Process]) -> None:
    one, two, _ = processes
    await one.once.claim(MENTION)
    names = [keys.event("slack", name) for name in MENTION.names]
    for name in names:
        assert timedelta(minutes=59) < timedelta(seconds=await redis.ttl(name)) <= KEPT
        await redis.expire(name, 60)
    await one.once.complete(MENTION)
    for name in names:
        assert timedelta(minutes=59) < timedelta(seconds=await redis.ttl(name)) <= KEPT
    assert not await redis.exists(keys.pending_events("slack"))
    await redis.delete(*names)
    assert await two.once.claim(MENTION) is Claim.NEW


async def test_what_nobody_took_over_for_an_hour_is_dropped_and_told(redis: Redis, processes: list[Process]) -> None:
    one, two, three = processes
    await one.once.claim(MENTION)
    await one.end()
    [written] = await redis.hvals(keys.pending_events("slack"))
    since, _, document = as_text(written).partition(" ")
    old = f"{int(since) - 61 * 60} {document}"
    await redis.hset(keys.pending_events("slack"), MENTION.names[0], old)
    with capture_logs() as logs:
        assert await two.once.claim_orphaned() == []
    assert [(line["event"], line["name"]) for line in logs] == [("a question was lost", "T1:C1:1.0")]
    assert not await redis.exists(keys.pending_events("slack"))
    assert await three.once.claim(MENTION) is None


async def test_however_often_it_is_taken_over_an_event_keeps_its_age(redis: Redis, processes: list[Process]) -> None:
    """So that one that kills every process that handles it comes to an end."""
    one, two, _ = processes
    await one.once.claim(MENTION)
    [written] = await redis.hvals(keys.pending_events("slack"))
    await one.end()
    assert await two.once.claim_orphaned() == [MENTION]
    assert await redis.hvals(keys.pending_events("slack")) == [written]
    now, _ = await redis.time()
    assert now - 60 < int(as_text(written).partition(" ")[0]) <= now


@given(
    st.lists(
        st.tuples(st.sampled_from(["take", "done", "die", "look"]), st.integers(0, 2), st.integers(0, 3)), max_size=30
    )
)
@settings(max_examples=30, deadline=None)
def test_whatever_happens_an_event_is_in_one_hand_and_ends_once(
    redis_url: str, steps: list[tuple[str, int, int]]
) -> None:
    asyncio.run(_live_through(redis_url, steps))


async def _live_through(redis_url: str, steps: list[tuple[str, int, int]]) -> None:
    """Processes take, end, die and look around; who has which event is written down beside it."""
    async with connect(redis_url) as redis:
        await redis.flushall()
        living = [await Process(redis).start() for _ in range(3)]
        hands: dict[int, int] = {}
        ended: set[int] = set()
        for step, place, number in steps:
            event = Event((f"ts{number}", f"Ev{number}{place}"), {"number": number})
            if step == "take":
                known = number in hands or number in ended
                taken = await living[place].once.claim(event)
                assert (taken is None) == known
                if taken:
                    hands[number] = place
            elif step == "done" and hands.get(number) == place:
                await living[place].once.complete(event)
                del hands[number]
                ended.add(number)
            elif step == "die":
                await living[place].end()
                living[place] = await Process(redis).start()
                left = {number for number, holder in hands.items() if holder == place}
                taken_over = await living[place].once.claim_orphaned()
                assert {event.body["number"] for event in taken_over} == left
            elif step == "look":
                assert await living[place].once.claim_orphaned() == []
        for process in living:
            await process.end()
        await redis.flushall()

"""Each event is handled once, by whichever process, also when processes and Redis come and go."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from structlog.testing import capture_logs

from core.memory import keys
from core.memory import once as taking
from core.memory.connection import as_text, connect
from core.memory.once import KEPT, Once
from core.vocabulary import Event, Taken
from tests.servers.redis import BadLine, bad_line

MENTION = Event(("T1:C1:1.0", "Ev1"), {"text": "What do bees eat? 🐝"})
SAME_MESSAGE = Event(("T1:C1:1.0", "Ev2"), {"text": "What do bees eat? 🐝"})
OTHER = Event(("T1:C1:2.0", "Ev3"), {"text": "And in summer?"})


class Process:
    """A bot's process as Redis sees it."""

    def __init__(self, redis: Redis, platform: str = "slack") -> None:
        self._living = AsyncExitStack()
        self.once = Once(redis, platform)

    async def start(self) -> "Process":
        await self._living.enter_async_context(self.once.living())
        return self

    async def end(self) -> None:
        """One that is killed leaves the same in Redis, once its sign of life has run out."""
        await self._living.aclose()


async def holder_of(redis: Redis, name: str) -> str:
    return as_text(await redis.get(keys.event("slack", name)))


@pytest.fixture
async def processes(redis: Redis) -> AsyncIterator[list[Process]]:
    """Three of them."""
    started = [await Process(redis).start() for _ in range(3)]
    yield started
    for process in started:
        await process.end()


async def test_an_event_is_taken_by_the_first_process_alone(processes: list[Process]) -> None:
    one, two, three = processes
    assert await one.once.take(MENTION) is Taken.NEW
    assert await two.once.take(MENTION) is None
    assert await three.once.take(MENTION) is None
    assert await one.once.take(MENTION) is None


async def test_an_event_is_known_by_any_of_its_names(processes: list[Process]) -> None:
    one, two, _ = processes
    assert await one.once.take(MENTION)
    assert await two.once.take(SAME_MESSAGE) is None
    assert await two.once.take(Event(("Ev1",), {})) is None
    assert await two.once.take(OTHER) is Taken.NEW


async def test_an_event_that_was_handled_is_never_taken_again(processes: list[Process]) -> None:
    one, two, three = processes
    await one.once.take(MENTION)
    await one.once.done(MENTION)
    await one.end()
    assert await two.once.take(MENTION) is None
    assert await three.once.take(SAME_MESSAGE) is None
    assert await two.once.left_behind() == []


async def test_platforms_do_not_know_each_others_events(redis: Redis, processes: list[Process]) -> None:
    await processes[0].once.take(MENTION)
    discord = await Process(redis, "discord").start()
    assert await discord.once.take(MENTION) is Taken.NEW
    await discord.end()


async def test_of_many_that_ask_at_once_one_gets_it(processes: list[Process]) -> None:
    asked = [process.once.take(MENTION) for process in processes for _ in range(20)]
    taken = await asyncio.gather(*asked)
    assert [each for each in taken if each] == [Taken.NEW]


async def test_a_redelivery_of_what_a_dead_process_had_is_taken_over_at_once(processes: list[Process]) -> None:
    one, two, three = processes
    await one.once.take(MENTION)
    await one.end()
    assert await two.once.take(SAME_MESSAGE) is Taken.OVER
    assert await three.once.take(MENTION) is None


async def test_what_a_dead_process_had_is_taken_over_without_a_redelivery(processes: list[Process]) -> None:
    one, two, three = processes
    await one.once.take(MENTION)
    await two.once.take(OTHER)
    assert await three.once.left_behind() == []
    await one.end()
    found = await asyncio.gather(two.once.left_behind(), three.once.left_behind())
    assert [event for events in found for event in events] == [MENTION]


async def test_what_was_taken_over_is_taken_over_again_when_that_process_dies_too(processes: list[Process]) -> None:
    one, two, three = processes
    await one.once.take(MENTION)
    await one.end()
    assert await two.once.left_behind() == [MENTION]
    await two.end()
    assert await three.once.left_behind() == [MENTION]
    await three.once.done(MENTION)
    assert await three.once.left_behind() == []


async def test_a_process_that_ends_leaves_its_events_to_the_others_at_once(processes: list[Process]) -> None:
    one, two, _ = processes
    await one.once.take(MENTION)
    await one.end()
    assert await two.once.left_behind() == [MENTION]


async def test_a_living_process_keeps_its_events_for_longer_than_a_sign_of_life(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "ALIVE", timedelta(seconds=0.3))
    one, two = await Process(redis).start(), await Process(redis).start()
    await one.once.take(MENTION)
    loop = asyncio.get_running_loop()
    end = loop.time() + 0.8
    while loop.time() < end:
        assert await two.once.left_behind() == []
        assert await two.once.take(MENTION) is None
        await asyncio.sleep(0.02)
    await one.end()
    await two.end()


async def test_an_event_is_kept_for_an_hour_and_then_forgotten(redis: Redis, processes: list[Process]) -> None:
    one, two, _ = processes
    await one.once.take(MENTION)
    names = [keys.event("slack", name) for name in MENTION.names]
    for name in names:
        assert timedelta(minutes=59) < timedelta(seconds=await redis.ttl(name)) <= KEPT
        await redis.expire(name, 60)
    await one.once.done(MENTION)
    for name in names:
        assert timedelta(minutes=59) < timedelta(seconds=await redis.ttl(name)) <= KEPT
    assert not await redis.exists(keys.unanswered("slack"))
    await redis.delete(*names)
    assert await two.once.take(MENTION) is Taken.NEW


async def test_what_nobody_took_over_for_an_hour_is_dropped_and_told(redis: Redis, processes: list[Process]) -> None:
    one, two, three = processes
    await one.once.take(MENTION)
    await one.end()
    [written] = await redis.hvals(keys.unanswered("slack"))
    old = json.loads(written) | {"at": (datetime.now(UTC) - timedelta(minutes=61)).isoformat()}
    await redis.hset(keys.unanswered("slack"), MENTION.names[0], json.dumps(old))
    with capture_logs() as logs:
        assert await two.once.left_behind() == []
    assert [(line["event"], line["name"]) for line in logs] == [("a question was lost", "T1:C1:1.0")]
    assert not await redis.exists(keys.unanswered("slack"))
    assert await three.once.take(MENTION) is None


async def test_however_often_it_is_taken_over_an_event_keeps_its_age(redis: Redis, processes: list[Process]) -> None:
    """So that one that kills every process that handles it comes to an end."""
    one, two, _ = processes
    before = datetime.now(UTC).isoformat()
    await one.once.take(MENTION)
    [written] = await redis.hvals(keys.unanswered("slack"))
    await one.end()
    assert await two.once.left_behind() == [MENTION]
    assert await redis.hvals(keys.unanswered("slack")) == [written]
    assert before < as_text(written).split('"at": "')[1]


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
                taken = await living[place].once.take(event)
                assert (taken is None) == known
                if taken:
                    hands[number] = place
            elif step == "done" and hands.get(number) == place:
                await living[place].once.done(event)
                del hands[number]
                ended.add(number)
            elif step == "die":
                await living[place].end()
                living[place] = await Process(redis).start()
                left = {number for number, holder in hands.items() if holder == place}
                taken_over = await living[place].once.left_behind()
                assert {event.body["number"] for event in taken_over} == left
            elif step == "look":
                assert await living[place].once.left_behind() == []
        for process in living:
            await process.end()
        await redis.flushall()


@pytest.fixture
async def line(redis: Redis, redis_url: str) -> AsyncIterator[BadLine]:
    async with bad_line(redis_url) as line:
        yield line


@pytest.fixture
async def far(line: BadLine) -> AsyncIterator[Process]:
    """A process whose Redis is behind a line that can break."""
    async with connect(line.address) as client:
        process = await Process(client).start()
        yield process
        line.mend()
        await process.end()


async def test_without_redis_an_event_is_handled_once_by_the_process_that_got_it(line: BadLine, far: Process) -> None:
    line.cut()
    with capture_logs() as logs:
        assert await far.once.take(MENTION) is Taken.NEW
        assert await far.once.take(MENTION) is None
        assert await far.once.take(SAME_MESSAGE) is None
    assert {line["event"] for line in logs} == {"whether an event was handled cannot be known"}


async def test_without_redis_what_another_process_was_seen_to_have_is_left_to_it(
    line: BadLine, far: Process, processes: list[Process]
) -> None:
    await processes[0].once.take(MENTION)
    assert await far.once.take(MENTION) is None
    line.cut()
    assert await far.once.take(MENTION) is None


async def test_what_was_handled_without_redis_is_not_handled_again_when_it_is_back(
    line: BadLine, far: Process, processes: list[Process]
) -> None:
    line.cut()
    await far.once.take(MENTION)
    await far.once.done(MENTION)
    line.mend()
    assert await far.once.take(MENTION) is None
    await far.end()
    assert await processes[0].once.take(MENTION) is None


async def test_an_end_that_redis_did_not_hear_of_is_told_later(
    line: BadLine, far: Process, processes: list[Process]
) -> None:
    await far.once.take(MENTION)
    line.cut()
    await far.once.done(MENTION)
    line.mend()
    await far.end()
    assert await processes[0].once.left_behind() == []
    assert await processes[0].once.take(MENTION) is None


async def test_an_event_is_not_lost_with_redis_reply(line: BadLine, far: Process, processes: list[Process]) -> None:
    """The client sends again what it got no reply to; Redis has done it already."""
    await far.once.take(OTHER)  # the script is known to the server
    line.swallow_reply_to(b"Ev1")
    assert await far.once.take(MENTION)
    assert line.swallowed == 1
    assert await far.once.take(MENTION) is None
    assert await processes[0].once.take(MENTION) is None


async def test_what_is_held_without_knowing_is_found(line: BadLine, far: Process, processes: list[Process]) -> None:
    one = processes[0]
    await one.once.take(MENTION)
    await one.end()

    async def cut_in_the_middle() -> None:
        while not line.swallowed:
            await asyncio.sleep(0.001)
        line.cut()

    line.swallow_reply_to(b"EVALSHA")
    cutting = asyncio.create_task(cut_in_the_middle())
    assert await far.once.left_behind() == []
    await cutting
    line.mend()
    assert await far.once.left_behind() == [MENTION]
    assert await far.once.left_behind() == []


async def test_what_was_taken_before_redis_went_is_in_hand(
    line: BadLine, far: Process, redis: Redis, processes: list[Process]
) -> None:
    """Half of what a dead process had is taken over when the line breaks."""
    one = processes[0]
    await one.once.take(MENTION)
    await one.once.take(OTHER)
    await one.end()
    before = await redis.hlen(keys.unanswered("slack"))

    async def cut_after_the_first() -> None:
        held = [keys.event("slack", event.names[0]) for event in (MENTION, OTHER)]
        gone = await redis.mget(held)
        while await redis.mget(held) == gone:
            await asyncio.sleep(0)
        line.cut()

    cutting = asyncio.create_task(cut_after_the_first())
    found = await far.once.left_behind()
    await cutting
    line.mend()
    found += await far.once.left_behind()
    assert before == 2
    assert sorted(event.names for event in found) == sorted([MENTION.names, OTHER.names])


async def test_after_redis_was_away_for_all_nobody_takes_from_the_living(
    redis: Redis, processes: list[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All signs of life ran out meanwhile, and whoever is back first sees nobody."""
    one, two, three = processes
    await one.once.take(MENTION)
    await redis.delete(*[key async for key in redis.scan_iter("process:*")])
    assert await two.once.left_behind() == []
    assert await three.once.take(MENTION) is None
    assert await three.once.take(OTHER) is Taken.NEW
    assert await three.once.left_behind() == []


async def test_after_redis_was_away_the_dead_are_told_from_the_living(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "ALIVE", timedelta(seconds=0.3))
    one, two = await Process(redis).start(), await Process(redis).start()
    await one.once.take(MENTION)
    await one.end()
    await redis.delete(*[key async for key in redis.scan_iter("process:*")])
    assert await two.once.left_behind() == []
    async with asyncio.timeout(5):
        while not (found := await two.once.left_behind()):
            await asyncio.sleep(0.01)
    assert found == [MENTION]
    await two.end()


async def test_a_process_that_was_paused_learns_what_it_lost(redis: Redis, processes: list[Process]) -> None:
    one, two, _ = processes
    await one.once.take(MENTION)
    await one.once.take(OTHER)
    assert await one.once.lost([MENTION, OTHER]) == []
    # Its sign of life runs out, and somebody sees it.
    await redis.delete(keys.process("slack", await holder_of(redis, "Ev1")))
    assert await two.once.take(MENTION) is Taken.OVER
    assert await one.once.lost([MENTION, OTHER]) == [MENTION]
    await two.once.done(MENTION)
    assert await one.once.lost([MENTION]) == [MENTION]
    assert await one.once.lost([]) == []


async def test_what_was_lost_can_be_taken_over_again(redis: Redis, processes: list[Process]) -> None:
    one, two, _ = processes
    await one.once.take(MENTION)
    await redis.delete(keys.process("slack", await holder_of(redis, "Ev1")))
    await two.once.take(MENTION)
    await one.once.lost([MENTION])
    await one.end()
    one = await one.start()
    await two.end()
    assert await one.once.take(MENTION) is Taken.OVER
    await one.end()


async def test_without_redis_nothing_was_lost_and_nothing_left_behind(line: BadLine, far: Process) -> None:
    await far.once.take(MENTION)
    line.cut()
    assert await far.once.lost([MENTION]) == []
    assert await far.once.left_behind() == []


async def test_a_process_remembers_no_more_than_it_must(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "MOST_REMEMBERED", 10)
    async with connect("redis://127.0.0.1:1") as nowhere:
        once = Once(nowhere, "slack")
        events = [Event((f"ts{number}",), {}) for number in random.Random(1).sample(range(100), 12)]
        for event in events:
            assert await once.take(event) is Taken.NEW
        assert await once.take(events[-1]) is None
        assert await once.take(events[0]) is Taken.NEW

"""Three processes share the events of a platform. Each event completes exactly once, even if it is delivered several
times or a process is killed or paused."""

import asyncio
import json
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from core.storage import keys
from tests.bot.running import REPOSITORY, environment

EVENTS = 300
WITHIN = 90.0
"""Seconds; it takes some ten."""


class Worker:
    """One of the processes, and the deliveries that it has not confirmed yet."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.process = process
        self.unconfirmed: Counter[int] = Counter()
        self.stalled = asyncio.Event()
        self.open = asyncio.Event()

    def deliver(self, number: int, copy: int) -> None:
        """A platform delivers a message as up to two events, which have only its place in the channel in common."""
        assert self.process.stdin is not None
        names = (f"T1:C1:{number}", f"Ev{number}-{copy % 2}")
        self.unconfirmed[number] += 1
        self.process.stdin.write(f"{json.dumps({'names': names, 'number': number})}\n".encode())

    async def listen(self) -> None:
        assert self.process.stdout is not None
        while line := (await self.process.stdout.readline()).decode().strip():
            match line:
                case "open":
                    self.open.set()
                case "stalled":
                    self.stalled.set()
                case number:
                    self.unconfirmed[int(number)] -= 1


@asynccontextmanager
async def workers(redis_url: str, stall_at: int = 0, step: float = 0.002) -> AsyncIterator[list[Worker]]:
    """Start three workers; the first one stalls after starting `stall_at` events."""
    started = []
    for name, stall in (("a", stall_at), ("b", 0), ("c", 0)):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.core.chat.process", redis_url, name, str(stall), str(step)),
            cwd=REPOSITORY,
            env=environment(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        started.append(Worker(name, process))
    try:
        async with asyncio.timeout(WITHIN), asyncio.TaskGroup() as tasks:
            for worker in started:
                tasks.create_task(worker.listen())
            for worker in started:
                await worker.open.wait()
            yield started
            for worker in started:
                assert worker.process.stdin is not None
                worker.process.stdin.close()
            for worker in started:
                await worker.process.wait()
    finally:
        for worker in started:
            if worker.process.returncode is None:
                worker.process.kill()
                await worker.process.wait()


async def ended(redis: Redis) -> Counter[int]:
    lists = [await redis.lrange(f"ended:{name}", 0, -1) for name in "abc"]
    return Counter(int(number) for each in lists for number in each)


async def all_handled(redis: Redis, number_of_events: int) -> None:
    """Waits until nothing is unanswered, and every event has come to its end."""
    while await redis.exists(keys.pending_events("slack")) or len(await ended(redis)) < number_of_events:
        await asyncio.sleep(0.05)


async def noted(redis: Redis, worker: Worker) -> None:
    """Waits until Redis knows of all that a stalled process ended: writing an end down and noting it are two steps."""
    while True:
        numbers = [int(number) for number in await redis.lrange(f"ended:{worker.name}", 0, -1)]
        states = await redis.mget([keys.event("slack", f"T1:C1:{number}") for number in numbers] or ["none"])
        if not numbers or set(states) == {b"handled"}:
            return
        await asyncio.sleep(0.02)


async def test_every_event_completes_once_although_a_process_is_killed(redis: Redis, redis_url: str) -> None:
    chance = random.Random(1)
    deliveries = [(number, copy) for number in range(EVENTS) for copy in range(chance.randint(1, 4))]
    chance.shuffle(deliveries)
    async with workers(redis_url, stall_at=50) as (victim, *others):
        living = [victim, *others]
        for place, (number, copy) in enumerate(deliveries):
            chance.choice(living).deliver(number, copy)
            if place % 20 == 0:
                await asyncio.sleep(0.01)
            if victim.stalled.is_set() and victim in living:
                living.remove(victim)
        await victim.stalled.wait()
        await noted(redis, victim)
        half_handled = await redis.hlen(keys.pending_events("slack"))
        victim.process.send_signal(signal.SIGKILL)
        await victim.process.wait()
        # The platform delivers unconfirmed events again, to the remaining processes.
        for number, copies in victim.unconfirmed.items():
            for copy in range(copies):
                chance.choice(others).deliver(number, copy)
        await all_handled(redis, EVENTS)
        begun = Counter(map(int, await redis.lrange("begun", 0, -1)))
        assert await ended(redis) == Counter(range(EVENTS))
    assert half_handled > 0
    twice = {number: times for number, times in begun.items() if times > 1}
    assert begun.keys() == set(range(EVENTS))
    assert 0 < len(twice) <= half_handled
    assert set(twice.values()) == {2}


async def test_a_process_paused_beyond_its_heartbeat_completes_no_event_twice(redis: Redis, redis_url: str) -> None:
    async with workers(redis_url, step=0.2) as (sleeper, *others):
        for number in range(30):
            sleeper.deliver(number, 0)
        while await redis.llen("begun") < 30:
            await asyncio.sleep(0.02)
        sleeper.process.send_signal(signal.SIGSTOP)
        while await redis.llen("begun") < 60:
            await asyncio.sleep(0.02)
        sleeper.process.send_signal(signal.SIGCONT)
        for number in range(30, 60):
            sleeper.deliver(number, 0)
            others[0].deliver(number, 1)
        await all_handled(redis, 60)
        assert await ended(redis) == Counter(range(60))

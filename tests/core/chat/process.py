"""A bot's process that handles events: it reads deliveries from its input, and tells on its output what it received.

What it does is written down in Redis: `begun` and `ended:<process>` are lists of numbers of events. Its events end in
small steps, as answers do. When `begun` reaches `stall_at`, this process stops going on with anything.
"""

import asyncio
import json
import sys
from datetime import timedelta

import structlog
from redis.asyncio import Redis

from core.chat import event_dispatcher as handling_module
from core.chat.event_dispatcher import EventDispatcher
from core.events import Claim, Event
from core.storage import event_claims as once_module
from core.storage.connection import connect
from core.storage.event_claims import EventClaims

STEPS = 10


class Answering:
    def __init__(self, redis: Redis, name: str, stall_at: int, step: float) -> None:
        self._redis = redis
        self._ended = f"ended:{name}"
        self._left = stall_at
        self._step = step
        self._going_on = asyncio.Event()
        self._going_on.set()

    async def handle(self, event: Event, taken: Claim) -> None:
        number = event.body["number"]
        await self._redis.rpush("begun", number)
        self._left -= 1
        if self._left == 0:
            self._going_on.clear()
            print("stalled", flush=True)  # noqa: T201
        for _ in range(STEPS):
            await asyncio.sleep(self._step)
            await self._going_on.wait()
        await self._redis.rpush(self._ended, number)


async def main(url: str, name: str, stall_at: str, step: str) -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    once_module.HEARTBEAT_TTL = timedelta(seconds=2)
    handling_module.TAKE_OVER_EVERY = timedelta(seconds=0.25)
    async with connect(url) as redis, asyncio.TaskGroup() as tasks:
        handling = EventDispatcher(
            EventClaims(redis, "slack"), Answering(redis, name, int(stall_at), float(step)).handle
        )

        async def receive(line: str) -> None:
            delivery = json.loads(line)
            await handling.receive(Event(tuple(delivery["names"]), delivery))
            print(delivery["number"], flush=True)  # noqa: T201

        async with handling.open():
            print("open", flush=True)  # noqa: T201
            while line := await asyncio.to_thread(sys.stdin.readline):
                tasks.create_task(receive(line))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

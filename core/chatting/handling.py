"""Handling what a platform delivers: each event once, many at a time, and none lost when the bot is stopped."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog
from redis.exceptions import RedisError

from core.delivery.delivering import as_known
from core.memory.once import Once
from core.repeating import repeating
from core.vocabulary import Event, Taken

log = structlog.get_logger()

TAKE_OVER_EVERY = timedelta(seconds=5)
FINISH_WITHIN = timedelta(seconds=25)
"""What is being answered when the bot is stopped may end within this time; what does not is left to other processes."""

Handle = Callable[[Event, Taken], Awaitable[None]]


class Handling:
    """Runs `handle` for each event that this process takes. To be used within `open`."""

    def __init__(self, once: Once, handle: Handle) -> None:
        self._once = once
        self._handle = handle
        self._running: dict[str, asyncio.Task[None]] = {}
        self._stopped: set[asyncio.Task[None]] = set()
        self._tasks: asyncio.TaskGroup | None = None
        self._closing = False

    async def receive(self, event: Event) -> bool:
        """Takes an event and begins to handle it; returns before that has ended. False when it was taken before."""
        if self._tasks is None or self._closing:
            return False
        taken = await self._once.take(event)
        if taken:
            self._begin(event, taken)
        return taken is not None

    async def stop(self, name: str) -> bool:
        """Stops handling an event, and returns when that has ended; False when this process does not handle it."""
        task = self._running.get(name)
        if task is None or task is asyncio.current_task():
            return False
        self._stopped.add(task)
        task.cancel()
        await asyncio.wait([task])
        return True

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None, None]:
        """Takes events, and takes over those of processes that are gone. At the end what runs may finish."""
        async with self._once.living(), asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                async with repeating(self._take_over, every=TAKE_OVER_EVERY):
                    yield
            finally:
                self._closing = True
                await self._finish()

    def _begin(self, event: Event, taken: Taken) -> None:
        if self._tasks is None:
            raise RuntimeError("events are handled within open()")
        task = self._tasks.create_task(self._run(event, taken))
        for name in event.names:
            self._running[name] = task

    async def _run(self, event: Event, taken: Taken) -> None:
        task = asyncio.current_task()
        try:
            await self._handle(event, taken)
        except asyncio.CancelledError:
            if task not in self._stopped:
                raise  # the bot is being stopped: whoever takes over finds the event as it is
        except Exception as error:  # a door: behind it other events are being handled
            known = as_known(error)
            log.error("an event failed", error_id=known.id, event=event.names[0], cause=str(known), exc_info=error)
        finally:
            for name in event.names:
                if self._running.get(name) is task:
                    del self._running[name]
            if task:
                self._stopped.discard(task)
        await self._once.done(event)

    async def _take_over(self) -> None:
        try:
            for event in await self._once.left_behind():
                log.warning("an event is taken over from a process that is gone", event=event.names[0])
                self._begin(event, Taken.OVER)
        except RedisError as error:
            log.warning("nothing can be taken over just now", cause=str(error))

    async def _finish(self) -> None:
        running = set(self._running.values())
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=FINISH_WITHIN.total_seconds())
        for task in late:
            task.cancel()
        if late:
            log.warning("questions are left to other processes", questions=len(late))

"""Handling what a platform delivers: each event once, many at a time, and none lost when the bot is stopped."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from core.domain import Claim, Event
from core.errors import to_footnoted_error
from core.periodic import running_periodically
from core.storage.event_claims import EventClaims
from core.telemetry import QuestionContext, question_context

log = structlog.get_logger()

TAKE_OVER_EVERY = timedelta(seconds=5)
FINISH_WITHIN = timedelta(seconds=25)
"""What is being answered when the bot is stopped may end within this time; what does not is left to other processes."""

Handle = Callable[[Event, Claim], Awaitable[None]]


class EventDispatcher:
    """Runs `handle` for each event that this process takes. To be used within `open`, once.

    `handle` is cancelled when the event is stopped, left to another process, or was taken over by one.
    """

    def __init__(self, once: EventClaims, handle: Handle, finish_within: timedelta = FINISH_WITHIN) -> None:
        self._once = once
        self._handle = handle
        self._finish_within = finish_within
        self._running: dict[asyncio.Task[None], Event] = {}
        self._handled: set[asyncio.Task[None]] = set()
        self._tasks: asyncio.TaskGroup | None = None
        self._closing = False

    async def receive(self, event: Event) -> bool:
        """Takes an event and begins to handle it; returns before that has ended. False when it was taken before.

        What comes while the bot is being stopped is taken, too, and left to the process that comes next.
        """
        if self._tasks is None:
            raise RuntimeError("events are handled within open()")
        taken = await self._once.claim(event)
        if taken and not self._closing:
            self._begin(event, taken)
        return taken is not None

    async def stop(self, name: str) -> bool:
        """Stops handling an event, and returns when that has ended; False when this process does not handle it."""
        task = next((task for task, event in self._running.items() if name in event.names), None)
        return task is not None and await self.stop_task(task)

    async def stop_task(self, task: asyncio.Task[None]) -> bool:
        """The same for the task in which an event is handled."""
        event = self._running.get(task)
        if event is None or task is asyncio.current_task():
            return False
        task.cancel()
        await asyncio.wait([task])
        if task.cancelled():
            await self._once.complete(event)
        return True

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None, None]:
        """Takes events, and takes over those of processes that are gone. At the end what runs may finish."""
        async with self._once.heartbeat(), asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                async with running_periodically(self._look_around, every=TAKE_OVER_EVERY):
                    yield
            finally:
                self._closing = True
                await self._finish()

    def _begin(self, event: Event, taken: Claim) -> None:
        if self._tasks is None:
            raise RuntimeError("events are handled within open()")
        task = self._tasks.create_task(self._run(event, taken))
        self._running[task] = event
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self._handled.discard(task)

    async def _run(self, event: Event, taken: Claim) -> None:
        question_context.set(QuestionContext("", "", list(_sentences(event.body))))
        # When it is cancelled, whoever did that knows what becomes of the event.
        try:
            await self._handle(event, taken)
        except Exception as error:  # a door: behind it other events are being handled
            known = to_footnoted_error(error)
            log.error("an event failed", error_id=known.id, name=event.names[0], cause=str(known), exc_info=error)
        if task := asyncio.current_task():
            # From here on it is too late to stop it.
            self._running.pop(task, None)
            self._handled.add(task)
        await self._once.complete(event)

    async def _look_around(self) -> None:
        """Gives up what others have taken over from this process, and takes over what those that are gone had."""
        lost = await self._once.taken_over(self._running.values())
        for task, event in list(self._running.items()):
            if event in lost:
                log.warning("an event was taken over by another process", name=event.names[0])
                task.cancel()
        for event in await self._once.claim_orphaned():
            log.warning("an event is taken over from a process that is gone", name=event.names[0])
            self._begin(event, Claim.TAKEOVER)

    async def _finish(self) -> None:
        if question_context := set(self._running):
            await asyncio.wait(question_context, timeout=self._finish_within.total_seconds())
        if late := set(self._running):
            log.warning("questions are left to other processes", questions=len(late))
        for task in late:
            task.cancel()
        if ending := late | self._handled:
            await asyncio.wait(ending)


def _sentences(body: object) -> Iterator[str]:
    """Whatever in an event may be somebody's words: ids and names have no blanks."""
    match body:
        case str():
            if " " in body:
                yield body
        case Mapping():
            for part in body.values():
                yield from _sentences(part)
        case list() | tuple():
            for part in body:
                yield from _sentences(part)

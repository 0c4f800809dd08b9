"""Dispatch of a platform's events: each is handled once, many run at a time, and none is lost when the bot stops."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from core.chat.error_report import report_error
from core.events import Claim, Event
from core.periodic import running_periodically
from core.storage.event_claims import EventClaims
from core.telemetry import QuestionContext, question_context

log = structlog.get_logger()

TAKE_OVER_EVERY = timedelta(seconds=5)
FINISH_WITHIN = timedelta(seconds=25)
"""Time for running handlers when the bot stops; other processes take over the events of those that need longer."""

Handle = Callable[[Event, Claim], Awaitable[None]]


class EventDispatcher:
    """Runs `handle` for each event that this process claims, while `open` runs.

    `handle` is cancelled when the event is stopped, left to another process, or taken over by one.
    """

    def __init__(self, claims: EventClaims, handle: Handle, finish_within: timedelta = FINISH_WITHIN) -> None:
        self._claims = claims
        self._handle = handle
        self._finish_within = finish_within
        self._running: dict[asyncio.Task[None], Event] = {}
        self._handled: set[asyncio.Task[None]] = set()
        self._tasks: asyncio.TaskGroup | None = None
        self._closing = False

    async def receive(self, event: Event) -> bool:
        """Claim an event and start to handle it; return False when it has been claimed before.

        An event that arrives while the bot stops is claimed and left to another process.
        """
        if self._tasks is None:
            raise RuntimeError("events are handled within open()")
        claim = await self._claims.claim(event)
        if claim and not self._closing:
            self._begin(event, claim)
        return claim is not None

    async def stop(self, name: str) -> bool:
        """Cancel the handler of an event and wait for its end; return False when there is none in this process."""
        task = next((task for task, event in self._running.items() if name in event.names), None)
        return task is not None and await self.stop_task(task)

    async def stop_task(self, task: asyncio.Task[None]) -> bool:
        """Cancel a handler by its task, as `stop` does."""
        event = self._running.get(task)
        if event is None or task is asyncio.current_task():
            return False
        task.cancel()
        await asyncio.wait([task])
        if task.cancelled():
            await self._claims.complete(event)
        return True

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None, None]:
        """Accept events and take over those of dead processes; at the end, let running handlers finish."""
        async with self._claims.heartbeat(), asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                async with running_periodically(self._exchange_events, every=TAKE_OVER_EVERY):
                    yield
            finally:
                self._closing = True
                await self._finish()

    def _begin(self, event: Event, claim: Claim) -> None:
        if self._tasks is None:
            raise RuntimeError("events are handled within open()")
        task = self._tasks.create_task(self._run(event, claim))
        self._running[task] = event
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self._handled.discard(task)

    async def _run(self, event: Event, claim: Claim) -> None:
        question_context.set(QuestionContext("", "", list(_sentences(event.body))))
        # The code that cancels this task decides what happens to the event.
        try:
            await self._handle(event, claim)
        except Exception as error:  # Boundary: other events are being handled.
            report_error("event failed", error, name=event.names[0])
        if task := asyncio.current_task():
            # Too late to be stopped.
            self._running.pop(task, None)
            self._handled.add(task)
        await self._claims.complete(event)

    async def _exchange_events(self) -> None:
        """Give up events that other processes have taken over, and take over those of dead processes."""
        lost = await self._claims.taken_over(self._running.values())
        for task, event in list(self._running.items()):
            if event in lost:
                log.warning("event taken over by another process", name=event.names[0])
                task.cancel()
        for event in await self._claims.claim_orphaned():
            log.warning("event taken over from a dead process", name=event.names[0])
            self._begin(event, Claim.TAKEOVER)

    async def _finish(self) -> None:
        if running := set(self._running):
            await asyncio.wait(running, timeout=self._finish_within.total_seconds())
        if late := set(self._running):
            log.warning("events left to other processes", events=len(late))
        for task in late:
            task.cancel()
        if ending := late | self._handled:
            await asyncio.wait(ending)


def _sentences(body: object) -> Iterator[str]:
    """Yield the parts of an event that may be a user's words: ids and names contain no blanks."""
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

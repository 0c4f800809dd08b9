"""A reply that grows no faster than a platform lets it: of what comes meanwhile, only the newest is shown."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from aiolimiter import AsyncLimiter

from core.answerer import Found, Searching
from core.chat.delivery import Reply
from core.domain import Answer
from core.errors import FootnotedError

Pause = Callable[[], Awaitable[None]]
"""Returns when the platform may be written to again."""


class ReplyPace:
    """A pause of one answer: the first words come at once, then `every` so often at most, and not more often than the
    `budget` allows that it shares with all others."""

    def __init__(self, every: timedelta, budget: AsyncLimiter) -> None:
        self._every = every.total_seconds()
        self._budget = budget
        self._next: float | None = None

    async def __call__(self) -> None:
        loop = asyncio.get_running_loop()
        if self._next is not None:
            await asyncio.sleep(max(0.0, self._next - loop.time()))
            await self._budget.acquire()
        self._next = loop.time() + self._every


class PacedReply:
    """Stands before a reply; `grow` returns at once, so that nobody who writes waits for somebody who shows."""

    def __init__(self, reply: Reply, pause: Pause) -> None:
        self._reply = reply
        self._pause = pause
        self._text = ""
        self._more = asyncio.Event()
        self._showing = asyncio.Lock()
        self._ended = False

    async def note(self, progress: Searching | Found) -> None:
        await self._reply.note(progress)

    async def grow(self, text: str) -> None:
        self._text = text
        self._more.set()

    async def finish(self, answer: Answer) -> None:
        async with self._showing:
            self._ended = True
            await self._reply.finish(answer)

    async def fail(self, error: FootnotedError) -> None:
        async with self._showing:
            self._ended = True
            await self._reply.fail(error)

    async def show(self) -> None:
        """Shows the newest text, again and again; until it is cancelled."""
        while True:
            await self._more.wait()
            await self._pause()
            async with self._showing:
                self._more.clear()
                if not self._ended:
                    await self._reply.grow(self._text)


@asynccontextmanager
async def paced(reply: Reply, pause: Pause) -> AsyncGenerator[Reply, None]:
    """The reply to hand to `deliver`, for the length of the block. What `reply.grow` raises ends the block, with an
    exception group."""
    slow = PacedReply(reply, pause)
    async with asyncio.TaskGroup() as tasks:
        showing = tasks.create_task(slow.show())
        try:
            yield slow
        finally:
            showing.cancel()

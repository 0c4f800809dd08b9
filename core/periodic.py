"""Periodic calls of a function beside a block of code."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta


@asynccontextmanager
async def running_periodically(act: Callable[[], Awaitable[object]], every: timedelta) -> AsyncGenerator[None, None]:
    """Await `act` periodically for the length of the block, with a pause of `every` before each call.

    An error of `act` ends the block with an exception group. At the end of the block a call in progress is finished,
    not cancelled.
    """
    ended = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_repeat(act, every.total_seconds(), ended))
        try:
            yield
        finally:
            ended.set()


async def _repeat(act: Callable[[], Awaitable[object]], pause: float, ended: asyncio.Event) -> None:
    while not ended.is_set():
        try:
            async with asyncio.timeout(pause):
                await ended.wait()
        except TimeoutError:
            await act()

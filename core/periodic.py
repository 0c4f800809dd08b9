"""Doing something again and again beside something else."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta


@asynccontextmanager
async def running_periodically(
    act: Callable[[], Awaitable[object]], every: timedelta, growing: float = 1.0
) -> AsyncGenerator[None, None]:
    """Awaits `act` for the length of the block, with pauses that grow by the factor `growing`. An error of `act` ends
    the block with an exception group.

    The end is told by an event and not by cancelling: what `act` has begun, it ends.
    """
    ended = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_repeat(act, every.total_seconds(), growing, ended))
        try:
            yield
        finally:
            ended.set()


async def _repeat(act: Callable[[], Awaitable[object]], pause: float, growing: float, ended: asyncio.Event) -> None:
    while not ended.is_set():
        try:
            async with asyncio.timeout(pause):
                await ended.wait()
        except TimeoutError:
            await act()
            pause *= growing

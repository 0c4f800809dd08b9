"""One holder at a time, in any process: a lease in Redis that its holder keeps renewing."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from redis.asyncio import Redis
from redis.exceptions import LockError

from core.errors import RunInProgressError
from core.periodic import running_periodically

LASTS = timedelta(seconds=15)
"""A dead holder's lease passes on after this long."""

HEARTBEATS = 15
"""In that time. A holder that Redis does not hear for one or two of them keeps the lease."""


async def _nothing() -> None:
    return None


@asynccontextmanager
async def lease(
    redis: Redis, key: str, holder: str, beside: Callable[[], Awaitable[object]] = _nothing
) -> AsyncGenerator[None, None]:
    """Holds `key` for the length of the block, under a name of its own. Raises RunInProgressError when it is held.

    `beside` is awaited with every heartbeat; an error of it ends the block with an exception group. So does the loss of
    the lease (the holder was stopped for longer than the lease lasts), with LockNotOwnedError.
    """
    lock = redis.lock(key, timeout=LASTS.total_seconds())
    if not await lock.acquire(blocking=False, token=holder):
        raise RunInProgressError

    async def beat() -> None:
        await lock.reacquire()
        await beside()

    try:
        async with running_periodically(beat, every=LASTS / HEARTBEATS):
            yield
    finally:
        with suppress(LockError):
            await lock.release()


async def holder_of(redis: Redis, key: str) -> str | None:
    """The name under which a lease is held, None when it is free."""
    name = await redis.get(key)
    return name.decode() if isinstance(name, bytes) else name

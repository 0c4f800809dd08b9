"""A lease in Redis: one holder at a time among all processes, renewed while it is held."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from redis.asyncio import Redis
from redis.exceptions import LockError

from core.periodic import running_periodically
from core.storage.connection import as_text

TTL = timedelta(seconds=15)
"""Time after which the lease of a dead holder expires."""

HEARTBEATS = 15
"""Renewals per TTL. A holder may miss one or two of them."""


class LeaseHeldError(Exception):
    """The lease is held by `holder`, which is empty if the lease has just expired."""

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder


async def _nothing() -> None:
    return None


@asynccontextmanager
async def lease(
    redis: Redis, key: str, holder: str, on_heartbeat: Callable[[], Awaitable[object]] = _nothing
) -> AsyncGenerator[None, None]:
    """Hold `key` in the name of `holder` for the length of the block. Raises LeaseHeldError.

    An error of `on_heartbeat` ends the block with an exception group. So does losing the lease, with LockNotOwnedError:
    the process was suspended for longer than the TTL.
    """
    lock = redis.lock(key, timeout=TTL.total_seconds())
    if not await lock.acquire(blocking=False, token=holder):
        raise LeaseHeldError(await holder_of(redis, key) or "")

    async def heartbeat() -> None:
        await lock.reacquire()
        await on_heartbeat()

    try:
        async with running_periodically(heartbeat, every=TTL / HEARTBEATS):
            yield
    finally:
        with suppress(LockError):
            await lock.release()


async def holder_of(redis: Redis, key: str) -> str | None:
    """Return the holder of a lease, or None if it is free."""
    holder = await redis.get(key)
    return None if holder is None else as_text(holder)

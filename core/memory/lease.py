"""One holder at a time, in any process: a lease in Redis that its holder keeps renewing."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from redis.asyncio import Redis
from redis.exceptions import LockError

from core.errors import AlreadyReading
from core.repeating import repeating

LASTS = timedelta(seconds=30)
"""A dead holder's lease passes on after this long."""


@asynccontextmanager
async def lease(redis: Redis, key: str) -> AsyncGenerator[None, None]:
    """Holds `key` for the length of the block. Raises AlreadyReading when somebody else holds it.

    A holder that loses the lease (it was stopped for longer than the lease lasts) is cancelled with LockNotOwnedError.
    """
    lock = redis.lock(key, timeout=LASTS.total_seconds())
    if not await lock.acquire(blocking=False):
        raise AlreadyReading
    try:
        async with repeating(lock.reacquire, every=LASTS / 3):
            yield
    finally:
        with suppress(LockError):
            await lock.release()

"""One holder at a time, in any process: a lease in Redis that its holder keeps renewing."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from redis.asyncio import Redis
from redis.asyncio.lock import Lock
from redis.exceptions import LockError, LockNotOwnedError

from core.errors import AlreadyReading

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
        async with asyncio.TaskGroup() as tasks:
            renewing = tasks.create_task(_renew(lock))
            try:
                yield
            finally:
                renewing.cancel()
    finally:
        with suppress(LockNotOwnedError, LockError):
            await lock.release()


async def _renew(lock: Lock) -> None:
    while True:
        await asyncio.sleep(LASTS.total_seconds() / 3)
        await lock.reacquire()

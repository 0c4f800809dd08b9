"""A Redis of its own for tests that only ask: posts are published there once, not once per test."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from redis.asyncio import Redis

from bot.embedded_redis import embedded_redis
from core.storage.connection import connect


@contextmanager
def published_redis(folder: Path, publish: Callable[[Redis], Awaitable[object]]) -> Iterator[str]:
    """Yield the address of a server on which `publish` has run."""

    async def prepare(url: str) -> None:
        async with connect(url) as redis:
            await publish(redis)

    with embedded_redis(folder) as url:
        # In a thread: a test's event loop may be set in this one.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(lambda: asyncio.run(prepare(url))).result()
        yield url


@asynccontextmanager
async def shared(url: str) -> AsyncIterator[Redis]:
    """Yield a client, and delete the keys that the test has added. A test must not change the others."""
    async with connect(url) as redis:
        before = set(await redis.keys("*"))
        yield redis
        after = set(await redis.keys("*"))
        assert before <= after, "a test has deleted keys that other tests need"
        if added := after - before:
            await redis.delete(*added)

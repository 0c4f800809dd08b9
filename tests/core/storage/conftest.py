"""Three processes of a bot, and one whose Redis is behind a bad line."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from core.storage.connection import connect
from tests.core.storage.processes import Process
from tests.servers.redis import BadLine, bad_line


@pytest.fixture
async def processes(redis: Redis) -> AsyncIterator[list[Process]]:
    """Three of them."""
    started = [await Process(redis).start() for _ in range(3)]
    yield started
    for process in started:
        await process.end()


@pytest.fixture
async def line(redis: Redis, redis_url: str) -> AsyncIterator[BadLine]:
    async with bad_line(redis_url) as line:
        yield line


@pytest.fixture
async def far(line: BadLine) -> AsyncIterator[Process]:
    """A process whose Redis is behind a line that can break."""
    async with connect(line.address) as client:
        process = await Process(client).start()
        yield process
        line.mend()
        await process.end()

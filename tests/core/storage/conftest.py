"""Three bot processes, and one whose connection to Redis can be cut."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from core.storage.connection import connect
from tests.core.storage.processes import Process
from tests.servers.redis import RedisProxy, redis_proxy


@pytest.fixture
async def processes(redis: Redis) -> AsyncIterator[list[Process]]:
    started = [await Process(redis).start() for _ in range(3)]
    yield started
    for process in started:
        await process.end()


@pytest.fixture
async def line(redis: Redis, redis_url: str) -> AsyncIterator[RedisProxy]:
    async with redis_proxy(redis_url) as line:
        yield line


@pytest.fixture
async def far(line: RedisProxy) -> AsyncIterator[Process]:
    """A process whose connection to Redis can be cut."""
    async with connect(line.address) as client:
        process = await Process(client).start()
        yield process
        line.restore()
        await process.end()

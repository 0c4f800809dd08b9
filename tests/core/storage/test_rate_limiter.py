"""Hits are counted per minute in Redis, for all processes together."""

import asyncio
from datetime import timedelta

from redis.asyncio import Redis

from core.storage.connection import connect
from core.storage.rate_limiter import WINDOW, RateLimiter


async def test_hit_over_the_limit_waits_for_the_end_of_the_window(redis: Redis) -> None:
    quota = RateLimiter(redis)
    assert [await quota.hit("key", limit=3) for _ in range(3)] == [timedelta()] * 3
    assert timedelta() < await quota.hit("key", limit=3) <= WINDOW


async def test_window_starts_with_the_first_hit(redis: Redis) -> None:
    quota = RateLimiter(redis)
    await quota.hit("key", limit=1)
    await redis.pexpire("key", 5_000)
    assert await quota.hit("key", limit=1) <= timedelta(seconds=5)


async def test_count_restarts_after_the_window(redis: Redis) -> None:
    quota = RateLimiter(redis)
    await quota.hit("key", limit=1)
    assert await quota.hit("key", limit=1)
    await redis.pexpire("key", 0)
    assert not await quota.hit("key", limit=1)


async def test_keys_are_counted_separately(redis: Redis) -> None:
    quota = RateLimiter(redis)
    await quota.hit("one", limit=1)
    assert not await quota.hit("other", limit=1)
    assert await quota.hit("one", limit=1)


async def test_simultaneous_hits_of_two_processes_are_counted_exactly(redis: Redis, redis_url: str) -> None:
    async with connect(redis_url) as other:
        waits = await asyncio.gather(
            *(RateLimiter(client).hit("key", limit=7) for client in (redis, other) for _ in range(10))
        )
    assert sum(not wait for wait in waits) == 7

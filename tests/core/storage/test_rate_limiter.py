"""Uses are counted per minute, in Redis and so by all processes together."""

import asyncio
from datetime import timedelta

from redis.asyncio import Redis

from core.storage.connection import connect
from core.storage.rate_limiter import WINDOW, RateLimiter


async def test_the_use_past_the_limit_waits_for_the_rest_of_the_minute(redis: Redis) -> None:
    quota = RateLimiter(redis)
    assert [await quota.hit("key", limit=3) for _ in range(3)] == [timedelta()] * 3
    assert timedelta() < await quota.hit("key", limit=3) <= WINDOW


async def test_the_minute_begins_with_the_first_use_and_not_with_the_last(redis: Redis) -> None:
    quota = RateLimiter(redis)
    await quota.hit("key", limit=1)
    await redis.pexpire("key", 5_000)
    assert await quota.hit("key", limit=1) <= timedelta(seconds=5)


async def test_after_the_minute_the_count_begins_anew(redis: Redis) -> None:
    quota = RateLimiter(redis)
    await quota.hit("key", limit=1)
    assert await quota.hit("key", limit=1)
    await redis.pexpire("key", 0)
    assert not await quota.hit("key", limit=1)


async def test_every_key_is_counted_for_itself(redis: Redis) -> None:
    quota = RateLimiter(redis)
    await quota.hit("one", limit=1)
    assert not await quota.hit("other", limit=1)
    assert await quota.hit("one", limit=1)


async def test_many_at_once_in_two_processes_are_counted_exactly(redis: Redis, redis_url: str) -> None:
    async with connect(redis_url) as other:
        waits = await asyncio.gather(
            *(RateLimiter(client).hit("key", limit=7) for client in (redis, other) for _ in range(10))
        )
    assert sum(not wait for wait in waits) == 7

"""Only one process holds a lease; the lease of a dead holder expires."""

import asyncio
from datetime import timedelta

import pytest
from redis.asyncio import Redis
from redis.exceptions import LockError

from core.storage import lease as lease_module
from core.storage.connection import connect
from core.storage.lease import LeaseHeldError, lease

KEY = "reading"


async def test_second_holder_is_told_who_holds_the_lease(redis: Redis, redis_url: str) -> None:
    async with connect(redis_url) as other, lease(redis, KEY, "first"):
        for client in (other, redis):
            with pytest.raises(LeaseHeldError) as refused:
                async with lease(client, KEY, "second"):
                    pass
            assert refused.value.holder == "first"


async def test_lease_is_free_after_the_block(redis: Redis) -> None:
    for _ in range(2):
        async with lease(redis, KEY, "me"):
            assert await redis.exists(KEY)
    assert not await redis.exists(KEY)


async def test_lease_is_free_after_an_error(redis: Redis) -> None:
    with pytest.raises(ExceptionGroup, match="unhandled"):
        async with lease(redis, KEY, "me"):
            raise KeyError
    assert not await redis.exists(KEY)


async def test_one_of_many_simultaneous_attempts_succeeds(redis: Redis) -> None:
    refused = asyncio.Semaphore(0)
    done = asyncio.Event()

    async def attempt() -> bool:
        try:
            async with lease(redis, KEY, "me"):
                await done.wait()
        except LeaseHeldError:
            refused.release()
            return False
        return True

    tasks = [asyncio.create_task(attempt()) for _ in range(8)]
    for _ in range(7):
        await refused.acquire()
    done.set()
    assert sum(await asyncio.gather(*tasks)) == 1


async def test_heartbeats_keep_the_lease_beyond_its_ttl(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_module, "TTL", timedelta(seconds=0.3))
    beats = 0
    enough = asyncio.Event()

    async def count() -> None:
        nonlocal beats
        beats += 1
        assert await redis.exists(KEY)
        if beats > 2 * lease_module.HEARTBEATS:
            enough.set()

    async with lease(redis, KEY, "me", count):
        await enough.wait()


async def test_lease_of_a_dead_holder_expires(redis: Redis) -> None:
    # A killed process leaves a lock that nothing renews.
    assert await redis.lock(KEY, timeout=0.2).acquire(blocking=False)
    with pytest.raises(LeaseHeldError):
        async with lease(redis, KEY, "me"):
            pass
    while await redis.exists(KEY):
        await asyncio.sleep(0.01)
    async with lease(redis, KEY, "me"):
        assert await redis.get(KEY) == b"me"


async def test_losing_the_lease_ends_the_block(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_module, "TTL", timedelta(seconds=0.2))
    with pytest.raises(ExceptionGroup) as caught:
        async with lease(redis, KEY, "me"):
            await redis.set(KEY, "another process")
            await asyncio.Event().wait()
    assert caught.value.subgroup(LockError)
    assert await redis.get(KEY) == b"another process"

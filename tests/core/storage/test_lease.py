"""One holder at a time, in any process; a dead holder's lease passes on."""

import asyncio
from datetime import timedelta

import pytest
from redis.asyncio import Redis
from redis.exceptions import LockError

from core.errors import RunInProgressError
from core.storage import lease as leasing
from core.storage.connection import connect
from core.storage.lease import lease

KEY = "reading"


async def test_a_second_holder_is_refused_in_any_process(redis: Redis, redis_url: str) -> None:
    async with connect(redis_url) as other, lease(redis, KEY, "me"):
        with pytest.raises(RunInProgressError):
            async with lease(other, KEY, "me"):
                pass
        with pytest.raises(RunInProgressError):
            async with lease(redis, KEY, "me"):
                pass


async def test_the_lease_is_free_again_after_the_block(redis: Redis) -> None:
    for _ in range(2):
        async with lease(redis, KEY, "me"):
            assert await redis.exists(KEY)
    assert not await redis.exists(KEY)


async def test_the_lease_is_free_again_after_an_error(redis: Redis) -> None:
    with pytest.raises(ExceptionGroup, match="unhandled"):
        async with lease(redis, KEY, "me"):
            raise KeyError
    assert not await redis.exists(KEY)


async def test_of_many_that_come_at_once_one_gets_it(redis: Redis) -> None:
    done = asyncio.Event()

    async def take() -> bool:
        try:
            async with lease(redis, KEY, "me"):
                await done.wait()
        except RunInProgressError:
            return False
        return True

    tasks = [asyncio.create_task(take()) for _ in range(8)]
    while sum(task.done() for task in tasks) < 7:
        await asyncio.sleep(0.005)
    done.set()
    assert sum(await asyncio.gather(*tasks)) == 1


async def test_a_living_holder_keeps_the_lease_longer_than_it_lasts(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leasing, "LASTS", timedelta(seconds=0.3))
    async with lease(redis, KEY, "me"):
        loop = asyncio.get_running_loop()
        end = loop.time() + 0.7
        while loop.time() < end:
            assert await redis.exists(KEY)
            await asyncio.sleep(0.02)


async def test_the_lease_of_a_dead_holder_passes_on(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leasing, "LASTS", timedelta(seconds=0.2))
    # What a process leaves that was killed: a lock that nobody renews.
    assert await redis.lock(KEY, timeout=0.2).acquire(blocking=False)
    with pytest.raises(RunInProgressError):
        async with lease(redis, KEY, "me"):
            pass
    while await redis.exists(KEY):
        await asyncio.sleep(0.01)
    async with lease(redis, KEY, "me"):
        pass


async def test_a_holder_that_lost_the_lease_is_stopped(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leasing, "LASTS", timedelta(seconds=0.2))
    with pytest.raises(ExceptionGroup) as caught:
        async with lease(redis, KEY, "me"):
            await redis.set(KEY, "somebody else")
            await asyncio.Event().wait()
    assert caught.value.subgroup(LockError)
    assert await redis.get(KEY) == b"somebody else"

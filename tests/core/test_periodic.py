"""Something is done again and again beside a block, and ends with it."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest

from core.periodic import running_periodically


async def test_it_is_done_again_and_again_until_the_block_ends() -> None:
    times = 0
    thrice = asyncio.Event()

    async def act() -> None:
        nonlocal times
        times += 1
        if times == 3:
            thrice.set()

    async with running_periodically(act, every=timedelta(milliseconds=5)):
        await asyncio.wait_for(thrice.wait(), 5)
    ended = times
    await asyncio.sleep(0.03)
    assert times == ended


async def test_a_block_that_ends_before_the_first_pause_does_nothing_and_waits_for_nothing() -> None:
    async def act() -> None:
        pytest.fail("too early")

    async with asyncio.timeout(5), running_periodically(act, every=timedelta(hours=1)):
        pass


async def test_the_pauses_grow() -> None:
    loop = asyncio.get_running_loop()
    moments = [loop.time()]
    enough = asyncio.Event()

    async def act() -> None:
        moments.append(loop.time())
        if len(moments) == 4:
            enough.set()

    async with running_periodically(act, every=timedelta(milliseconds=10), growing=4):
        await asyncio.wait_for(enough.wait(), 5)
    first, second, third = (later - earlier for earlier, later in pairwise(moments))
    assert first >= 0.009
    assert second >= 0.039
    assert third >= 0.159


async def test_an_error_of_what_is_repeated_ends_the_block() -> None:
    async def act() -> None:
        raise KeyError("lost")

    with pytest.raises(ExceptionGroup) as caught:
        async with running_periodically(act, every=timedelta(milliseconds=1)):
            await asyncio.Event().wait()
    assert caught.value.subgroup(KeyError)


async def test_an_error_of_the_block_ends_the_repeating() -> None:
    async def act() -> None:
        pass

    with pytest.raises(ExceptionGroup) as caught:
        async with running_periodically(act, every=timedelta(hours=1)):
            raise ValueError
    assert caught.value.subgroup(ValueError)


async def test_whoever_cancels_the_block_is_not_kept_waiting() -> None:
    async def act() -> None:
        pass

    async def block() -> None:
        async with running_periodically(act, every=timedelta(milliseconds=1)):
            await asyncio.Event().wait()

    task = asyncio.create_task(block())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)

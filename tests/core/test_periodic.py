"""A function is called periodically beside a block, and stops with it."""

import asyncio
from datetime import timedelta

import pytest

from core.periodic import running_periodically

SHORT, LONG = timedelta(milliseconds=1), timedelta(hours=1)


async def nothing() -> None:
    pass


async def test_function_is_called_until_the_block_ends() -> None:
    calls = 0
    thrice = asyncio.Event()

    async def act() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            thrice.set()

    tasks = asyncio.all_tasks()
    async with running_periodically(act, every=SHORT):
        await asyncio.wait_for(thrice.wait(), 5)
    assert calls >= 3
    assert asyncio.all_tasks() == tasks


async def test_block_that_ends_early_neither_calls_nor_waits() -> None:
    async def act() -> None:
        pytest.fail("too early")

    async with asyncio.timeout(5), running_periodically(act, every=LONG):
        pass


async def test_call_in_progress_is_finished_at_the_end_of_the_block() -> None:
    started, finished = asyncio.Event(), asyncio.Event()

    async def act() -> None:
        started.set()
        await asyncio.sleep(0)
        finished.set()

    async with running_periodically(act, every=SHORT):
        await asyncio.wait_for(started.wait(), 5)
    assert finished.is_set()


async def test_error_of_the_function_ends_the_block() -> None:
    async def act() -> None:
        raise KeyError("lost")

    with pytest.raises(ExceptionGroup) as caught:
        async with running_periodically(act, every=SHORT):
            await asyncio.Event().wait()
    assert caught.value.subgroup(KeyError)


async def test_error_of_the_block_ends_the_calls() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        async with running_periodically(nothing, every=LONG):
            raise ValueError
    assert caught.value.subgroup(ValueError)


async def test_block_can_be_cancelled() -> None:
    called = asyncio.Event()

    async def act() -> None:
        called.set()

    async def block() -> None:
        async with running_periodically(act, every=SHORT):
            await asyncio.Event().wait()

    task = asyncio.create_task(block())
    await asyncio.wait_for(called.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)

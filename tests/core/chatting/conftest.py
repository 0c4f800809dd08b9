"""Handling that is open, and another process beside it."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from core.chatting import handling as handling_module
from core.chatting.handling import Handling
from core.memory.once import Once
from tests.core.chatting.answering import Answering


@pytest.fixture
def answering() -> Answering:
    return Answering()


@pytest.fixture(autouse=True)
def looking_around_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handling_module, "TAKE_OVER_EVERY", timedelta(milliseconds=10))


@pytest.fixture
async def handling(redis: Redis, answering: Answering) -> AsyncIterator[Handling]:
    """Open; what still runs at the end of a test is left behind."""
    handling = Handling(Once(redis, "slack"), answering.handle, finish_within=timedelta())
    async with handling.open():
        yield handling


@pytest.fixture
async def other(redis: Redis) -> AsyncIterator[Once]:
    """Another process."""
    once = Once(redis, "slack")
    async with once.living():
        yield once

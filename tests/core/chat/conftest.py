"""Handling that is open, and another process beside it."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from core.chat import event_dispatcher as handling_module
from core.chat.event_dispatcher import EventDispatcher
from core.storage.event_claims import EventClaims
from tests.core.chat.answering import Answering


@pytest.fixture
def logged() -> Iterator[None]:
    """Keep log lines unrendered: rendering a traceback reads source files within the event loop."""
    with capture_logs():
        yield


@pytest.fixture
def answering() -> Answering:
    return Answering()


@pytest.fixture(autouse=True)
def looking_around_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handling_module, "TAKE_OVER_EVERY", timedelta(milliseconds=10))


@pytest.fixture
async def handling(redis: Redis, answering: Answering) -> AsyncIterator[EventDispatcher]:
    """Open; what still runs at the end of a test is left behind."""
    handling = EventDispatcher(EventClaims(redis, "slack"), answering.handle, finish_within=timedelta())
    async with handling.open():
        yield handling


@pytest.fixture
async def other(redis: Redis) -> AsyncIterator[EventClaims]:
    """Another process."""
    once = EventClaims(redis, "slack")
    async with once.heartbeat():
        yield once

"""An event handler for tests that waits until the test lets it continue."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from redis.asyncio import Redis

from core.events import Claim, Event
from core.storage import keys

SOON = timedelta(milliseconds=50)
WITHIN = 10.0
"""Seconds; nothing here takes a tenth of it."""


def event_of(number: int) -> Event:
    return Event((f"T1:C1:{number}", f"Ev{number}"), {"number": number})


FIRST, SECOND = event_of(1), event_of(2)


@dataclass
class Answering:
    """Handle events; each waits until the test lets it continue."""

    begun: list[tuple[str, Claim]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    may_end: asyncio.Event = field(default_factory=asyncio.Event)
    error: Exception | None = None
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def handle(self, event: Event, taken: Claim) -> None:
        self.begun.append((event.names[0], taken))
        await self._tell()
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled.append(event.names[0])
            raise
        if self.error:
            raise self.error
        self.ended.append(event.names[0])
        await self._tell()

    async def began(self, number: int) -> None:
        """Waits until so many have begun."""
        async with asyncio.timeout(WITHIN), self.changed:
            await self.changed.wait_for(lambda: len(self.begun) >= number)

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()


async def noted(redis: Redis, event: Event) -> None:
    """Waits until Redis knows that an event was handled."""
    async with asyncio.timeout(WITHIN):
        while await redis.get(keys.event("slack", event.names[0])) != b"handled":
            await asyncio.sleep(0.005)

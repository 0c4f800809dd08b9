"""Processes of a bot, and what is delivered to them."""

from contextlib import AsyncExitStack

from redis.asyncio import Redis

from core.domain import Event
from core.storage import keys
from core.storage.connection import as_text
from core.storage.event_claims import EventClaims

MENTION = Event(("T1:C1:1.0", "Ev1"), {"text": "What do bees eat? 🐝"})
SAME_MESSAGE = Event(("T1:C1:1.0", "Ev2"), {"text": "What do bees eat? 🐝"})
OTHER = Event(("T1:C1:2.0", "Ev3"), {"text": "And in summer?"})


class Process:
    """A bot's process as Redis sees it."""

    def __init__(self, redis: Redis, platform: str = "slack") -> None:
        self._living = AsyncExitStack()
        self.once = EventClaims(redis, platform)

    async def start(self) -> "Process":
        await self._living.enter_async_context(self.once.heartbeat())
        return self

    async def end(self) -> None:
        """One that is killed leaves the same in Redis, once its sign of life has run out."""
        await self._living.aclose()


async def holder_of(redis: Redis, name: str) -> str:
    return as_text(await redis.get(keys.event("slack", name)))

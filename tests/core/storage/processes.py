"""Processes of a bot, and events that are delivered to them."""

from contextlib import AsyncExitStack

from redis.asyncio import Redis

from core.events import Event
from core.storage import keys
from core.storage.connection import as_text
from core.storage.event_claims import EventClaims

MENTION = Event(("T1:C1:1.0", "Ev1"), {"text": "What do bees eat? 🐝"})
SAME_MESSAGE = Event(("T1:C1:1.0", "Ev2"), {"text": "What do bees eat? 🐝"})
OTHER = Event(("T1:C1:2.0", "Ev3"), {"text": "And in summer?"})


class Process:
    """A bot process as Redis sees it."""

    def __init__(self, redis: Redis, platform: str = "slack") -> None:
        self._heartbeat = AsyncExitStack()
        self.claims = EventClaims(redis, platform)

    async def start(self) -> "Process":
        await self._heartbeat.enter_async_context(self.claims.heartbeat())
        return self

    async def end(self) -> None:
        """Stop. A killed process leaves the same in Redis once its heartbeat has expired."""
        await self._heartbeat.aclose()


async def holder_of(redis: Redis, name: str) -> str:
    return as_text(await redis.get(keys.event("slack", name)))

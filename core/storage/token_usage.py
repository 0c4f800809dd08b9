"""Tokens that the chat model has used per day, counted in Redis for all processes together."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from redis.asyncio import Redis

from core.domain import Question
from core.storage import keys

TTL = timedelta(days=2)
"""Longer than a day, so that skewed clocks of processes do not matter."""


@dataclass(frozen=True, slots=True)
class UsedTokens:
    """Tokens used today by everyone, and by the asker (0 if the asker is unknown)."""

    whole: int
    person: int


def _now() -> datetime:
    return datetime.now(UTC)


class TokenUsage:
    """Counts by UTC day."""

    def __init__(self, redis: Redis, now: Callable[[], datetime] = _now) -> None:
        self._redis = redis
        self._now = now

    async def add(self, question: Question, tokens: int) -> None:
        """Add the tokens that a question has used; may be called several times for one question."""
        async with self._redis.pipeline(transaction=True) as pipe:
            for key in self._keys(question):
                pipe.incrby(key, tokens)
                pipe.expire(key, TTL)
            await pipe.execute()

    async def used_today(self, question: Question) -> UsedTokens:
        """Return what was used today before this question."""
        whole, *person = [int(count or 0) for count in await self._redis.mget(self._keys(question))]
        return UsedTokens(whole, sum(person))

    def _keys(self, question: Question) -> list[str]:
        day = self._now().date().isoformat()
        person, place = question.person, question.conversation
        own = [keys.person_tokens(day, place.platform, person)] if person and place else []
        return [keys.tokens(day), *own]

"""How many tokens a language model has read and written in a day, counted in Redis and so by all processes together."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from redis.asyncio import Redis

from core.domain import Question
from core.storage import keys

KEPT = timedelta(days=2)
"""Longer than a day, wherever the clocks of the processes stand."""


@dataclass(frozen=True, slots=True)
class UsedTokens:
    """Tokens of the running day: of all people together, and of the one who asks, which is 0 for nobody."""

    whole: int
    person: int


def _now() -> datetime:
    return datetime.now(UTC)


class TokenUsage:
    """Days are those of UTC."""

    def __init__(self, redis: Redis, now: Callable[[], datetime] = _now) -> None:
        self._redis = redis
        self._now = now

    async def add(self, question: Question, tokens: int) -> None:
        """Counts what a question has cost, once more or for the first time."""
        async with self._redis.pipeline(transaction=True) as pipe:
            for key in self._keys(question):
                pipe.incrby(key, tokens)
                pipe.expire(key, KEPT)
            await pipe.execute()

    async def used_today(self, question: Question) -> UsedTokens:
        """What has been spent today before this question."""
        whole, *person = [int(count or 0) for count in await self._redis.mget(self._keys(question))]
        return UsedTokens(whole, sum(person))

    def _keys(self, question: Question) -> list[str]:
        day = self._now().date().isoformat()
        person, place = question.person, question.conversation
        own = [keys.person_tokens(day, place.platform, person)] if person and place else []
        return [keys.tokens(day), *own]

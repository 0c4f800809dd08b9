"""Which messages answer which question, so that another process, or this one after a restart, finds them again."""

import json
from collections.abc import Sequence
from datetime import timedelta

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.memory import keys

log = structlog.get_logger()

KEPT = timedelta(hours=1)
"""As long as a question may still be corrected, taken back or delivered again."""


class Replies:
    """The replies of one platform; messages are told apart by what the platform calls them."""

    def __init__(self, redis: Redis, platform: str) -> None:
        self._redis = redis
        self._platform = platform

    async def note(self, name: str, messages: Sequence[str]) -> None:
        """A question is being answered in these messages, in their order. That this could not be noted keeps nobody
        from answering."""
        try:
            await self._redis.set(keys.replies(self._platform, name), json.dumps(list(messages)), ex=KEPT)
        except RedisError as error:
            log.warning("where a question is answered was not noted", cause=str(error))

    async def of(self, name: str) -> tuple[str, ...]:
        """The messages that answer a question, as far as is known."""
        messages = await self._redis.get(keys.replies(self._platform, name))
        return tuple(json.loads(messages)) if messages else ()

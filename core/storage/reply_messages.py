"""Which messages answer which question, so that another process, or this one after a restart, finds them again."""

import json
from collections.abc import Sequence
from datetime import timedelta

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.storage import keys

log = structlog.get_logger()

KEPT = timedelta(hours=1)
"""As long as a question may still be corrected, taken back or delivered again."""


class ReplyMessages:
    """The replies of one platform; messages are told apart by what the platform calls them."""

    def __init__(self, redis: Redis, platform: str) -> None:
        self._redis = redis
        self._platform = platform

    async def note(self, name: str, messages: Sequence[str]) -> None:
        """A question is being answered in these messages, in their order. That this could not be noted keeps nobody
        from answering."""
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.set(keys.reply_messages(self._platform, name), json.dumps(list(messages)), ex=KEPT)
                for message in messages:
                    pipe.set(keys.reply_message(self._platform, message), "1", ex=KEPT)
                await pipe.execute()
        except RedisError as error:
            log.warning("where a question is answered was not noted", cause=str(error))

    async def messages_of(self, name: str) -> tuple[str, ...]:
        """The messages that answer a question, as far as is known."""
        messages = await self._redis.get(keys.reply_messages(self._platform, name))
        return tuple(json.loads(messages)) if messages else ()

    async def unclaimed(self, messages: Sequence[str]) -> list[str]:
        """Those messages that answer no question, as far as is known: a process was gone before it could note them."""
        if not messages:
            return []
        known = await self._redis.mget([keys.reply_message(self._platform, message) for message in messages])
        return [message for message, noted in zip(messages, known, strict=True) if not noted]

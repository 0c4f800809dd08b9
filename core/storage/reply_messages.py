"""Mapping from questions to the chat messages that answer them, shared by all processes and kept over restarts."""

import json
from collections.abc import Sequence
from datetime import timedelta

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.storage import keys

log = structlog.get_logger()

TTL = timedelta(hours=1)
"""As long as a question may be edited, deleted or delivered again."""


class ReplyMessages:
    """The replies on one platform, by the platform's message ids."""

    def __init__(self, redis: Redis, platform: str) -> None:
        self._redis = redis
        self._platform = platform

    async def note(self, name: str, messages: Sequence[str]) -> None:
        """Record the messages that answer a question, in order. A failure is only logged: the answer goes out."""
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.set(keys.reply_messages(self._platform, name), json.dumps(list(messages)), ex=TTL)
                for message in messages:
                    pipe.set(keys.reply_message(self._platform, message), "1", ex=TTL)
                await pipe.execute()
        except RedisError as error:
            log.warning("reply messages not recorded", cause=str(error))

    async def messages_of(self, name: str) -> tuple[str, ...]:
        messages = await self._redis.get(keys.reply_messages(self._platform, name))
        return tuple(json.loads(messages)) if messages else ()

    async def unclaimed(self, messages: Sequence[str]) -> list[str]:
        """Return those messages that belong to no known question: their process died before it recorded them."""
        if not messages:
            return []
        known = await self._redis.mget([keys.reply_message(self._platform, message) for message in messages])
        return [message for message, recorded in zip(messages, known, strict=True) if not recorded]

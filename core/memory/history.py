"""Conversations: a Redis list each, bounded in length and in time."""

import json
from datetime import timedelta

from redis.asyncio import Redis

from core.memory import keys
from core.vocabulary import Conversation, Turn

SCANNED_AT_ONCE = 1_000


class History:
    """Keeps the last `turns` exchanges of every conversation until `ttl` after the last one."""

    def __init__(self, redis: Redis, turns: int, ttl: timedelta) -> None:
        self._redis = redis
        self._messages = 2 * turns
        self._ttl = ttl

    async def recall(self, conversation: Conversation) -> tuple[Turn, ...]:
        """The turns so far, oldest first."""
        if not self._messages:
            return ()
        elements = await self._redis.lrange(keys.conversation(conversation), -self._messages, -1)
        return tuple(Turn(message["role"], message["content"]) for message in map(json.loads, elements))

    async def append(self, conversation: Conversation, *turns: Turn) -> None:
        """Adds turns at the end; the oldest beyond the bound go."""
        if not self._messages:
            return
        key = keys.conversation(conversation)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.rpush(key, *map(_element, turns))
            pipe.ltrim(key, -self._messages, -1)
            pipe.expire(key, self._ttl)
            await pipe.execute()

    async def take_back(self, conversation: Conversation, question: str) -> None:
        """Removes the last exchange that began with a question, which has been put otherwise since."""
        key = keys.conversation(conversation)
        turns = await self.recall(conversation)
        asked = [place for place, turn in enumerate(turns) if turn == Turn("user", question)]
        if not asked:
            return
        place = asked[-1]
        kept = (*turns[:place], *turns[place + 2 :])
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(key)
            if kept:
                pipe.rpush(key, *map(_element, kept))
                pipe.expire(key, self._ttl)
            await pipe.execute()

    async def forget(self, conversation: Conversation) -> None:
        """Removes the conversation; a channel's, which is one without a thread, together with those of all its
        threads."""
        await self._redis.delete(keys.conversation(conversation))
        if not conversation.thread:
            async for key in self._redis.scan_iter(keys.conversations_in(conversation), count=SCANNED_AT_ONCE):
                await self._redis.delete(key)


def _element(turn: Turn) -> bytes:
    return json.dumps({"role": turn.role, "content": turn.content}, ensure_ascii=False).encode()

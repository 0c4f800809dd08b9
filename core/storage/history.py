"""Conversation history: one Redis list per conversation, limited in length and by a TTL."""

import json
from datetime import timedelta

from redis.asyncio import Redis

from core.domain import Conversation, Person, Turn
from core.storage import keys
from core.storage.connection import as_text

SCAN_COUNT = 1_000


class History:
    """Keeps the last `exchanges` questions and answers of a conversation until `ttl` after the last one."""

    def __init__(self, redis: Redis, exchanges: int, ttl: timedelta) -> None:
        self._redis = redis
        self._max_turns = 2 * exchanges
        self._ttl = ttl

    async def turns(self, conversation: Conversation) -> tuple[Turn, ...]:
        """Return the turns so far, oldest first."""
        if not self._max_turns:
            return ()
        elements = await self._redis.lrange(keys.conversation(conversation), -self._max_turns, -1)
        return tuple(map(_decode, elements))

    async def append(self, conversation: Conversation, *turns: Turn, person: Person | None = None) -> None:
        """Append turns and drop the oldest beyond the limit. `person` is the asker, if the platform names one."""
        if not self._max_turns:
            return
        key = keys.conversation(conversation)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.rpush(key, *(_encode(turn, person) for turn in turns))
            pipe.ltrim(key, -self._max_turns, -1)
            pipe.expire(key, self._ttl)
            await pipe.execute()

    async def remove_exchange(self, conversation: Conversation, question: str) -> None:
        """Remove the last exchange that starts with this question, because it was edited or deleted."""
        key = keys.conversation(conversation)
        elements = await self._redis.lrange(key, 0, -1)
        positions = [index for index, element in enumerate(elements) if _decode(element) == Turn("user", question)]
        if not positions:
            return
        start = positions[-1]
        kept = (*elements[:start], *elements[start + 2 :])
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(key)
            if kept:
                pipe.rpush(key, *kept)
                pipe.expire(key, self._ttl)
            await pipe.execute()

    async def forget(self, conversation: Conversation) -> None:
        """Delete a conversation; without a thread, also the conversations of all threads of the channel."""
        await self._redis.delete(keys.conversation(conversation))
        if not conversation.thread:
            async for key in self._redis.scan_iter(keys.conversations_in(conversation), count=SCAN_COUNT):
                await self._redis.delete(key)

    async def forget_person(self, platform: str, person_id: str) -> int:
        """Delete a person's questions and their answers on a platform; return the number of turns."""
        removed = 0
        async for key in self._redis.scan_iter(keys.conversations_on(platform), count=SCAN_COUNT):
            elements = await self._redis.lrange(key, 0, -1)
            for element in {each for each in elements if json.loads(each).get("by") == person_id}:
                removed += await self._redis.lrem(key, 0, as_text(element))
        return removed


def _encode(turn: Turn, person: Person | None) -> bytes:
    """Encode a turn as JSON. Answers, too, name the asker in `by`: they are about that person."""
    by = {"by": person.id} if person else {}
    return json.dumps({"role": turn.role, "content": turn.content, **by}, ensure_ascii=False).encode()


def _decode(element: bytes | str) -> Turn:
    message = json.loads(element)
    return Turn(message["role"], message["content"])

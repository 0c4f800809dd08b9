"""Conversations: a Redis list each, bounded in length and in time."""

import json
from datetime import timedelta

from redis.asyncio import Redis

from core.domain import Conversation, Person, Turn
from core.storage import keys
from core.storage.connection import as_text

SCANNED_AT_ONCE = 1_000


class History:
    """Keeps the last `turns` exchanges of every conversation until `ttl` after the last one."""

    def __init__(self, redis: Redis, turns: int, ttl: timedelta) -> None:
        self._redis = redis
        self._messages = 2 * turns
        self._ttl = ttl

    async def turns(self, conversation: Conversation) -> tuple[Turn, ...]:
        """The turns so far, oldest first."""
        if not self._messages:
            return ()
        elements = await self._redis.lrange(keys.conversation(conversation), -self._messages, -1)
        return tuple(map(_turn, elements))

    async def append(self, conversation: Conversation, *turns: Turn, person: Person | None = None) -> None:
        """Adds turns at the end; the oldest beyond the bound go. `person` is who asked, if they can be told apart."""
        if not self._messages:
            return
        key = keys.conversation(conversation)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.rpush(key, *(_element(turn, person) for turn in turns))
            pipe.ltrim(key, -self._messages, -1)
            pipe.expire(key, self._ttl)
            await pipe.execute()

    async def remove_exchange(self, conversation: Conversation, question: str) -> None:
        """Removes the last exchange that began with a question, which has been put otherwise since."""
        key = keys.conversation(conversation)
        elements = await self._redis.lrange(key, 0, -1)
        asked = [place for place, element in enumerate(elements) if _turn(element) == Turn("user", question)]
        if not asked:
            return
        place = asked[-1]
        kept = (*elements[:place], *elements[place + 2 :])
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(key)
            if kept:
                pipe.rpush(key, *kept)
                pipe.expire(key, self._ttl)
            await pipe.execute()

    async def forget(self, conversation: Conversation) -> None:
        """Removes the conversation; a channel's, which is one without a thread, together with those of all its
        threads."""
        await self._redis.delete(keys.conversation(conversation))
        if not conversation.thread:
            async for key in self._redis.scan_iter(keys.conversations_in(conversation), count=SCANNED_AT_ONCE):
                await self._redis.delete(key)

    async def forget_person(self, platform: str, person_id: str) -> int:
        """Removes a person's questions, and the answers to them, from all conversations of a platform; how many turns
        went."""
        gone = 0
        async for key in self._redis.scan_iter(keys.conversations_on(platform), count=SCANNED_AT_ONCE):
            theirs = {each for each in await self._redis.lrange(key, 0, -1) if json.loads(each).get("by") == person_id}
            for element in theirs:
                gone += await self._redis.lrem(key, 0, as_text(element))
        return gone


def _element(turn: Turn, person: Person | None) -> bytes:
    """`by` stands in the answer, too: it is about the one who asked."""
    by = {"by": person.id} if person else {}
    return json.dumps({"role": turn.role, "content": turn.content, **by}, ensure_ascii=False).encode()


def _turn(element: bytes | str) -> Turn:
    message = json.loads(element)
    return Turn(message["role"], message["content"])

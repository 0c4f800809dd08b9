"""Questions with their answers, kept as long as conversations are: to ask again, to tell why, to vote on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter
from redis.asyncio import Redis

from core.memory import keys
from core.memory.connection import as_text
from core.vocabulary import Answer, Conversation, Match, Question, Remembered

SCANNED_AT_ONCE = 1_000

_DOCUMENT = TypeAdapter(Remembered)


class Answers:
    """Keeps each question under its id until `ttl` after it was asked."""

    def __init__(self, redis: Redis, ttl: timedelta) -> None:
        self._redis = redis
        self._ttl = ttl

    async def keep(self, question: Question, answer: Answer | None = None) -> None:
        """Keeps a question, and later its answer, unless the question has been forgotten meanwhile. What was left out
        is kept without its text: it is only named."""
        remembered = Remembered(replace(question, history=()), datetime.now(UTC), _slim(answer))
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.set(keys.question(question.id), _DOCUMENT.dump_json(remembered), ex=self._ttl, xx=answer is not None)
            if question.conversation and answer is None:
                pipe.rpush(keys.asked(question.conversation), question.id)
                pipe.expire(keys.asked(question.conversation), self._ttl)
            await pipe.execute()

    async def recall(self, question_id: str) -> Remembered | None:
        """What is known of a question; None when it has been forgotten."""
        document = await self._redis.get(keys.question(question_id))
        return _DOCUMENT.validate_json(document) if document else None

    async def forget(self, conversation: Conversation) -> None:
        """Removes the questions of a conversation, or of a channel with all its threads, but for those that somebody
        has voted on: these were given to whoever runs the bot."""
        await self._forget(keys.asked(conversation))
        if not conversation.thread:
            async for asked in self._redis.scan_iter(keys.asked_in(conversation), count=SCANNED_AT_ONCE):
                await self._forget(as_text(asked))

    async def answered_in(self, conversation: Conversation) -> bool:
        """Whether something was asked in a conversation."""
        return bool(await self._redis.exists(keys.asked(conversation)))

    async def _forget(self, asked: str) -> None:
        ids = [as_text(each) for each in await self._redis.lrange(asked, 0, -1)]
        async with self._redis.pipeline(transaction=False) as pipe:
            for question_id in ids:
                pipe.exists(keys.votes(question_id))
            voted = await pipe.execute()
            for question_id, kept in zip(ids, voted, strict=True):
                pipe.unlink(keys.gap(question_id))
                if not kept:
                    pipe.unlink(keys.question(question_id))
            pipe.unlink(asked)
            await pipe.execute()


def _slim(answer: Answer | None) -> Answer | None:
    if answer is None or answer.workings is None:
        return answer
    left_out = tuple(map(_without_text, answer.workings.left_out))
    return replace(answer, workings=replace(answer.workings, left_out=left_out))


def _without_text(match: Match) -> Match:
    return replace(match, passage=replace(match.passage, text=""))

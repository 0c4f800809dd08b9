"""Questions with their answers, kept as long as conversations: to ask again, to explain an answer, to vote on."""

from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter
from redis.asyncio import Redis

from core.domain import Answer, Conversation, Question, ScoredPassage, StoredQuestion
from core.storage import keys
from core.storage.connection import as_text

SCAN_COUNT = 1_000

BATCH_SIZE = 200
"""Questions read at once; with its answer each is about 10 KB."""

_DOCUMENT = TypeAdapter(StoredQuestion)


class QuestionStore:
    """Keeps each question by its id until `ttl` after it was asked."""

    def __init__(self, redis: Redis, ttl: timedelta) -> None:
        self._redis = redis
        self._ttl = ttl

    async def save(self, question: Question, answer: Answer | None = None) -> None:
        """Save a question, and later its answer unless the question has been deleted since.

        Passages that were found and left out are saved without their text: they are only listed.
        """
        stored = StoredQuestion(replace(question, history=()), datetime.now(UTC), _without_left_out_texts(answer))
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.set(
                keys.question(question.id),
                _DOCUMENT.dump_json(stored, by_alias=True),
                ex=self._ttl,
                xx=answer is not None,
            )
            if question.conversation and answer is None:
                pipe.rpush(keys.question_ids(question.conversation), question.id)
                pipe.expire(keys.question_ids(question.conversation), self._ttl)
            await pipe.execute()

    async def get(self, question_id: str) -> StoredQuestion | None:
        """Return a question, or None if it is not kept any more."""
        document = await self._redis.get(keys.question(question_id))
        return _DOCUMENT.validate_json(document) if document else None

    async def forget(self, conversation: Conversation) -> None:
        """Delete the questions of a conversation (or a channel with all threads) with the votes on their answers.

        Answers that their asker has voted on stay: that feedback was given to the operator.
        """
        await self._forget(keys.question_ids(conversation))
        if not conversation.thread:
            async for asked in self._redis.scan_iter(keys.question_ids_in(conversation), count=SCAN_COUNT):
                await self._forget(as_text(asked))

    async def has_questions(self, conversation: Conversation) -> bool:
        return bool(await self._redis.exists(keys.question_ids(conversation)))

    async def expire_in(self, question: Question, ttl: timedelta) -> None:
        """Shorten the life of a question without an answer to the time in which it may be asked again."""
        await self._redis.expire(keys.question(question.id), ttl)

    async def discard(self, question: Question) -> None:
        """Delete a question that was just saved."""
        await self._remove([StoredQuestion(question, datetime.now(UTC))])

    async def forget_person(self, platform: str, person_id: str) -> int:
        """Delete a person's questions on a platform with answers and votes; return their number.

        Scans every question, so that none is missed.
        """
        removed = 0
        places: set[Conversation | None] = set()
        async for batch in self._batches():
            theirs = [each for each in batch if _is_from(each, platform, person_id)]
            await self._remove(theirs)
            removed += len(theirs)
            places |= {each.question.conversation for each in theirs}
        if places:
            async for batch in self._batches():
                await self._reset_understood([each for each in batch if each.question.conversation in places])
        return removed

    async def _reset_understood(self, questions: Iterable[StoredQuestion]) -> None:
        """Replace each rewritten question by its own text: the rewriting may quote the erased person's question."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for each in questions:
                if each.answer and each.answer.trace:
                    trace = replace(each.answer.trace, understood=each.question.text)
                    literal = replace(each, answer=replace(each.answer, trace=trace))
                    pipe.set(
                        keys.question(each.question.id),
                        _DOCUMENT.dump_json(literal, by_alias=True),
                        xx=True,
                        keepttl=True,
                    )
                    pipe.set(keys.gap(each.question.id), each.question.text, xx=True, keepttl=True)
            await pipe.execute()

    async def _batches(self) -> AsyncGenerator[list[StoredQuestion], None]:
        batch: list[str] = []
        async for key in self._redis.scan_iter(keys.QUESTION_PATTERN, count=SCAN_COUNT):
            batch.append(as_text(key))
            if len(batch) == BATCH_SIZE:
                yield await self._read(batch)
                batch = []
        yield await self._read(batch)

    async def _forget(self, asked: str) -> None:
        ids = [as_text(each) for each in await self._redis.lrange(asked, 0, -1)]
        found = await self._read([keys.question(each) for each in ids])
        async with self._redis.pipeline(transaction=False) as pipe:
            for stored in found:
                pipe.hexists(keys.votes(stored.question.id), _asker(stored))
            voted = await pipe.execute()
        await self._remove([each for each, kept in zip(found, voted, strict=True) if not kept])
        await self._redis.unlink(asked)

    async def _read(self, names: Sequence[str]) -> list[StoredQuestion]:
        """Read the questions under these keys, skipping those that have expired."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.get(name)
            return [_DOCUMENT.validate_json(document) for document in await pipe.execute() if document]

    async def _remove(self, questions: Iterable[StoredQuestion]) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            for question in (stored.question for stored in questions):
                # DEL: redis-py's pipelines lose UNLINK on a cluster.
                pipe.delete(keys.question(question.id))
                pipe.delete(keys.votes(question.id))
                pipe.delete(keys.gap(question.id))
                pipe.zrem(keys.FEEDBACK, question.id)
                if question.conversation:
                    pipe.lrem(keys.question_ids(question.conversation), 0, question.id)
            await pipe.execute()


def _asker(stored: StoredQuestion) -> str:
    return stored.question.person.id if stored.question.person else ""


def _is_from(stored: StoredQuestion, platform: str, person_id: str) -> bool:
    place = stored.question.conversation
    return place is not None and place.platform == platform and _asker(stored) == person_id


def _without_left_out_texts(answer: Answer | None) -> Answer | None:
    if answer is None or answer.trace is None:
        return answer
    left_out = tuple(map(_without_text, answer.trace.left_out))
    return replace(answer, trace=replace(answer.trace, left_out=left_out))


def _without_text(match: ScoredPassage) -> ScoredPassage:
    return replace(match, passage=replace(match.passage, text=""))

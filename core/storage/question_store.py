"""Questions with their answers, kept as long as conversations are: to ask again, to tell why, to vote on."""

from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter
from redis.asyncio import Redis

from core.domain import Answer, Conversation, Question, ScoredPassage, StoredQuestion
from core.storage import keys
from core.storage.connection import as_text

SCANNED_AT_ONCE = 1_000

READ_AT_ONCE = 200
"""Questions with their answers, some 10 KB each."""

_DOCUMENT = TypeAdapter(StoredQuestion)


class QuestionStore:
    """Keeps each question under its id until `ttl` after it was asked."""

    def __init__(self, redis: Redis, ttl: timedelta) -> None:
        self._redis = redis
        self._ttl = ttl

    async def save(self, question: Question, answer: Answer | None = None) -> None:
        """Keeps a question, and later its answer, unless the question has been forgotten meanwhile. What was left out
        is kept without its text: it is only named."""
        remembered = StoredQuestion(replace(question, history=()), datetime.now(UTC), _slim(answer))
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.set(
                keys.question(question.id),
                _DOCUMENT.dump_json(remembered, by_alias=True),
                ex=self._ttl,
                xx=answer is not None,
            )
            if question.conversation and answer is None:
                pipe.rpush(keys.question_ids(question.conversation), question.id)
                pipe.expire(keys.question_ids(question.conversation), self._ttl)
            await pipe.execute()

    async def get(self, question_id: str) -> StoredQuestion | None:
        """What is known of a question; None when it has been forgotten."""
        document = await self._redis.get(keys.question(question_id))
        return _DOCUMENT.validate_json(document) if document else None

    async def forget(self, conversation: Conversation) -> None:
        """Removes the questions of a conversation, or of a channel with all its threads, with the votes on their
        answers. Where whoever asked has voted, that stays: it was given to whoever runs the bot."""
        await self._forget(keys.question_ids(conversation))
        if not conversation.thread:
            async for asked in self._redis.scan_iter(keys.question_ids_in(conversation), count=SCANNED_AT_ONCE):
                await self._forget(as_text(asked))

    async def has_questions(self, conversation: Conversation) -> bool:
        """Whether something was asked in a conversation."""
        return bool(await self._redis.exists(keys.question_ids(conversation)))

    async def expire_in(self, question: Question, within: timedelta) -> None:
        """A question of which nothing came is kept no longer than somebody may want to ask it again."""
        await self._redis.expire(keys.question(question.id), within)

    async def discard(self, question: Question) -> None:
        """Keeps nothing of a question that was just kept."""
        await self._remove([StoredQuestion(question, datetime.now(UTC))])

    async def forget_person(self, platform: str, person_id: str) -> int:
        """Removes all questions of a person on a platform with their answers, and the votes on them; how many there
        were. Looks at every question that is kept: that is what cannot leave one out."""
        gone = 0
        places: set[Conversation | None] = set()
        async for some in self._all():
            theirs = [each for each in some if _is_from(each, platform, person_id)]
            await self._remove(theirs)
            gone += len(theirs)
            places |= {each.question.conversation for each in theirs}
        if places:
            async for some in self._all():
                await self._take_literally([each for each in some if each.question.conversation in places])
        return gone

    async def _take_literally(self, questions: Iterable[StoredQuestion]) -> None:
        """How a question was understood may hold the words of the one before it, which was somebody else's."""
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

    async def _all(self) -> AsyncGenerator[list[StoredQuestion], None]:
        """All questions, some at a time."""
        some: list[str] = []
        async for key in self._redis.scan_iter(keys.QUESTION_PATTERN, count=SCANNED_AT_ONCE):
            some.append(as_text(key))
            if len(some) == READ_AT_ONCE:
                yield await self._read(some)
                some = []
        yield await self._read(some)

    async def _forget(self, asked: str) -> None:
        ids = [as_text(each) for each in await self._redis.lrange(asked, 0, -1)]
        found = await self._read([keys.question(each) for each in ids])
        async with self._redis.pipeline(transaction=False) as pipe:
            for remembered in found:
                pipe.hexists(keys.votes(remembered.question.id), _asker(remembered))
            voted = await pipe.execute()
        await self._remove([each for each, kept in zip(found, voted, strict=True) if not kept])
        await self._redis.unlink(asked)

    async def _read(self, names: Sequence[str]) -> list[StoredQuestion]:
        """What is kept under some keys; some may have gone meanwhile."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.get(name)
            return [_DOCUMENT.validate_json(document) for document in await pipe.execute() if document]

    async def _remove(self, questions: Iterable[StoredQuestion]) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            for question in (remembered.question for remembered in questions):
                # DEL, since redis-py's pipelines lose UNLINK on a cluster.
                pipe.delete(keys.question(question.id))
                pipe.delete(keys.votes(question.id))
                pipe.delete(keys.gap(question.id))
                pipe.zrem(keys.FEEDBACK, question.id)
                if question.conversation:
                    pipe.lrem(keys.question_ids(question.conversation), 0, question.id)
            await pipe.execute()


def _asker(remembered: StoredQuestion) -> str:
    return remembered.question.person.id if remembered.question.person else ""


def _is_from(remembered: StoredQuestion, platform: str, person_id: str) -> bool:
    place = remembered.question.conversation
    return place is not None and place.platform == platform and _asker(remembered) == person_id


def _slim(answer: Answer | None) -> Answer | None:
    if answer is None or answer.trace is None:
        return answer
    left_out = tuple(map(_without_text, answer.trace.left_out))
    return replace(answer, trace=replace(answer.trace, left_out=left_out))


def _without_text(match: ScoredPassage) -> ScoredPassage:
    return replace(match, passage=replace(match.passage, text=""))

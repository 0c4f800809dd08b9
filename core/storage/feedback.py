"""Votes on answers: one per person and answer; the last one counts."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter
from redis.asyncio import Redis

from core.domain import Person, RatedAnswer, Rating, Vote
from core.storage import keys
from core.storage.connection import as_text
from core.storage.question_store import QuestionStore

MAX_REASON_LENGTH = 1_000
"""Characters."""

_DOCUMENT = TypeAdapter(Vote)


class Feedback:
    """Keeps votes as long as their answers, and ignores votes on deleted answers.

    The asker's vote extends the life of the answer to `ttl` from now; the votes of others do not.
    """

    def __init__(self, redis: Redis, answers: QuestionStore, ttl: timedelta) -> None:
        self._redis = redis
        self._answers = answers
        self._ttl = ttl

    async def vote(self, question_id: str, person: Person, rating: Rating) -> None:
        await self._write(question_id, Vote(person, rating, datetime.now(UTC)))

    async def add_reason(self, question_id: str, person: Person, reason: str) -> None:
        """Add a reason to a person's vote. A reason without a vote counts as a vote against the answer."""
        document = await self._redis.hget(keys.votes(question_id), person.id)
        vote = _DOCUMENT.validate_json(document) if document else Vote(person, "down", datetime.now(UTC))
        await self._write(question_id, replace(vote, reason=reason.strip()[:MAX_REASON_LENGTH]))

    async def rated_answers(self, limit: int) -> list[RatedAnswer]:
        """Return the answers with votes, the most recently voted on first."""
        ids = [as_text(each) for each in await self._redis.zrevrange(keys.FEEDBACK, 0, limit - 1)]
        found = []
        for question_id in ids:
            stored = await self._answers.get(question_id)
            votes = [_DOCUMENT.validate_json(vote) for vote in await self._redis.hvals(keys.votes(question_id))]
            if stored and votes:
                found.append(RatedAnswer(stored, tuple(sorted(votes, key=lambda vote: vote.at, reverse=True))))
        return found

    async def rating_counts(self, since: datetime) -> Counter[Rating]:
        """Count the votes cast since then, as they are now."""
        ids = [as_text(each) for each in await self._redis.zrangebyscore(keys.FEEDBACK, since.timestamp(), "+inf")]
        async with self._redis.pipeline(transaction=False) as pipe:
            for question_id in ids:
                pipe.hvals(keys.votes(question_id))
            found = await pipe.execute() if ids else []
        votes = (_DOCUMENT.validate_json(vote) for each in found for vote in each)
        return Counter(vote.rating for vote in votes if vote.at >= since)

    async def forget_person(self, platform: str, person_id: str) -> int:
        """Delete a person's votes with their reasons; return their number."""
        removed = 0
        for question_id in [as_text(each) for each in await self._redis.zrange(keys.FEEDBACK, 0, -1)]:
            stored = await self._answers.get(question_id)
            place = stored.question.conversation if stored else None
            if place is None or place.platform != platform:
                continue
            removed += await self._redis.hdel(keys.votes(question_id), person_id)
            if not await self._redis.exists(keys.votes(question_id)):
                await self._redis.zrem(keys.FEEDBACK, question_id)
        return removed

    async def _write(self, question_id: str, vote: Vote) -> None:
        stored = await self._answers.get(question_id)
        if stored is None:
            return
        asker = stored.question.person
        left = await self._redis.pttl(keys.question(question_id))
        ttl = self._ttl if asker and asker.id == vote.person.id else timedelta(milliseconds=max(left, 1))
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.hset(keys.votes(question_id), vote.person.id, _DOCUMENT.dump_json(vote, by_alias=True).decode())
            pipe.pexpire(keys.votes(question_id), ttl)
            pipe.pexpire(keys.question(question_id), ttl)
            pipe.zadd(keys.FEEDBACK, {question_id: vote.at.timestamp()})
            pipe.zremrangebyscore(keys.FEEDBACK, "-inf", (vote.at - self._ttl).timestamp())
            pipe.expire(keys.FEEDBACK, self._ttl)
            await pipe.execute()

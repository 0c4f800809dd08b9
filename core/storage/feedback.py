"""What people think of answers: one vote a person and answer, the last one counts."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter
from redis.asyncio import Redis

from core.domain import Person, RatedAnswer, Rating, Vote
from core.storage import keys
from core.storage.connection import as_text
from core.storage.question_store import QuestionStore

LONGEST_REASON = 1_000
"""Characters."""


_DOCUMENT = TypeAdapter(Vote)


class Feedback:
    """Votes are kept as long as the answers that they are about; one on an answer that was forgotten is not kept.
    Whoever asked keeps the answer for longer by voting on it; nobody else does."""

    def __init__(self, redis: Redis, answers: QuestionStore, ttl: timedelta) -> None:
        self._redis = redis
        self._answers = answers
        self._ttl = ttl

    async def vote(self, question_id: str, person: Person, thumb: Rating) -> None:
        """Keeps what a person thinks of the answer to a question, instead of what they thought before."""
        await self._write(question_id, Vote(person, thumb, datetime.now(UTC)))

    async def add_reason(self, question_id: str, person: Person, reason: str) -> None:
        """Adds the reason to a person's vote; a reason without a vote is one against the answer."""
        document = await self._redis.hget(keys.votes(question_id), person.id)
        vote = _DOCUMENT.validate_json(document) if document else Vote(person, "down", datetime.now(UTC))
        await self._write(question_id, replace(vote, reason=reason.strip()[:LONGEST_REASON]))

    async def rated_answers(self, most: int) -> list[RatedAnswer]:
        """The answers that were voted on, the last vote first."""
        ids = [as_text(each) for each in await self._redis.zrevrange(keys.FEEDBACK, 0, most - 1)]
        found = []
        for question_id in ids:
            remembered = await self._answers.get(question_id)
            votes = [_DOCUMENT.validate_json(vote) for vote in await self._redis.hvals(keys.votes(question_id))]
            if remembered and votes:
                found.append(RatedAnswer(remembered, tuple(sorted(votes, key=lambda vote: vote.at, reverse=True))))
        return found

    async def rating_counts(self, since: datetime) -> Counter[Rating]:
        """How many votes of each kind were given since then and still stand."""
        ids = [as_text(each) for each in await self._redis.zrangebyscore(keys.FEEDBACK, since.timestamp(), "+inf")]
        async with self._redis.pipeline(transaction=False) as pipe:
            for question_id in ids:
                pipe.hvals(keys.votes(question_id))
            found = await pipe.execute() if ids else []
        votes = (_DOCUMENT.validate_json(vote) for each in found for vote in each)
        return Counter(vote.rating for vote in votes if vote.at >= since)

    async def forget_person(self, platform: str, person_id: str) -> int:
        """Takes a person's votes back, with their reasons; how many there were."""
        gone = 0
        for question_id in [as_text(each) for each in await self._redis.zrange(keys.FEEDBACK, 0, -1)]:
            remembered = await self._answers.get(question_id)
            place = remembered.question.conversation if remembered else None
            if place is None or place.platform != platform:
                continue
            gone += await self._redis.hdel(keys.votes(question_id), person_id)
            if not await self._redis.exists(keys.votes(question_id)):
                await self._redis.zrem(keys.FEEDBACK, question_id)
        return gone

    async def _write(self, question_id: str, vote: Vote) -> None:
        remembered = await self._answers.get(question_id)
        if remembered is None:
            return
        asker = remembered.question.person
        left = await self._redis.pttl(keys.question(question_id))
        kept = self._ttl if asker and asker.id == vote.person.id else timedelta(milliseconds=max(left, 1))
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.hset(keys.votes(question_id), vote.person.id, _DOCUMENT.dump_json(vote, by_alias=True).decode())
            pipe.pexpire(keys.votes(question_id), kept)
            pipe.pexpire(keys.question(question_id), kept)
            pipe.zadd(keys.FEEDBACK, {question_id: vote.at.timestamp()})
            pipe.zremrangebyscore(keys.FEEDBACK, "-inf", (vote.at - self._ttl).timestamp())
            pipe.expire(keys.FEEDBACK, self._ttl)
            await pipe.execute()

"""Erasure of all data that is kept about one person."""

from dataclasses import dataclass

from redis.asyncio import Redis

from core.domain import Person
from core.storage import keys
from core.storage.feedback import Feedback
from core.storage.history import SCAN_COUNT, History
from core.storage.question_store import QuestionStore


@dataclass(frozen=True, slots=True)
class ErasedCounts:
    """Number of erased questions (with answers), conversation turns and votes."""

    questions: int
    turns: int
    votes: int


class PersonEraser:
    """Erases a person's data by scanning everything, which the TTLs keep bounded.

    An index by person could miss something, and would itself be a record of who asked what. Questions that are being
    answered during the scan are not found.
    """

    def __init__(self, redis: Redis, history: History, answers: QuestionStore, feedback: Feedback) -> None:
        self._redis = redis
        self._history = history
        self._answers = answers
        self._feedback = feedback

    async def forget(self, platform: str, person_id: str) -> ErasedCounts:
        """Delete a person's questions, answers, turns, votes and counters on a platform."""
        # Votes first: they are found through the questions.
        votes = await self._feedback.forget_person(platform, person_id)
        questions = await self._answers.forget_person(platform, person_id)
        turns = await self._history.forget_person(platform, person_id)
        person = Person(person_id)
        await self._redis.unlink(keys.person_rate_limit(platform, person))
        async for key in self._redis.scan_iter(keys.person_tokens_pattern(platform, person), count=SCAN_COUNT):
            await self._redis.unlink(key)
        return ErasedCounts(questions, turns, votes)

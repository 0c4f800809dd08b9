"""Everything that is kept of one person goes, wherever it is kept."""

from dataclasses import dataclass

from redis.asyncio import Redis

from core.domain import Person
from core.storage import keys
from core.storage.feedback import Feedback
from core.storage.history import SCANNED_AT_ONCE, History
from core.storage.question_store import QuestionStore


@dataclass(frozen=True, slots=True)
class ErasedCounts:
    """How much there was: questions with their answers, turns of conversations, votes."""

    questions: int
    turns: int
    votes: int


class PersonEraser:
    """Looks at all that is kept, which is bounded by its time: an index by person could have left something out, and
    would itself be a list of who asked what. What is being answered at this moment is not found."""

    def __init__(self, redis: Redis, history: History, answers: QuestionStore, feedback: Feedback) -> None:
        self._redis = redis
        self._history = history
        self._answers = answers
        self._feedback = feedback

    async def forget(self, platform: str, person_id: str) -> ErasedCounts:
        """Removes a person's questions and answers, turns, votes and counters on a platform."""
        # Votes first: they are found by the questions that they are about.
        votes = await self._feedback.forget_person(platform, person_id)
        questions = await self._answers.forget_person(platform, person_id)
        turns = await self._history.forget_person(platform, person_id)
        person = Person(person_id)
        await self._redis.unlink(keys.person_rate_limit(platform, person))
        async for key in self._redis.scan_iter(keys.person_tokens_pattern(platform, person), count=SCANNED_AT_ONCE):
            await self._redis.unlink(key)
        return ErasedCounts(questions, turns, votes)

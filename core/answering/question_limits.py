"""An asker that says when it is too much: questions too long, or too many from one person or in one channel."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from core.answerer import Answerer, AnswerEvent
from core.domain import Question
from core.errors import QuestionTooLongError, TooManyQuestionsError
from core.storage import keys
from core.storage.rate_limiter import RateLimiter

LONGEST_QUESTION = 4_000
"""Characters; Slack's own limit for a message that people write, and twice Discord's."""


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Questions a minute. A question without a person is nobody's and is not counted here: the terminal cannot tell
    people apart, and the web page only where they come from (`VisitorLimiter`)."""

    person: int = 10
    channel: int = 30
    visitor: int = 30


class LimitedAnswerer:
    """Raises QuestionTooLongError and TooManyQuestionsError before anything else is done for a question."""

    def __init__(self, asker: Answerer, quota: RateLimiter, allowance: RateLimits) -> None:
        self._asker = asker
        self._quota = quota
        self._allowance = allowance

    async def ask(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        if len(question.text) > LONGEST_QUESTION:
            raise QuestionTooLongError(LONGEST_QUESTION)
        await self._count(question)
        async with aclosing(self._asker.ask(question)) as events:
            async for event in events:
                yield event

    async def _count(self, question: Question) -> None:
        person, place = question.person, question.conversation
        if person is None or place is None:
            return
        for key, most in (
            (keys.person_rate_limit(place.platform, person), self._allowance.person),
            (keys.channel_rate_limit(place), self._allowance.channel),
        ):
            wait = await self._quota.hit(key, most)
            if wait:
                raise TooManyQuestionsError(wait)


class VisitorLimiter:
    """Those who ask on the web page, told apart by their addresses alone."""

    def __init__(self, quota: RateLimiter, allowance: RateLimits) -> None:
        self._quota = quota
        self._most = allowance.visitor

    async def admit(self, address: str) -> None:
        """Counts a question. Raises TooManyQuestionsError."""
        wait = await self._quota.hit(keys.visitor_rate_limit(address), self._most)
        if wait:
            raise TooManyQuestionsError(wait)

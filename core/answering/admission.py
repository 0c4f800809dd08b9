"""Admission of questions: length and rate limits, and the scope of the channel that a question comes from."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from core.answerer import Answerer, AnswerEvent, Found
from core.answering.channel_scope import Channels
from core.domain import Question
from core.errors import PersonLimitError, QuestionTooLongError, TooManyQuestionsError
from core.storage import keys
from core.storage.rate_limiter import RateLimiter

MAX_QUESTION_LENGTH = 4_000
"""Characters: Slack's limit for a message that a user types, and twice Discord's."""


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Questions a minute. A question without a person is not counted here: the terminal cannot tell users apart, and
    the web page only by their addresses (`VisitorLimiter`)."""

    person: int = 10
    channel: int = 30
    visitor: int = 30


class GuardedAnswerer:
    """Refuses questions that are too long or too frequent, and restricts the others to the scope of their channel.

    A question that already has a scope keeps it.
    """

    def __init__(self, answerer: Answerer, rate_limiter: RateLimiter, limits: RateLimits, channels: Channels) -> None:
        self._answerer = answerer
        self._rate_limiter = rate_limiter
        self._limits = limits
        self._channels = channels

    async def ask(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        """Raise QuestionTooLongError or TooManyQuestionsError before anything else happens.

        What people say to each other counts only when passages are found for it.
        """
        if len(question.text) > MAX_QUESTION_LENGTH:
            raise QuestionTooLongError(limit=MAX_QUESTION_LENGTH)
        if question.addressed:
            await self._count(question)
        if question.scope is None:
            question = replace(question, scope=self._channels.scope(question.conversation))
        async with aclosing(self._answerer.ask(question)) as events:
            async for event in events:
                if not question.addressed and isinstance(event, Found) and event.hits:
                    await self._count(question)
                yield event

    async def _count(self, question: Question) -> None:
        person, conversation = question.person, question.conversation
        if person is None or conversation is None:
            return
        own = keys.person_rate_limit(conversation.platform, person)
        await _hit(self._rate_limiter, own, self._limits.person, PersonLimitError)
        await _hit(self._rate_limiter, keys.channel_rate_limit(conversation), self._limits.channel)


class VisitorLimiter:
    """Limits visitors of the web page, who are told apart only by their addresses."""

    def __init__(self, rate_limiter: RateLimiter, limits: RateLimits) -> None:
        self._rate_limiter = rate_limiter
        self._limit = limits.visitor

    async def admit(self, address: str) -> None:
        """Count a question. Raises TooManyQuestionsError."""
        await _hit(self._rate_limiter, keys.visitor_rate_limit(address), self._limit)


async def _hit(
    rate_limiter: RateLimiter, key: str, limit: int, error: type[TooManyQuestionsError] = TooManyQuestionsError
) -> None:
    if retry_after := await rate_limiter.hit(key, limit):
        raise error(retry_after)

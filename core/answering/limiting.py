"""An asker that says when it is too much: questions too long, or too many from one person or in one channel."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from core.asking import AnswerEvent, Asker
from core.errors import TooLong, TooManyQuestions
from core.memory import keys
from core.memory.quota import Quota
from core.vocabulary import Question

LONGEST_QUESTION = 4_000
"""Characters; Slack's own limit for a message that people write, and twice Discord's."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """Questions a minute. A question without a person is nobody's and is not counted here: the terminal cannot tell
    people apart, and the web page only where they come from (`Visitors`)."""

    person: int = 10
    channel: int = 30
    visitor: int = 30


class Limiting:
    """Raises TooLong and TooManyQuestions before anything else is done for a question."""

    def __init__(self, asker: Asker, quota: Quota, allowance: Allowance) -> None:
        self._asker = asker
        self._quota = quota
        self._allowance = allowance

    async def ask(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        if len(question.text) > LONGEST_QUESTION:
            raise TooLong(LONGEST_QUESTION)
        await self._count(question)
        async with aclosing(self._asker.ask(question)) as events:
            async for event in events:
                yield event

    async def _count(self, question: Question) -> None:
        person, place = question.person, question.conversation
        if person is None or place is None:
            return
        for key, most in (
            (keys.person_quota(place.platform, person), self._allowance.person),
            (keys.channel_quota(place), self._allowance.channel),
        ):
            wait = await self._quota.wait(key, most)
            if wait:
                raise TooManyQuestions(wait)


class Visitors:
    """Those who ask on the web page, told apart by their addresses alone."""

    def __init__(self, quota: Quota, allowance: Allowance) -> None:
        self._quota = quota
        self._most = allowance.visitor

    async def admit(self, address: str) -> None:
        """Counts a question. Raises TooManyQuestions."""
        wait = await self._quota.wait(keys.visitor_quota(address), self._most)
        if wait:
            raise TooManyQuestions(wait)

"""An asker that keeps each question with its answer, for whoever wants to know why, to vote, or to ask again."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import structlog
from redis.exceptions import RedisError

from core.asking import Answered, AnswerEvent, Asker
from core.memory.answers import Answers
from core.vocabulary import Answer, Question

log = structlog.get_logger()


class Recording:
    """Questions of nobody, as on the page and in the terminal, pass through as they are: nobody could come back."""

    def __init__(self, asker: Asker, answers: Answers) -> None:
        self._asker = asker
        self._answers = answers

    async def ask(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        if question.person:
            await self._keep(question)
        async with aclosing(self._asker.ask(question)) as events:
            async for event in events:
                if question.person and isinstance(event, Answered):
                    await self._keep(question, event.answer)
                yield event

    async def _keep(self, question: Question, answer: Answer | None = None) -> None:
        try:
            await self._answers.keep(question, answer)
        except RedisError as error:
            # It can be answered all the same; only its buttons will not know it.
            log.warning("a question was not kept", cause=str(error))

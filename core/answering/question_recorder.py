"""An asker that keeps each question with its answer, for whoever wants to know why, to vote, or to ask again."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta

import structlog
from redis.exceptions import RedisError

from core.answerer import Answered, Answerer, AnswerEvent
from core.domain import Answer, Question
from core.errors import QuestionTooLongError, TooManyQuestionsError
from core.storage.question_store import QuestionStore

log = structlog.get_logger()

ASKED_AGAIN_WITHIN = timedelta(minutes=15)
"""How long a question that was refused waits to be asked again; the limits are those of a minute."""


class RecordingAnswerer:
    """Questions of nobody, as on the page and in the terminal, pass through as they are: nobody could come back."""

    def __init__(self, asker: Answerer, answers: QuestionStore) -> None:
        self._asker = asker
        self._answers = answers

    async def ask(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        if question.person:
            await self._keep(question)
        try:
            async with aclosing(self._asker.ask(question)) as events:
                async for event in events:
                    if question.person and isinstance(event, Answered):
                        await self._keep(question, event.answer)
                    yield event
        except (QuestionTooLongError, TooManyQuestionsError) as refusal:
            if question.person:
                await self._keep_little(question, refusal)
            raise

    async def _keep(self, question: Question, answer: Answer | None = None) -> None:
        try:
            await self._answers.save(question, answer)
        except RedisError as error:
            # It can be answered all the same; only its buttons will not know it.
            log.warning("a question was not kept", cause=str(error))

    async def _keep_little(self, question: Question, refusal: QuestionTooLongError | TooManyQuestionsError) -> None:
        """What was too often can be asked again soon, by its button; what was too long never."""
        try:
            if isinstance(refusal, QuestionTooLongError):
                await self._answers.discard(question)
            else:
                await self._answers.expire_in(question, ASKED_AGAIN_WITHIN)
        except RedisError as error:
            log.warning("a question that was refused is kept", cause=str(error))

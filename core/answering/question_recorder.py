"""The record of each question: stored with its answer for trace, ratings and retries, and measured."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta

import structlog
from redis.exceptions import RedisError

from core.answerer import Answered, Answerer, AnswerEvent, Found
from core.answering.measurement import measured
from core.domain import Answer, Question
from core.errors import QuestionTooLongError, TooManyQuestionsError
from core.question_language import use_language_of
from core.storage.question_store import QuestionStore

log = structlog.get_logger()

RETRY_WINDOW = timedelta(minutes=15)
"""How long a rate-limited question can be asked again; the limits are those of a minute."""


class RecordingAnswerer:
    """Records and measures every question. The outermost layer: it measures what users wait for.

    Questions without a person, as on the web page and in the terminal, are not stored: no user could come back to them.
    """

    def __init__(self, answerer: Answerer, questions: QuestionStore) -> None:
        self._answerer = answerer
        self._questions = questions

    async def ask(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        use_language_of(question.text)
        with measured(question) as measurement:
            stored = question.addressed
            if stored:
                await self._store(question)
            try:
                async with aclosing(self._answerer.ask(question)) as events:
                    async for event in events:
                        if not stored and isinstance(event, Found) and event.hits:
                            await self._store(question)
                            stored = True
                        if isinstance(event, Answered):
                            # Before the event: the buttons under an answer work as soon as they are seen.
                            await self._store_answer(question, event.answer)
                        measurement.observe(event)
                        yield event
            except (QuestionTooLongError, TooManyQuestionsError) as refusal:
                await self._store_refused(question, refusal)
                raise

    async def _store(self, question: Question, answer: Answer | None = None) -> None:
        if question.person is None:
            return
        try:
            await self._questions.save(question, answer)
        except RedisError as error:
            # The question is answered; only its buttons will not know it.
            log.warning("question storage failed", cause=str(error))

    async def _store_answer(self, question: Question, answer: Answer) -> None:
        if not answer.silent:
            await self._store(question, answer)
        elif question.person is not None:
            try:
                await self._questions.discard(question)
            except RedisError as error:
                log.warning("unanswered question not deleted", cause=str(error))

    async def _store_refused(self, question: Question, refusal: QuestionTooLongError | TooManyQuestionsError) -> None:
        """Keep a rate-limited question for a retry; drop one that is too long."""
        if question.person is None:
            return
        try:
            if isinstance(refusal, QuestionTooLongError):
                await self._questions.discard(question)
            else:
                await self._questions.expire_in(question, RETRY_WINDOW)
        except RedisError as error:
            log.warning("refused question cleanup failed", cause=str(error))

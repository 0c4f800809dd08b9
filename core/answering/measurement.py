"""An asker that tells how each question went: to those who watch, and in one line of the log."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from time import perf_counter

import structlog

from core.answerer import Answered, Answerer, AnswerEvent, Found, Searching, Wrote
from core.domain import Answer, Question
from core.errors import QuestionTooLongError, TooManyQuestionsError, error_code
from core.telemetry import (
    Outcome,
    QuestionContext,
    QuestionFinished,
    QuestionReceived,
    Step,
    StepTimed,
    TokensUsed,
    emit,
    question_context,
)

log = structlog.get_logger()

NOWHERE = "api"
"""The platform of questions without a conversation, as programs ask them."""


class MeasuredAnswerer:
    """The outermost: what it measures is what people wait for."""

    def __init__(self, asker: Answerer) -> None:
        self._asker = asker

    async def ask(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        measured = _Measured(question)
        # A question is answered in a task of its own, so nothing else is taken for a part of it. What a failure is
        # logged with comes after the end, and needs to know whose it is.
        before = question_context.get()
        question_context.set(measured.running)
        outcome: Outcome = "stopped"
        failure = ""
        try:
            async with aclosing(self._asker.ask(question)) as events:
                async for event in events:
                    measured.note(event)
                    yield event
        except Exception as error:
            outcome = "refused" if isinstance(error, TooManyQuestionsError | QuestionTooLongError) else "failed"
            failure = error_code(error)
            raise
        finally:
            measured.settle(outcome, failure)
            if not failure:
                question_context.set(before)


class _Measured:
    """One question, up to where it is."""

    def __init__(self, question: Question) -> None:
        place = question.conversation
        self._platform = place.platform if place else NOWHERE
        self.running = QuestionContext(question.id, question.text, [turn.content for turn in question.history])
        self._began = perf_counter()
        self._found = False
        self._spoke = False
        self._answer: Answer | None = None
        emit(QuestionReceived(question.id, self._platform))

    def note(self, event: AnswerEvent) -> None:
        match event:
            case Searching():
                # By now it brings along what was said before it.
                self.running.others += [turn.content for turn in event.question.history]
            case Found():
                self._found = bool(event.hits)
                self.running.others += [match.passage.embedding_text for match in event.hits]
            case Wrote():
                self.running.written.append(event.text)
                if self._found and not self._spoke:
                    self._spoke = True
                    self._took("first_token")
            case Answered():
                self._answer = event.answer
                self._took("whole")

    def settle(self, ended: Outcome, failure: str) -> None:
        answer, seconds = self._answer, self._since()
        outcome: Outcome = ended if answer is None else "answered" if answer.grounded else "not_in_posts"
        understood = answer.trace.understood if answer and answer.trace else self.running.asked
        gap = understood if outcome == "not_in_posts" else ""
        if answer and answer.tokens:
            emit(TokensUsed(answer.model, answer.tokens - answer.output_tokens, answer.output_tokens))
        emit(QuestionFinished(self.running.question_id, self._platform, outcome, self._began, seconds, failure, gap))
        log.info(
            "a question was settled",
            question=self.running.question_id,
            platform=self._platform,
            outcome=outcome,
            seconds=round(seconds, 3),
            **({"error": failure} if failure else {}),
            **(_figures(answer) if answer else {}),
        )

    def _took(self, step: Step) -> None:
        emit(StepTimed(step, self._began, self._since(), self.running.question_id))

    def _since(self) -> float:
        return perf_counter() - self._began


def _figures(answer: Answer) -> dict[str, object]:
    return {"posts": len(answer.footnotes), "model": answer.model, "tokens": answer.tokens, **answer.timings_ms}

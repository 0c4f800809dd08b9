"""Measurement of one question: telemetry events, and one line in the log."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

import structlog

from core.answerer import Answered, AnswerEvent, Found, Searching, Wrote
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

NO_PLATFORM = "api"
"""The platform of questions without a conversation, as programs ask them."""


class QuestionMeasurement:
    """Collects the figures of one question from its events."""

    def __init__(self, question: Question) -> None:
        self._platform = question.conversation.platform if question.conversation else NO_PLATFORM
        self.context = QuestionContext(question.id, question.text, [turn.content for turn in question.history])
        self._began = perf_counter()
        self._has_passages = False
        self._wrote = False
        self._answer: Answer | None = None
        emit(QuestionReceived(question.id, self._platform))

    def observe(self, event: AnswerEvent) -> None:
        """Take an event's figures, and its words for log redaction."""
        match event:
            case Searching():
                # By now the question carries the history of its conversation.
                self.context.private_texts += [turn.content for turn in event.question.history]
            case Found():
                self._has_passages = bool(event.hits)
                self.context.private_texts += [hit.passage.embedding_text for hit in event.hits]
            case Wrote():
                self.context.answer_pieces.append(event.text)
                if self._has_passages and not self._wrote:
                    self._wrote = True
                    self._emit_step("first_token")
            case Answered():
                self._answer = event.answer
                if not event.answer.silent:
                    self._emit_step("whole")

    def finish(self, ended: Outcome, error: str) -> None:
        """Emit how the question ended. An answer outweighs how its stream `ended`."""
        answer, seconds = self._answer, self._elapsed()
        outcome = ended if answer is None else _outcome(answer)
        understood = answer.trace.understood if answer and answer.trace else self.context.question
        gap = understood if outcome == "not_in_posts" or (answer and answer.noted) else ""
        if answer and answer.tokens:
            emit(TokensUsed(answer.model, answer.tokens - answer.output_tokens, answer.output_tokens))
        emit(QuestionFinished(self.context.question_id, self._platform, outcome, self._began, seconds, error, gap))
        log.info(
            "question finished",
            question=self.context.question_id,
            platform=self._platform,
            outcome=outcome,
            seconds=round(seconds, 3),
            **({"error": error} if error else {}),
            **(_figures(answer) if answer else {}),
        )

    def _emit_step(self, step: Step) -> None:
        emit(StepTimed(step, self._began, self._elapsed(), self.context.question_id))

    def _elapsed(self) -> float:
        return perf_counter() - self._began


@contextmanager
def measured(question: Question) -> Iterator[QuestionMeasurement]:
    """Measure the block that answers a question, and set the question context for it.

    A question is answered in a task of its own, so nothing else runs in its context. After a failure the context stays:
    the error is logged later and has to be attributed to the question.
    """
    previous = question_context.get()
    measurement = QuestionMeasurement(question)
    question_context.set(measurement.context)
    outcome: Outcome = "stopped"
    failure = ""
    try:
        yield measurement
    except Exception as error:
        outcome = "refused" if isinstance(error, TooManyQuestionsError | QuestionTooLongError) else "failed"
        failure = error_code(error)
        raise
    finally:
        measurement.finish(outcome, failure)
        if not failure:
            question_context.set(previous)


def _outcome(answer: Answer) -> Outcome:
    if answer.silent:
        return "silent"
    return "answered" if answer.grounded or answer.small_talk or answer.asks_back else "not_in_posts"


def _figures(answer: Answer) -> dict[str, object]:
    return {"posts": len(answer.footnotes), "model": answer.model, "tokens": answer.tokens, **answer.timings_ms}

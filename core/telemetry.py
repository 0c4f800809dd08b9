"""Telemetry events and their listeners: metrics, statistics, traces and health checks.

Code emits events (`emit(Throttled("slack"))`, `with timed("embed"):`) and knows no listener. A listener must not block:
it counts, and writes later.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter
from typing import Literal

import structlog

log = structlog.get_logger()

Step = Literal["acknowledge", "embed", "retrieve", "first_token", "whole"]
"""Steps of answering a question. `acknowledge` runs from a platform's delivery to the bot's acknowledgement;
`first_token` and `whole` run from the question."""

Outcome = Literal["answered", "not_in_posts", "refused", "failed", "stopped", "silent"]
"""How a question ended. `refused`: over a limit; `stopped`: the user left or stopped it; `silent`: it was not addressed
to the bot and left unanswered."""

Service = Literal["chat", "embedding", "redis", "slack", "discord", "sources"]


@dataclass(frozen=True, slots=True)
class QuestionReceived:
    """A question has arrived."""

    question_id: str
    platform: str


@dataclass(frozen=True, slots=True)
class StepTimed:
    """A step has succeeded. `began` is a `time.perf_counter` value; `question_id` is empty outside a question."""

    step: Step
    began: float
    seconds: float
    question_id: str = ""


@dataclass(frozen=True, slots=True)
class QuestionFinished:
    """A question has ended. `error` is the error's code; `gap` is the question if the posts did not answer it."""

    question_id: str
    platform: str
    outcome: Outcome
    began: float
    seconds: float
    error: str = ""
    gap: str = ""


@dataclass(frozen=True, slots=True)
class TokensUsed:
    """A model has read and written tokens."""

    model: str
    read: int
    written: int = 0


@dataclass(frozen=True, slots=True)
class RequestRetried:
    """A request is being repeated."""

    service: Service


@dataclass(frozen=True, slots=True)
class Throttled:
    """A service has replied 429 Too Many Requests."""

    service: Service


@dataclass(frozen=True, slots=True)
class ModelCalled:
    """A model's server has served a request, or failed with the error code `error`."""

    service: Service
    error: str = ""


@dataclass(frozen=True, slots=True)
class RunFinished:
    """A reindex run has ended: `published`, `failed`, or another outcome of its report."""

    outcome: str


@dataclass(frozen=True, slots=True)
class LoopLagged:
    """The event loop was late by this many seconds."""

    seconds: float


TelemetryEvent = (
    QuestionReceived
    | StepTimed
    | QuestionFinished
    | TokensUsed
    | RequestRetried
    | Throttled
    | ModelCalled
    | RunFinished
    | LoopLagged
)
Listener = Callable[[TelemetryEvent], None]

_listeners: list[Listener] = []


@contextmanager
def subscribed(*listeners: Listener) -> Generator[None, None, None]:
    """Call the listeners for every event emitted during the block."""
    _listeners.extend(listeners)
    try:
        yield
    finally:
        for listener in listeners:
            _listeners.remove(listener)


def emit(event: TelemetryEvent) -> None:
    """Pass an event to all listeners."""
    for listener in _listeners:
        try:
            listener(event)
        except Exception:  # Boundary: a broken listener must not fail the question that emitted.
            log.exception("telemetry listener failed", event_type=type(event).__name__)


def emit_refused(platform: str, error: str) -> None:
    """Emit the events of a question that was refused before it was processed; `error` is the error's code."""
    emit(QuestionReceived("", platform))
    emit(QuestionFinished("", platform, "refused", perf_counter(), 0.0, error))


@contextmanager
def timed(step: Step) -> Generator[None, None, None]:
    """Emit the duration of the block unless it raises."""
    began = perf_counter()
    yield
    current = question_context.get()
    emit(StepTimed(step, began, perf_counter() - began, current.question_id if current else ""))


@dataclass(slots=True)
class QuestionContext:
    """The question being answered in this task, with all texts that log lines must not quote.

    `private_texts` holds earlier turns and passages, `answer_pieces` the answer so far. Without a `question_id` the
    texts are from another kind of event.
    """

    question_id: str
    question: str
    private_texts: list[str] = field(default_factory=list)
    answer_pieces: list[str] = field(default_factory=list)


question_context: ContextVar[QuestionContext | None] = ContextVar("question_context", default=None)

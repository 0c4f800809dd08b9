"""What happens, told to whoever watches: figures and names, for metrics, statistics, traces and the log.

Whoever does something tells of it (`emit(Throttled("slack"))`, `with took("embed"):`) and knows nobody who listens. A
listener returns at once: it counts, and writes later.
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
"""Of a question. `acknowledge`: from a platform's delivery to its acknowledgement; `first_token` and `whole` run from
the question."""

Outcome = Literal["answered", "not_in_posts", "refused", "failed", "stopped"]
"""How a question ended. `refused`: over a limit; `stopped`: whoever asked has left, or stopped it."""

Service = Literal["chat", "embedding", "redis", "slack", "discord", "sources"]


@dataclass(frozen=True, slots=True)
class QuestionReceived:
    """A question has come."""

    question_id: str
    platform: str


@dataclass(frozen=True, slots=True)
class StepTimed:
    """A step has ended well. `began` is on the clock of `time.perf_counter`; `question_id` is empty outside of one."""

    step: Step
    began: float
    seconds: float
    question_id: str = ""


@dataclass(frozen=True, slots=True)
class QuestionFinished:
    """A question has ended. `error` names the kind of failure. `gap` is the question as it was understood, when the
    posts did not answer it."""

    question_id: str
    platform: str
    outcome: Outcome
    began: float
    seconds: float
    error: str = ""
    gap: str = ""


@dataclass(frozen=True, slots=True)
class TokensUsed:
    """Tokens that a model has read and written."""

    model: str
    read: int
    written: int = 0


@dataclass(frozen=True, slots=True)
class RequestRetried:
    """A request is made again."""

    service: Service


@dataclass(frozen=True, slots=True)
class Throttled:
    """A service says 429: too many requests."""

    service: Service


@dataclass(frozen=True, slots=True)
class ModelCalled:
    """A model's server has done what it was asked for; or not, by the name of the `error`."""

    service: Service
    error: str = ""


@dataclass(frozen=True, slots=True)
class RunFinished:
    """A run over the sources has ended: `published`, `failed`, or what else its report says."""

    outcome: str


@dataclass(frozen=True, slots=True)
class LoopLagged:
    """The event loop came to something so many seconds later than it should have."""

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
    """Tells these of everything, for the length of the block."""
    _listeners.extend(listeners)
    try:
        yield
    finally:
        for listener in listeners:
            _listeners.remove(listener)


def emit(observation: TelemetryEvent) -> None:
    """Something has happened."""
    for listener in _listeners:
        try:
            listener(observation)
        except Exception:  # Boundary: a broken listener must not fail the question that emitted.
            log.exception("telemetry listener failed", event_type=type(observation).__name__)


def emit_refused(platform: str, error: str) -> None:
    """Somebody was refused before their question was looked at."""
    emit(QuestionReceived("", platform))
    emit(QuestionFinished("", platform, "refused", perf_counter(), 0.0, error))


@contextmanager
def timed(step: Step) -> Generator[None, None, None]:
    """Tells how long the block took, unless it failed."""
    began = perf_counter()
    yield
    current = question_context.get()
    emit(StepTimed(step, began, perf_counter() - began, current.question_id if current else ""))


@dataclass(slots=True)
class QuestionContext:
    """The question that is being answered in this task, with all words that belong to it: people's and posts', which
    no log line may quote. Without a `question_id` it is something else that people have said."""

    question_id: str
    asked: str
    others: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)


question_context: ContextVar[QuestionContext | None] = ContextVar("running", default=None)

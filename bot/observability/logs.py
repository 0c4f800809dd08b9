"""The log: one line an event, on standard error; for people in a terminal, as JSON anywhere else.

All that is said goes the same way, whoever says it: this house, its libraries, or Python about an error that nobody
caught. On its way secrets are taken out, and the words of people and posts unless LOG_TEXT wants them.
"""

import logging
import sys
from collections.abc import Iterable, MutableMapping
from types import TracebackType
from typing import Any

import structlog
from structlog.typing import Processor

from bot.observability.log_redaction import LogRedactor
from core.telemetry import question_context

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

Event = MutableMapping[str, Any]


def set_up_logs(level: str, secrets: Iterable[str] = (), words_wanted: bool = False) -> None:
    """Called once, before anything is logged. Libraries' own loggers speak from warnings on. `secrets` never show;
    with `words_wanted` questions and answers do."""
    terminal = sys.stderr.isatty()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if terminal else "iso", utc=not terminal),
        _name_question,
    ]
    ending: list[Processor] = [
        structlog.processors.format_exc_info,
        LogRedactor(secrets, words_wanted),
        # Plain tracebacks: the pretty ones print local variables, and those hold keys and people's words.
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if terminal
        else structlog.processors.JSONRenderer(),
    ]
    structlog.configure(
        processors=[*shared, *([_add_words] if words_wanted else []), _mark_as_own, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    _take_in_libraries(shared, ending, max(logging.WARNING, LEVELS[level]))
    sys.excepthook = _uncaught


def _take_in_libraries(shared: list[Processor], ending: list[Processor], level: int) -> None:
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler])
    logging.captureWarnings(True)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    structlog.get_logger().error("the program ended by an error", error=kind.__name__, exc_info=(kind, error, trace))


def _name_question(_: Any, __: str, event: Event) -> Event:
    """So that all lines of one question can be found."""
    current = question_context.get()
    if current and current.question_id:
        event.setdefault("question", current.question_id)
    return event


def _add_words(_: Any, __: str, event: Event) -> Event:
    """Where they are wanted: what was asked, and what was answered, on the line that says how it ended."""
    current = question_context.get()
    if current and current.question_id and "outcome" in event:
        event.update(asked=current.question, answer="".join(current.answer_pieces))
    return event


def _mark_as_own(_: Any, __: str, event: Event) -> Event:
    event["own"] = True
    return event

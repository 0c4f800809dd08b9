"""The log: one line per event on standard error, readable in a terminal and JSON elsewhere.

The lines of libraries and of uncaught exceptions are formatted and redacted in the same way.
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

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}

Event = MutableMapping[str, Any]


def set_up_logs(level: str, secrets: Iterable[str] = (), log_text: bool = False) -> None:
    """Configure logging, once. Libraries log warnings and errors only.

    `secrets` are always redacted; `log_text` adds the texts of questions and answers.
    """
    terminal = sys.stderr.isatty()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if terminal else "iso", utc=not terminal),
        _add_question_id,
    ]
    ending: list[Processor] = [
        structlog.processors.format_exc_info,
        LogRedactor(secrets, log_text),
        # Plain tracebacks, because rich ones print local variables, which hold keys and texts.
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if terminal
        else structlog.processors.JSONRenderer(),
    ]
    structlog.configure(
        processors=[*shared, *([_add_texts] if log_text else []), _mark_as_own, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    _capture_library_logs(shared, ending, max(logging.WARNING, LEVELS[level]))
    sys.excepthook = _uncaught


def _capture_library_logs(shared: list[Processor], ending: list[Processor], level: int) -> None:
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    # Some libraries configure logging when they are imported.
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    structlog.get_logger().critical("uncaught exception", error=kind.__name__, exc_info=(kind, error, trace))


def _add_question_id(_: Any, __: str, event: Event) -> Event:
    current = question_context.get()
    if current and current.question_id:
        event.setdefault("question", current.question_id)
    return event


def _add_texts(_: Any, __: str, event: Event) -> Event:
    """Add the texts of question and answer to the line with its outcome."""
    current = question_context.get()
    if current and current.question_id and "outcome" in event:
        event.update(asked=current.question, answer="".join(current.answer_pieces))
    return event


def _mark_as_own(_: Any, __: str, event: Event) -> Event:
    event["own"] = True
    return event

"""The log: one line an event, on standard error; for people in a terminal, as JSON anywhere else."""

import logging
import sys

import structlog
from structlog.typing import Processor

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def set_up_logs(level: str) -> None:
    """Called once, before anything is logged. Libraries' own loggers speak from warnings on."""
    terminal = sys.stderr.isatty()
    render: Processor = (
        # Plain tracebacks: the pretty ones print local variables, and those hold keys and people's words.
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if terminal
        else structlog.processors.JSONRenderer()
    )
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if terminal else "iso", utc=not terminal),
    ]
    structlog.configure(
        processors=[*shared, *([] if terminal else [structlog.processors.format_exc_info]), render],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(logging.WARNING, LEVELS[level]), stream=sys.stderr, format="%(name)s: %(message)s")

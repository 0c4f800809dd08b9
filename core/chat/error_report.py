"""The boundary where any exception becomes an error that is logged and shown to the user."""

import structlog

from core.errors import FootnotedError, to_footnoted_error

log = structlog.get_logger()


def report_error(event: str, error: BaseException, **context: object) -> FootnotedError:
    """Log `event` with the error's id, cause and traceback, and return the error to show to the user."""
    known = to_footnoted_error(error)
    log.error(event, error_id=known.id, cause=str(known), exc_info=error, **context)
    return known

"""Errors that a chat platform's API raises, the same for every adapter, and how calls are repeated after them."""

from typing import ClassVar

from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from core.errors import is_retryable
from core.telemetry import RequestRetried, Service, emit


class PlatformError(Exception):
    """A call to a chat platform failed."""

    retryable: ClassVar[bool] = False


class RefusedError(PlatformError):
    """The platform rejected the call; repeating it does not help."""


class UnreachableError(PlatformError):
    """The platform gave no usable response, and may have carried out the call anyway; a later call may succeed."""

    retryable = True


class AnswerStoppedError(Exception):
    """No more of an answer is wanted: the asker stopped it, its message was deleted, or another process took over."""


def retry_policy(service: Service) -> AsyncRetrying:
    """Return five attempts over some ten seconds, for idempotent calls that must arrive."""
    return AsyncRetrying(
        retry=retry_if_exception(is_retryable),
        stop=stop_after_attempt(5),
        wait=wait_exponential_jitter(multiplier=0.5, max=8, jitter=0.5),
        reraise=True,
        before_sleep=lambda _: emit(RequestRetried(service)),
    )

"""A circuit breaker for model services.

Closed, every call goes through. After several consecutive failures it opens: calls fail at once with the last error.
After a pause one trial call goes through; if it succeeds the breaker closes, otherwise the next pause is longer.
"""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic

import structlog

from core.errors import ModelError, ModelTimeoutError

log = structlog.get_logger()

FAILURE_THRESHOLD = 5
"""Consecutive failures that open the breaker."""

FIRST_PAUSE = timedelta(seconds=5)
MAX_PAUSE = timedelta(minutes=1)

SILENCE_LIMIT = timedelta(seconds=20)
"""A call cancelled after this long without a first token counts as a failure: its caller had a deadline. Users who
leave do so sooner."""

Succeeded = Callable[[], None]
"""To be called at the first sign of life if the call continues after it."""


class CircuitBreaker:
    """The breaker of one service in this process. `clock` returns monotonic seconds."""

    def __init__(
        self, service: str, clock: Callable[[], float] = monotonic, silence_limit: timedelta = SILENCE_LIMIT
    ) -> None:
        self._service = service
        self._clock = clock
        self._silence_limit = silence_limit.total_seconds()
        self._failures = 0
        self._last_error: type[ModelError] | None = None
        """Set while the breaker is open."""
        self._pause = FIRST_PAUSE
        self._open_until = 0.0
        self._on_trial = False

    @contextmanager
    def call(self) -> Generator[Succeeded, None, None]:
        """Wrap one call. While the breaker is open, raise the error of the last call instead."""
        trial = self._admit()
        began, alive = self._clock(), False

        def succeeded() -> None:
            nonlocal alive
            if not alive:
                alive = True
                self._close()

        try:
            yield succeeded
        except asyncio.CancelledError:
            if not alive and self._clock() - began >= self._silence_limit:
                self._record_failure(ModelTimeoutError, "no first token before the caller's deadline", trial)
            raise
        except ModelError as error:
            if error.service_down:
                self._record_failure(type(error), str(error), trial)
            else:
                succeeded()  # the service has replied, if only to reject this question
            raise
        else:
            succeeded()
        finally:
            if trial:
                self._on_trial = False

    def _admit(self) -> bool:
        """Return whether this call is the trial call; raise if the breaker is open."""
        if self._last_error is None:
            return False
        if self._on_trial or self._clock() < self._open_until:
            raise self._last_error(f"the circuit breaker of the {self._service} is open")
        self._on_trial = True
        return True

    def _record_failure(self, error: type[ModelError], cause: str, trial: bool) -> None:
        self._failures += 1
        if trial:
            self._pause = min(2 * self._pause, MAX_PAUSE)
        elif self._last_error is not None or self._failures < FAILURE_THRESHOLD:
            return  # too few failures, or the call had started before the breaker opened
        self._last_error = error
        self._open_until = self._clock() + self._pause.total_seconds()
        log.warning("circuit breaker opened", service=self._service, seconds=self._pause.total_seconds(), cause=cause)

    def _close(self) -> None:
        if self._last_error is not None:
            log.info("circuit breaker closed", service=self._service)
        self._failures, self._last_error, self._pause = 0, None, FIRST_PAUSE

"""A service that is down is not asked again and again: a circuit breaker.

Closed, every call goes through. After some failures in a row it opens: nobody asks, and whoever would have is told at
once what the last one was told. After a rest one call tries; when it succeeds the breaker closes, and when it does not,
the next rest is longer.
"""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic

import structlog

from core.errors import ModelError, ModelTimeoutError

log = structlog.get_logger()

OPENS_AFTER = 5
"""Failures in a row."""

FIRST_REST = timedelta(seconds=5)
LONGEST_REST = timedelta(minutes=1)

GIVEN_UP_AFTER = timedelta(seconds=20)
"""Whoever waits this long without a sign of life and is cancelled had a deadline of their own: the service is silent.
People who leave do so sooner."""

Heard = Callable[[], None]
"""To be called at the first sign of life, when a call does not end with it."""


class CircuitBreaker:
    """Watches the calls of one service in this process; `clock` gives seconds and never goes back."""

    def __init__(
        self, service: str, clock: Callable[[], float] = monotonic, given_up_after: timedelta = GIVEN_UP_AFTER
    ) -> None:
        self._service = service
        self._clock = clock
        self._given_up_after = given_up_after.total_seconds()
        self._failures = 0
        self._why: type[ModelError] | None = None
        self._rest = FIRST_REST
        self._open_until = 0.0
        self._trying = False

    @contextmanager
    def watching(self) -> Generator[Heard, None, None]:
        """One call. Raises what the last call has raised, without making this one, while the breaker is open."""
        tries = self._admit()
        began, alive = self._clock(), False

        def heard() -> None:
            nonlocal alive
            if not alive:
                alive = True
                self._close()

        try:
            yield heard
        except asyncio.CancelledError:
            if not alive and self._clock() - began >= self._given_up_after:
                self._failed(ModelTimeoutError, "it was silent until whoever asked had waited too long", tries)
            raise
        except ModelError as error:
            if error.service_down:
                self._failed(type(error), str(error), tries)
            else:
                heard()
            raise
        else:
            heard()
        finally:
            if tries:
                self._trying = False

    def _admit(self) -> bool:
        """Whether this call is the one that tries a service that was down."""
        if self._why is None:
            return False
        if self._trying or self._clock() < self._open_until:
            raise self._why(f"the {self._service} is not asked at the moment")
        self._trying = True
        return True

    def _failed(self, why: type[ModelError], cause: str, tried: bool) -> None:
        self._failures += 1
        if tried:
            self._rest = min(2 * self._rest, LONGEST_REST)
        elif self._why is not None or self._failures < OPENS_AFTER:
            return  # too few, or it was under way when the breaker opened
        self._why = why
        self._open_until = self._clock() + self._rest.total_seconds()
        log.warning("a service is left alone", service=self._service, seconds=self._rest.total_seconds(), cause=cause)

    def _close(self) -> None:
        if self._why is not None:
            log.info("a service is back", service=self._service)
        self._failures, self._why, self._rest = 0, None, FIRST_REST

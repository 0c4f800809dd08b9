"""An embedder for runs, which nobody waits for by the second: it asks as fast as the service lets it, and no faster."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception
from tenacity.wait import wait_exponential_jitter

from core.errors import ModelBusyError, ModelError
from core.models.protocols import Embedder, Vectors

log = structlog.get_logger()

AT_ONCE = 8
"""Requests in flight, as long as the service does not say that these are too many."""

BUSY_TRIES = 10
"""A service that is busy ten times in a row stays so."""

OTHER_TRIES = 3

LONGEST_WAIT = timedelta(minutes=2)
"""Whatever the service asks for."""


class AdaptiveConcurrencyLimit:
    """How many may be in flight: half as many after each refusal, and after so many successes one more."""

    def __init__(self, most: int = AT_ONCE) -> None:
        self._most = most
        self._wide = float(most)
        self._inside = 0
        self._changed = asyncio.Condition()

    @property
    def width(self) -> int:
        return int(self._wide)

    @asynccontextmanager
    async def slot(self) -> AsyncGenerator[None, None]:
        async with self._changed:
            await self._changed.wait_for(lambda: self._inside < self.width)
            self._inside += 1
        try:
            yield
        finally:
            async with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    def narrow(self) -> None:
        self._wide = max(1.0, self._wide / 2)

    def widen(self) -> None:
        self._wide = min(self._most, self._wide + 1 / self._wide)


class RetryingEmbedder:
    """Repeats what the service refuses for now, after as long as it says; the SDK behind it should repeat nothing."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._window = AdaptiveConcurrencyLimit()
        self._wait = wait_exponential_jitter(multiplier=0.5, max=30, jitter=1)

    @property
    def name(self) -> str:
        return self._embedder.name

    @property
    def known_dimensions(self) -> int | None:
        return self._embedder.known_dimensions

    async def dimensions(self) -> int:
        return await self._embedder.dimensions()

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Raises what the embedder raises, when that does not end."""
        trying = AsyncRetrying(
            retry=retry_if_exception(_is_retryable),
            wait=self._long_enough,
            stop=_often_enough,
            reraise=True,
        )
        return await trying(self._once, texts)

    async def _once(self, texts: Sequence[str]) -> Vectors:
        async with self._window.slot():
            try:
                vectors = await self._embedder.embed(texts)
            except ModelBusyError as error:
                self._window.narrow()
                log.info("the embedding model is busy", at_once=self._window.width, retry_after=error.retry_after)
                raise
        self._window.widen()
        return vectors

    def _long_enough(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        told = error.retry_after if isinstance(error, ModelBusyError) else None
        return min(told, LONGEST_WAIT.total_seconds()) if told is not None else self._wait(state)


def _is_retryable(error: BaseException) -> bool:
    return isinstance(error, ModelError) and error.retryable


def _often_enough(state: RetryCallState) -> bool:
    error = state.outcome.exception() if state.outcome else None
    return state.attempt_number >= (BUSY_TRIES if isinstance(error, ModelBusyError) else OTHER_TRIES)

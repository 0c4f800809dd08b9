"""An embedder for reindex runs that retries and adapts its concurrency to the service's rate limits."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import numpy as np
import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception
from tenacity.wait import wait_base, wait_exponential_jitter

from core.errors import (
    ContextTooLongError,
    EmbeddingMismatchError,
    FootnotedError,
    ModelBusyError,
    ModelError,
    ModelUnreachableError,
    is_retryable,
)
from core.models.protocols import Embedder, PartlyEmbeddedError, Vectors
from core.models.wrappers import ForwardingEmbedder

log = structlog.get_logger()

MAX_CONCURRENCY = 8
"""Requests in flight until the service replies 429."""

BUSY_ATTEMPTS = 10
OTHER_ATTEMPTS = 3

BACKOFF = wait_exponential_jitter(multiplier=0.5, max=30, jitter=1)

MAX_WAIT = timedelta(minutes=2)
"""Upper bound, even if the service's Retry-After is longer."""


PROBE = ("How long are your vectors?", "Which posts are new?", "Where is the garden?")
"""Texts that every model can embed, to tell a model that is down from a text that it has no vector for."""

REJECTIONS = (ModelError, ModelUnreachableError, ContextTooLongError, EmbeddingMismatchError)
"""Errors that a single text can cause: some servers answer status 500 where the model computes NaN."""


class AdaptiveConcurrencyLimit:
    """A limit that halves with each 429 and grows by one after as many successes as it allows (AIMD)."""

    def __init__(self, maximum: int = MAX_CONCURRENCY) -> None:
        self._maximum = maximum
        self._limit = float(maximum)
        self._in_flight = 0
        self._changed = asyncio.Condition()

    @property
    def current(self) -> int:
        return int(self._limit)

    @asynccontextmanager
    async def slot(self) -> AsyncGenerator[None, None]:
        async with self._changed:
            await self._changed.wait_for(lambda: self._in_flight < self.current)
            self._in_flight += 1
        try:
            yield
        finally:
            async with self._changed:
                self._in_flight -= 1
                self._changed.notify_all()

    def decrease(self) -> None:
        self._limit = max(1.0, self._limit / 2)

    def increase(self) -> None:
        self._limit = min(self._maximum, self._limit + 1 / self._limit)


class RetryingEmbedder(ForwardingEmbedder):
    """Retries retryable errors, honouring Retry-After. The SDK client behind it should not retry."""

    def __init__(self, embedder: Embedder, backoff: wait_base = BACKOFF) -> None:
        super().__init__(embedder)
        self._backoff = backoff
        self._concurrency = AdaptiveConcurrencyLimit()

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts; raises the last error when the attempts are used up.

        Raises PartlyEmbeddedError, which has the other vectors, if the model works but some texts fail by themselves.
        """
        try:
            return await self._retry(texts, OTHER_ATTEMPTS)
        except REJECTIONS as error:
            if type(error) not in REJECTIONS or not await self._works():
                raise
            failures: dict[int, str] = {}
            found = await self._embed_apart(texts, range(len(texts)), error, failures)
            if len(failures) == len(texts) > 1:
                raise
        if not failures:
            return np.stack([found[row] for row in range(len(texts))])
        vectors = np.zeros((len(texts), await self.dimensions()), dtype=np.float32)
        for row, vector in found.items():
            vectors[row] = vector
        raise PartlyEmbeddedError(vectors, failures)

    async def _works(self) -> bool:
        try:
            await self._retry(PROBE, attempts=1)
        except FootnotedError:
            return False
        return True

    async def _embed_apart(
        self, texts: Sequence[str], rows: Sequence[int], error: FootnotedError, failures: dict[int, str]
    ) -> dict[int, Vectors]:
        """Return vectors by row, embedding halves of what failed with `error`; collect the texts that fail alone."""
        if len(rows) == 1:
            failures[rows[0]] = str(error)
            return {}
        found: dict[int, Vectors] = {}
        for half in (rows[: len(rows) // 2], rows[len(rows) // 2 :]):
            try:
                found |= zip(half, await self._retry([texts[row] for row in half], attempts=1), strict=True)
            except REJECTIONS as failure:
                if type(failure) not in REJECTIONS:
                    raise
                found |= await self._embed_apart(texts, half, failure, failures)
        return found

    async def _retry(self, texts: Sequence[str], attempts: int) -> Vectors:
        """Embed texts, in several attempts while the service is busy, and else in so many."""

        def is_exhausted(state: RetryCallState) -> bool:
            error = state.outcome.exception() if state.outcome else None
            return state.attempt_number >= (BUSY_ATTEMPTS if isinstance(error, ModelBusyError) else attempts)

        retrying = AsyncRetrying(
            retry=retry_if_exception(is_retryable), wait=self._wait_for, stop=is_exhausted, reraise=True
        )
        return await retrying(self._once, texts)

    async def _once(self, texts: Sequence[str]) -> Vectors:
        async with self._concurrency.slot():
            try:
                vectors = await self._embedder.embed(texts)
            except ModelBusyError as error:
                self._concurrency.decrease()
                log.info("embedding model busy", concurrency=self._concurrency.current, retry_after=error.retry_after)
                raise
        self._concurrency.increase()
        return vectors

    def _wait_for(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        retry_after = error.retry_after if isinstance(error, ModelBusyError) else None
        return min(retry_after, MAX_WAIT.total_seconds()) if retry_after is not None else self._backoff(state)

"""Models that wrap another model: what they have in common, and the circuit breaker's."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import timedelta

from core.errors import ModelTimeoutError
from core.models.circuit_breaker import CircuitBreaker
from core.models.protocols import ChatModel, Embedder, Prompt, Vectors

EMBEDDING_TIMEOUT = timedelta(seconds=8)
"""A question whose vector takes longer is searched by its words alone."""


class ForwardingChatModel:
    """Forwards everything but `stream` to a chat model."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def follows_instructions(self) -> bool:
        return self._model.follows_instructions

    @property
    def limitations(self) -> tuple[str, ...]:
        return self._model.limitations


class ForwardingEmbedder:
    """Forwards everything to an embedder."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    @property
    def name(self) -> str:
        return self._embedder.name

    @property
    def known_dimensions(self) -> int | None:
        return self._embedder.known_dimensions

    @property
    def limitations(self) -> tuple[str, ...]:
        return self._embedder.limitations

    async def dimensions(self) -> int:
        return await self._embedder.dimensions()

    async def embed(self, texts: Sequence[str]) -> Vectors:
        return await self._embedder.embed(texts)


class CircuitBreakerChatModel(ForwardingChatModel):
    """While the service is down, calls fail at once."""

    def __init__(self, model: ChatModel, breaker: CircuitBreaker) -> None:
        super().__init__(model)
        self._breaker = breaker

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        with self._breaker.call() as succeeded:
            async with aclosing(self._model.stream(prompt)) as pieces:
                async for piece in pieces:
                    succeeded()
                    yield piece


class CircuitBreakerEmbedder(ForwardingEmbedder):
    """An embedder for questions behind a circuit breaker. Raises ModelTimeoutError after `timeout`."""

    def __init__(self, embedder: Embedder, breaker: CircuitBreaker, timeout: timedelta = EMBEDDING_TIMEOUT) -> None:
        super().__init__(embedder)
        self._breaker = breaker
        self._timeout = timeout.total_seconds()

    async def embed(self, texts: Sequence[str]) -> Vectors:
        with self._breaker.call():
            try:
                async with asyncio.timeout(self._timeout):
                    return await self._embedder.embed(texts)
            except TimeoutError as error:
                raise ModelTimeoutError(f"no vectors within {self._timeout:g} s") from error

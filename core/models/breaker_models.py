"""Models behind a circuit breaker: while a service is down, calls fail at once."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import timedelta

from core.errors import ModelTimeoutError
from core.models.circuit_breaker import CircuitBreaker
from core.models.forwarding import ForwardingChatModel, ForwardingEmbedder
from core.models.protocols import ChatModel, Embedder, Prompt, Vectors

EMBEDDING_TIMEOUT = timedelta(seconds=8)
"""A question whose vector takes longer is searched by its words alone."""


class CircuitBreakerChatModel(ForwardingChatModel):
    """A chat model behind a circuit breaker."""

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

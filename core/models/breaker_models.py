"""Models that are spared while they are down, so that whoever asks is told so at once, or served without them."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import timedelta

from core.errors import ModelTimeoutError
from core.models.circuit_breaker import CircuitBreaker
from core.models.protocols import ChatModel, Embedder, Prompt, Vectors

EMBEDS_WITHIN = timedelta(seconds=8)
"""A question is searched by its words alone when its vector takes longer."""


class CircuitBreakerChatModel:
    """A chat model behind a breaker."""

    def __init__(self, model: ChatModel, breaker: CircuitBreaker) -> None:
        self._model = model
        self._breaker = breaker

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def follows_instructions(self) -> bool:
        return self._model.follows_instructions

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        with self._breaker.watching() as heard:
            async with aclosing(self._model.stream(prompt)) as pieces:
                async for piece in pieces:
                    heard()
                    yield piece


class CircuitBreakerEmbedder:
    """An embedder behind a breaker, for questions: people wait for these. Raises ModelTimeoutError after `within`."""

    def __init__(self, embedder: Embedder, breaker: CircuitBreaker, within: timedelta = EMBEDS_WITHIN) -> None:
        self._embedder = embedder
        self._breaker = breaker
        self._within = within.total_seconds()

    @property
    def name(self) -> str:
        return self._embedder.name

    @property
    def known_dimensions(self) -> int | None:
        return self._embedder.known_dimensions

    async def dimensions(self) -> int:
        return await self._embedder.dimensions()

    async def embed(self, texts: Sequence[str]) -> Vectors:
        with self._breaker.watching():
            try:
                async with asyncio.timeout(self._within):
                    return await self._embedder.embed(texts)
            except TimeoutError as error:
                raise ModelTimeoutError(f"no vectors within {self._within:g} s") from error

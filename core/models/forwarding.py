"""Bases of models that wrap another model: they forward what a wrapper does not change."""

from collections.abc import Sequence

from core.models.protocols import ChatModel, Embedder, Vectors


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

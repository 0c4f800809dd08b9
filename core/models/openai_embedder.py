"""Embeddings from OpenAI, Azure OpenAI, or any server that speaks the same protocol."""

import asyncio
import base64
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from openai import AsyncOpenAI, omit

from core.errors import EmbeddingMismatchError
from core.models.batches import batches
from core.models.openai_errors import translated
from core.models.protocols import Vectors
from core.telemetry import TokensUsed, emit
from core.tokens import TokenCounter

AT_ONCE = 8
"""Requests in flight. More brings rate limits, not speed."""

INPUTS_PER_REQUEST = 64
"""Far below the service's limit: several middling requests at once are faster than one large one."""


class OpenAIEmbedder:
    """`dimensions` asks a text-embedding-3 model for shorter vectors than its own; None leaves it to the model."""

    def __init__(self, client: AsyncOpenAI, model: str, tokens: TokenCounter, dimensions: int | None = None) -> None:
        self.name = model
        self._client = client
        self._tokens = tokens
        self._asked_dimensions = dimensions
        self._dimensions = dimensions
        self._slots = asyncio.Semaphore(AT_ONCE)

    @property
    def known_dimensions(self) -> int | None:
        return self._dimensions

    async def dimensions(self) -> int:
        if self._dimensions is None:
            await self.embed(["How long are your vectors?"])
        assert self._dimensions is not None
        return self._dimensions

    async def embed(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, await self.dimensions()), dtype=np.float32)
        requests = batches(texts, self._tokens, INPUTS_PER_REQUEST)
        vectors = np.concatenate(await asyncio.gather(*(self._request(batch) for batch in requests)))
        self._dimensions = vectors.shape[1]
        return vectors

    async def _request(self, batch: list[str]) -> Vectors:
        async with self._slots:
            with translated("embedding"):
                response = await self._client.embeddings.create(
                    model=self.name,
                    input=batch,
                    dimensions=self._asked_dimensions if self._asked_dimensions is not None else omit,
                    # A third of the bytes of numbers. Left out, the SDK asks for it too, and makes lists of it.
                    encoding_format="base64",
                )
        if response.usage:
            # Servers of other makes may leave it out.
            emit(TokensUsed(self.name, response.usage.total_tokens))
        rows = [_row(item.embedding) for item in sorted(response.data, key=lambda item: item.index)]
        return _checked(rows, len(batch), self._dimensions)


def _row(embedding: str | Sequence[float]) -> NDArray[np.float32]:
    """A vector as it came: many compatible servers send numbers, whatever they are asked for."""
    if not isinstance(embedding, str):
        return np.asarray(embedding, dtype=np.float32)
    try:
        return np.frombuffer(base64.b64decode(embedding), dtype="<f4")
    except ValueError as error:
        raise EmbeddingMismatchError("a vector came in a form that cannot be read") from error


def _checked(rows: Sequence[NDArray[np.float32]], asked: int, dimensions: int | None) -> Vectors:
    """Rows as a matrix of unit vectors. Raises EmbeddingMismatchError for anything that must not reach the index."""
    if len(rows) != asked:
        raise EmbeddingMismatchError(f"{asked} texts were sent and {len(rows)} vectors came back")
    lengths = {len(row) for row in rows}
    if len(lengths) > 1 or (dimensions is not None and lengths != {dimensions}):
        raise EmbeddingMismatchError(
            f"vectors of length {sorted(lengths)}, where {dimensions or 'one length'} was expected"
        )
    vectors = np.asarray(rows, dtype=np.float32)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(norms).all():
        raise EmbeddingMismatchError("a vector holds values that are no numbers")
    unit: Vectors = np.divide(vectors, np.maximum(norms, 1e-12), dtype=np.float32)
    return unit

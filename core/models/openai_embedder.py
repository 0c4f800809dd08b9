"""Embedding models of OpenAI, Azure OpenAI and compatible servers."""

import asyncio
import base64
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from openai import AsyncOpenAI, omit

from core.errors import EmbeddingMismatchError, ModelError
from core.models.batches import batches
from core.models.openai_errors import is_invalid_request, translated
from core.models.protocols import Vectors
from core.telemetry import TokensUsed, emit
from core.tokens import TokenCounter

MAX_CONCURRENCY = 8
"""Requests in flight; more would cause 429s instead of speed."""

INPUTS_PER_REQUEST = 64
"""Far below OpenAI's limit: several medium requests at once are faster than one large one. Some servers take fewer."""


class OpenAIEmbedder:
    """An embedding model. `dimensions` shortens the vectors of text-embedding-3 models; None keeps the model's own."""

    def __init__(self, client: AsyncOpenAI, model: str, tokens: TokenCounter, dimensions: int | None = None) -> None:
        self.name = model
        self._client = client
        self._tokens = tokens
        self._requested_dimensions = dimensions
        self._dimensions = dimensions
        self._max_inputs = INPUTS_PER_REQUEST
        self._slots = asyncio.Semaphore(MAX_CONCURRENCY)

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
        requests = batches(texts, self._tokens, self._max_inputs)
        vectors = np.concatenate(await asyncio.gather(*map(self._embed_batch, requests)))
        self._dimensions = vectors.shape[1]
        return vectors

    async def _embed_batch(self, batch: list[str]) -> Vectors:
        """Embed a batch, in halves if the server takes fewer inputs; remember the number that it takes."""
        if len(batch) <= self._max_inputs:
            try:
                return await self._request(batch)
            except ModelError as error:
                if len(batch) == 1 or not is_invalid_request(error):
                    raise
        size = min(self._max_inputs, (len(batch) + 1) // 2)
        parts = [batch[start : start + size] for start in range(0, len(batch), size)]
        vectors = [await self._embed_batch(part) for part in parts]
        self._max_inputs = min(self._max_inputs, size)
        return np.concatenate(vectors)

    async def _request(self, batch: list[str]) -> Vectors:
        async with self._slots:
            with translated("embedding"):
                response = await self._client.embeddings.create(
                    model=self.name,
                    input=batch,
                    dimensions=self._requested_dimensions if self._requested_dimensions is not None else omit,
                    # A third of the size of JSON numbers. By default the SDK requests base64 too, but decodes to lists.
                    encoding_format="base64",
                )
        if response.usage:
            # Compatible servers may omit it.
            emit(TokensUsed(self.name, response.usage.total_tokens))
        # Some servers send no index, but keep the order.
        items = sorted(response.data, key=lambda item: getattr(item, "index", None) or 0)
        rows = [_row(item.embedding) for item in items]
        return _checked(rows, len(batch), self._dimensions)


def _row(embedding: str | Sequence[float]) -> NDArray[np.float32]:
    """Decode a vector; many compatible servers send numbers even if base64 was requested."""
    if not isinstance(embedding, str):
        return np.asarray(embedding, dtype=np.float32)
    try:
        return np.frombuffer(base64.b64decode(embedding), dtype="<f4")
    except ValueError as error:
        raise EmbeddingMismatchError("a vector is not valid base64") from error


def _checked(rows: Sequence[NDArray[np.float32]], expected: int, dimensions: int | None) -> Vectors:
    """Return the rows as a matrix of unit vectors. Raises EmbeddingMismatchError for anything unfit for the index."""
    if len(rows) != expected:
        raise EmbeddingMismatchError(f"{expected} texts were sent, but {len(rows)} vectors received")
    lengths = {len(row) for row in rows}
    if len(lengths) > 1 or (dimensions is not None and lengths != {dimensions}):
        raise EmbeddingMismatchError(
            f"vectors have {sorted(lengths)} dimensions instead of {dimensions or 'one length'}"
        )
    vectors = np.asarray(rows, dtype=np.float32)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(norms).all():
        raise EmbeddingMismatchError("a vector contains NaN or infinity")
    unit: Vectors = np.divide(vectors, np.maximum(norms, 1e-12), dtype=np.float32)
    return unit

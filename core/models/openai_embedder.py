"""Embedding models of OpenAI, Azure OpenAI and compatible servers."""

import asyncio
import base64
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import structlog
from numpy.typing import NDArray
from openai import APIStatusError, AsyncOpenAI

from core.errors import EmbeddingMismatchError, ModelError
from core.models.batches import batches
from core.models.capabilities import EmbeddingCapabilities
from core.models.openai_errors import is_invalid_request, translated
from core.models.protocols import Vectors
from core.telemetry import TokensUsed, emit
from core.tokens import TokenCounter

log = structlog.get_logger()

MAX_CONCURRENCY = 8
"""Requests in flight; more would cause 429s instead of speed."""

DISTINCT = 3
"""Texts that cannot all have the same vector by chance."""


class OpenAIEmbedder:
    """An embedding model. `dimensions` shortens the vectors of text-embedding-3 models; None keeps the model's own."""

    def __init__(self, client: AsyncOpenAI, model: str, tokens: TokenCounter, dimensions: int | None = None) -> None:
        self.name = model
        self._client = client
        self._tokens = tokens
        self._requested_dimensions = dimensions
        self._dimensions = dimensions
        self._capabilities = EmbeddingCapabilities()
        self._slots = asyncio.Semaphore(MAX_CONCURRENCY)

    @property
    def known_dimensions(self) -> int | None:
        return self._dimensions

    @property
    def limitations(self) -> tuple[str, ...]:
        return self._capabilities.limitations

    async def dimensions(self) -> int:
        if self._dimensions is None:
            await self.embed(["How long are your vectors?"])
        assert self._dimensions is not None
        return self._dimensions

    async def embed(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, await self.dimensions()), dtype=np.float32)
        requests = batches(texts, self._tokens, self._capabilities.max_inputs)
        vectors = np.concatenate(await asyncio.gather(*map(self._embed_batch, requests)))
        if len({frozenset(text.split()) for text in texts}) >= DISTINCT and np.allclose(vectors, vectors[0], atol=1e-6):
            raise EmbeddingMismatchError("the embedding model has the same vector for different texts")
        self._dimensions = vectors.shape[1]
        return vectors

    async def _embed_batch(self, batch: list[str]) -> Vectors:
        """Embed a batch, in parts if the server takes fewer inputs; remember the number that it takes."""
        most = self._capabilities.max_inputs
        if len(batch) <= most:
            try:
                return await self._embed_in_any_form(batch)
            except ModelError as error:
                refusal = error.__cause__
                if len(batch) == 1 or not (isinstance(refusal, APIStatusError) and is_invalid_request(refusal)):
                    raise
                most = _fewer_inputs(len(batch), refusal.message)
        parts = [batch[start : start + most] for start in range(0, len(batch), most)]
        vectors = [await self._embed_batch(part) for part in parts]
        if most < self._capabilities.max_inputs:
            self._learn(max_inputs=most)
        return np.concatenate(vectors)

    async def _embed_in_any_form(self, batch: list[str]) -> Vectors:
        """Ask for base64, a third of the size of JSON numbers, unless the server refuses it."""
        with translated("embedding"):
            try:
                response = await self._request(batch, self._capabilities.base64 is not False)
            except APIStatusError as error:
                numbers = self._capabilities.base64 is None and is_invalid_request(error)
                if not numbers or _named_numbers(len(batch), error.message):
                    raise
                try:
                    response = await self._request(batch, base64=False)
                except APIStatusError:
                    raise error from None
                self._learn(base64=False)
        if self._capabilities.base64 is None:
            self._learn(base64=True)
        return self._read(response, len(batch))

    async def _request(self, batch: list[str], base64: bool) -> dict[str, Any]:
        request: dict[str, object] = {"model": self.name, "input": batch}
        if self._requested_dimensions is not None:
            request["dimensions"] = self._requested_dimensions
        if base64:
            request["encoding_format"] = "base64"
        async with self._slots:
            # Like `embeddings.create`, which would turn vectors into lists of Python numbers.
            return cast("dict[str, Any]", await self._client.post("/embeddings", body=request, cast_to=object))

    def _learn(self, **changes: Any) -> None:
        before = self._capabilities
        self._capabilities = replace(before, **changes)
        if self.limitations != before.limitations:
            log.info("embedding model capabilities learned", model=self.name, limitations=self.limitations)

    def _read(self, response: dict[str, Any], expected: int) -> Vectors:
        try:
            # Some servers send no index, but keep the order.
            items = sorted(response["data"], key=lambda item: item.get("index") or 0)
            rows = [_row(item["embedding"]) for item in items]
            used = response.get("usage") or {}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise EmbeddingMismatchError(f"the reply holds no vectors: {error!r}") from error
        if used.get("total_tokens"):
            # Compatible servers may omit it.
            emit(TokensUsed(self.name, used["total_tokens"]))
        return _checked(rows, expected, self._dimensions)


def _fewer_inputs(refused: int, message: str) -> int:
    """Return how many inputs to try next: what the server's message names, or half as many."""
    return max(_named_numbers(refused, message), default=(refused + 1) // 2)


def _named_numbers(refused: int, message: str) -> list[int]:
    """Return the numbers in a refusal that may say how many inputs the server takes."""
    numbers = map(int, re.findall(r"\b\d{1,3}\b", message))
    return [number for number in numbers if max(1, refused // 16) <= number < refused]


def _row(embedding: str | Sequence[float] | None) -> NDArray[np.float32]:
    """Decode a vector; many compatible servers send numbers even if base64 was requested."""
    if not embedding:
        raise EmbeddingMismatchError("a text has no vector")
    if isinstance(embedding, str):
        return np.frombuffer(base64.b64decode(embedding), dtype="<f4")
    return np.asarray(embedding, dtype=np.float32)


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
    if not norms.all() or (vectors.shape[1] > 1 and (np.ptp(vectors, axis=1) == 0).any()):
        raise EmbeddingMismatchError("a vector contains only zeros, or one value throughout")
    unit: Vectors = np.divide(vectors, norms, dtype=np.float32)
    return unit

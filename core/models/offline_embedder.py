"""The offline embedding model: WordLlama with 256 dimensions, whose weights ship in its wheel."""

import asyncio
import threading
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Protocol, cast

import numpy as np

from core.models.protocols import Vectors

try:
    import wordllama
except ImportError:  # the extra `offline` is not installed
    wordllama = None

CHUNK_SIZE = 256
"""Texts embedded per call, in a thread, so that the event loop stays free."""

BATCH_SIZE = 16
"""Texts padded to a common length. Larger batches cost memory (64: 50 MB more) and save no time."""


class _WordLlama(Protocol):
    def embed(self, texts: list[str], norm: bool, batch_size: int) -> Vectors: ...


def installed() -> bool:
    """Return whether the extra `offline` is installed."""
    return wordllama is not None


def known_languages(model: str) -> frozenset[str] | None:
    """Return the languages in which an embedding model tells meanings apart; None for all that matter."""
    return frozenset({"en"}) if model.startswith("wordllama-") else None


@cache
def _loaded() -> _WordLlama:
    # WordLlama's default folder is not where its wheel puts the weights.
    folder = Path(wordllama.__file__).parent
    return cast("_WordLlama", wordllama.WordLlama.load(cache_dir=folder, disable_download=True))


class OfflineEmbedder:
    """Loads the model, about 0.4 s and 110 MB, on the first construction in a process. Requires `installed()`."""

    DIMENSIONS = 256
    limitations = ()

    def __init__(self) -> None:
        self.name = f"wordllama-{version('wordllama')}-{self.DIMENSIONS}"
        self._lock = threading.Lock()
        self._model = _loaded()

    @property
    def known_dimensions(self) -> int:
        return self.DIMENSIONS

    async def dimensions(self) -> int:
        return self.DIMENSIONS

    async def embed(self, texts: Sequence[str]) -> Vectors:
        if len(texts) == 1:
            return self.embed_now(texts)  # a question takes less time than starting a thread
        parts = [
            await asyncio.to_thread(self._embed_locked, list(texts[start : start + CHUNK_SIZE]))
            for start in range(0, len(texts), CHUNK_SIZE)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, self.DIMENSIONS), dtype=np.float32)

    def _embed_locked(self, texts: list[str]) -> Vectors:
        # Concurrent batches would multiply the memory without saving time.
        with self._lock:
            return self.embed_now(texts)

    def embed_now(self, texts: Sequence[str]) -> Vectors:
        """Embed a few texts without a thread: 0.2 ms for a sentence."""
        by_length = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        vectors = np.empty((len(texts), self.DIMENSIONS), dtype=np.float32)
        with np.errstate(invalid="ignore"):  # a text without words has a zero vector
            vectors[by_length] = self._model.embed(
                [texts[index] for index in by_length], norm=True, batch_size=BATCH_SIZE
            )
        return np.nan_to_num(vectors)

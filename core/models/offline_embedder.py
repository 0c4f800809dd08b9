"""Embeddings without a key and without a network: WordLlama's 256 dimensions, carried whole by its wheel."""

import asyncio
import threading
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Protocol, cast

import numpy as np

from core.models.protocols import Vectors

try:
    import wordllama
except ImportError:  # the extra `offline` is not installed
    wordllama = None

AT_ONCE = 256
"""Texts embedded in one go; a thread does it, so that the event loop stays free."""

PADDED_TOGETHER = 16
"""Texts that are filled up to the length of the longest. More cost memory (64: 50 MB more) and win no time."""


class _WordLlama(Protocol):
    def embed(self, texts: list[str], norm: bool, batch_size: int) -> Vectors: ...


def installed() -> bool:
    """Whether the extra `offline` is there."""
    return wordllama is not None


class OfflineEmbedder:
    """Loads the model from the wheel at once (some 0.4 s). Needs `installed()`."""

    DIMENSIONS = 256

    def __init__(self) -> None:
        self.name = f"wordllama-{version('wordllama')}-{self.DIMENSIONS}"
        # Its own default folder is not where its wheel puts the weights.
        folder = Path(wordllama.__file__).parent
        self._one_at_a_time = threading.Lock()
        self._model = cast("_WordLlama", wordllama.WordLlama.load(cache_dir=folder, disable_download=True))

    @property
    def known_dimensions(self) -> int:
        return self.DIMENSIONS

    async def dimensions(self) -> int:
        return self.DIMENSIONS

    async def embed(self, texts: Sequence[str]) -> Vectors:
        if len(texts) == 1:
            return self._embed(list(texts))  # a question takes less time than a thread's start
        parts = [
            await asyncio.to_thread(self._embed_alone, list(texts[start : start + AT_ONCE]))
            for start in range(0, len(texts), AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, self.DIMENSIONS), dtype=np.float32)

    def _embed_alone(self, texts: list[str]) -> Vectors:
        # Several batches at once would only take several times the memory.
        with self._one_at_a_time:
            return self._embed(texts)

    def _embed(self, texts: list[str]) -> Vectors:
        by_length = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        vectors = np.empty((len(texts), self.DIMENSIONS), dtype=np.float32)
        with np.errstate(invalid="ignore"):  # a text without a single word has no length to be divided by
            vectors[by_length] = self._model.embed(
                [texts[place] for place in by_length], norm=True, batch_size=PADDED_TOGETHER
            )
        return np.nan_to_num(vectors)

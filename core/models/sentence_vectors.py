"""Vectors of sentences for the check of footnotes: WordLlama, whatever model embeds the posts."""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.models.protocols import Vectors

if TYPE_CHECKING:
    from core.models.offline_embedder import OfflineEmbedder


class LocalSentenceVectors:
    """Loads the model in a thread, at the first answer unless `serve` did before: most commands need none. Without the
    extra `offline` there are no vectors."""

    languages = frozenset({"en"})

    def __init__(self) -> None:
        self._embedder: OfflineEmbedder | None = None
        self._loading: threading.Thread | None = None

    def prepare(self) -> None:
        if self._loading is None:
            # No daemon: a thread that is killed in compiled code can take the process down.
            self._loading = threading.Thread(target=self.load, name="sentence vectors")
            self._loading.start()

    def load(self) -> None:
        """Load the model here and now."""
        from core.models.offline_embedder import OfflineEmbedder, installed

        if installed():
            self._embedder = OfflineEmbedder()

    def __call__(self, sentences: Sequence[str]) -> Vectors | None:
        return self._embedder.embed_now(sentences) if self._embedder else None

"""The interfaces of models. Each has two implementations: an OpenAI-compatible server, and offline."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from core.domain import Passage, Question, Turn
from core.errors import ModelError

Vectors = npt.NDArray[np.float32]
"""One embedding per row, each of length 1."""


@dataclass(frozen=True, slots=True)
class NumberedPassage:
    """A passage with the number by which an answer cites its post; passages of one post share it."""

    number: int
    passage: Passage
    score: float


@dataclass(frozen=True, slots=True)
class Prompt:
    """The input of a chat model. `request` is the last message, with passages and question as text.

    Both are also given as values, for the extractive model.
    """

    system: str
    history: tuple[Turn, ...]
    request: str
    question: Question
    passages: tuple[NumberedPassage, ...] = ()


class SentenceVectors(Protocol):
    """Vectors of sentences at once and without a request, from a small model in memory."""

    languages: frozenset[str]
    """The languages in which it tells meanings apart."""

    def prepare(self) -> None:
        """Begin to load the model, unless that has been done."""
        ...

    def __call__(self, sentences: Sequence[str]) -> Vectors | None:
        """Return one row per sentence; None before the model is loaded."""
        ...


class Embedder(Protocol):
    """An embedding model. Raises `core.errors.ModelError`."""

    @property
    def name(self) -> str:
        """The model's name; an index belongs to one model."""
        ...

    @property
    def known_dimensions(self) -> int | None:
        """The length of every vector; None until the first reply."""
        ...

    @property
    def limitations(self) -> tuple[str, ...]:
        """What its server was found not to take so far, in words for the operator."""
        ...

    async def dimensions(self) -> int:
        """Return the length of every vector; may send one request."""
        ...

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Return a matrix of shape (len(texts), dimensions), one row per text in order."""
        ...


class PartlyEmbeddedError(ModelError):
    """A model that works has no vector for some texts: `failures` are causes by row, whose `vectors` are not usable."""

    code = "PartlyEmbedded"

    def __init__(self, vectors: Vectors, failures: Mapping[int, str]) -> None:
        super().__init__(next(iter(failures.values())))
        self.vectors = vectors
        self.failures = failures


class ChatModel(Protocol):
    """A chat model. Raises `core.errors.ModelError`."""

    @property
    def name(self) -> str: ...

    @property
    def follows_instructions(self) -> bool:
        """Whether it can do anything but answer from passages, such as rewrite a question."""
        ...

    @property
    def limitations(self) -> tuple[str, ...]:
        """What its server was found not to take so far, in words for the operator."""
        ...

    def stream(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        """Stream the answer in pieces. An empty one is a sign of life; see also `Thought` and `Retraction`."""
        ...

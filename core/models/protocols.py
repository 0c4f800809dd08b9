"""What the house needs from a model. Behind each protocol stand two: an OpenAI-compatible server, and offline."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from core.domain import Passage, Question, Turn

Vectors = npt.NDArray[np.float32]
"""One embedding a row, each of length 1."""


@dataclass(frozen=True, slots=True)
class NumberedPassage:
    """A passage under the number by which an answer cites its post; passages of one post share it."""

    number: int
    passage: Passage
    score: float


@dataclass(frozen=True, slots=True)
class Prompt:
    """All that a chat model is given. `request` is the last message: passages and question as text; the two are also
    there as values, for a model that composes instead of reading."""

    system: str
    history: tuple[Turn, ...]
    request: str
    question: Question
    passages: tuple[NumberedPassage, ...] = ()


class Embedder(Protocol):
    """Turns texts into vectors. Raises `core.errors.ModelError`."""

    @property
    def name(self) -> str:
        """The model's name; an index belongs to one model."""
        ...

    @property
    def known_dimensions(self) -> int | None:
        """The length of every vector, None as long as only the model could tell."""
        ...

    async def dimensions(self) -> int:
        """The length of every vector; may ask the model once."""
        ...

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """One row a text, in their order, of shape (len(texts), dimensions)."""
        ...


class ChatModel(Protocol):
    """Writes answers. Raises `core.errors.ModelError`."""

    @property
    def name(self) -> str: ...

    @property
    def follows_instructions(self) -> bool:
        """Whether it can be asked for anything else than an answer from passages, such as a rewritten question."""
        ...

    def stream(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        """The answer, piece by piece."""
        ...

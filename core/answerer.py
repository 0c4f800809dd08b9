"""The interface that every answerer implements: a question in, a stream of events out.

A stream reads `Searching Found Thinking? (Cited | Wrote | Retracted)* Answered`; failures are exceptions
(`core.errors`). Consumers hold a stream in `contextlib.aclosing`, so that leaving early also stops the model.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from core.domain import Answer, Confidence, Footnote, Question, ScoredPassage


@dataclass(frozen=True, slots=True)
class Searching:
    """The search has begun."""

    question: Question


@dataclass(frozen=True, slots=True)
class Found:
    """The passages that the answer is made from, best first; none when the posts are not about the question."""

    hits: tuple[ScoredPassage, ...]
    confidence: Confidence = "sure"


@dataclass(frozen=True, slots=True)
class Cited:
    """The text that follows cites this post for the first time."""

    footnote: Footnote


@dataclass(frozen=True, slots=True)
class Thinking:
    """The model thinks before it writes."""


@dataclass(frozen=True, slots=True)
class Wrote:
    """The next piece of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class Retracted:
    """All text and footnotes so far are taken back: they were thoughts of the model."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The complete answer; always the last event."""

    answer: Answer


AnswerProgress = Searching | Found | Thinking | Cited | Retracted
AnswerEvent = AnswerProgress | Wrote | Answered


class Answerer(Protocol):
    """Answers questions. Layers such as admission and memory wrap another answerer."""

    def ask(self, question: Question) -> AsyncGenerator[AnswerEvent, None]: ...

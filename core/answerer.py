"""The one signature of the house: a question goes in, a stream of events comes out.

Every stream reads `Searching Found Wrote* Answered`. Progress is events, failure is exceptions (`core.errors`). Readers
hold a stream in `contextlib.aclosing`, so that a reader who leaves early also stops the model.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from core.domain import Answer, Footnote, Question, ScoredPassage, footnotes_of


@dataclass(frozen=True, slots=True)
class Searching:
    """The posts are being searched."""

    question: Question


@dataclass(frozen=True, slots=True)
class Found:
    """The passages that the answer is made from, best first; none when the posts are about something else."""

    hits: tuple[ScoredPassage, ...]

    @property
    def footnotes(self) -> tuple[Footnote, ...]:
        """What the numbers in the text will mean."""
        return footnotes_of(self.hits)


@dataclass(frozen=True, slots=True)
class Wrote:
    """The next piece of the answer's text. All pieces together are the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The whole answer; always the last event."""

    answer: Answer


AnswerEvent = Searching | Found | Wrote | Answered


class Answerer(Protocol):
    """Answers questions; wrappers such as limits and memory are askers too."""

    def ask(self, question: Question) -> AsyncGenerator[AnswerEvent, None]: ...

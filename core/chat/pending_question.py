"""Questions whose text and history are still to be looked up on the platform."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from core.domain import Answer, Question


@dataclass(frozen=True, slots=True)
class PendingQuestion:
    """A question that `compose` assembles: it resolves mentions and reads the thread, for example.

    `text` is the question as far as it is known before. With an `answer`, another process had already answered it, and
    the answer has only to be written out. `nonce` identifies this attempt where a platform deduplicates messages.
    One that is not `addressed` to the bot may be left unanswered.
    """

    id: str
    text: str
    compose: Callable[[], Awaitable[Question]]
    answer: Answer | None = None
    nonce: str = ""
    addressed: bool = True

    @classmethod
    def of(cls, question: Question, nonce: str = "") -> "PendingQuestion":
        """Wrap a question that needs no further look-ups."""

        async def compose() -> Question:
            return question

        return cls(question.id, question.text, compose, nonce=nonce)


def question_id(event_name: str) -> str:
    """Derive a question's id from its event's name, so that every process computes the same one."""
    return hashlib.sha256(event_name.encode()).hexdigest()[:16]

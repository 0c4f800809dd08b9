"""Reasons for bad ratings on their way to FEEDBACK_CHANNEL: a bounded queue, and the message for each."""

import asyncio
from dataclasses import dataclass

import structlog

from core.answering.channel_scope import Channels
from core.domain import Answer, Conversation, Person, StoredQuestion
from core.i18n import N_, gettext

log = structlog.get_logger()

MAX_WAITING = 100
MAX_ANSWER = 1_200
"""Characters of an answer that are quoted."""
MAX_PASSAGES = 5
MAX_PASSAGE = 160

HIDDEN = N_("An answer from sources that are not shown here was rated as bad. `footnoted feedback` lists it.")


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a person did not like about an answer."""

    stored: StoredQuestion
    person: Person
    reason: str


class Complaints:
    """A queue that is only filled while something reads it."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[Complaint] = asyncio.Queue(MAX_WAITING)
        self.wanted = False

    def add(self, complaint: Complaint) -> None:
        """Add a complaint without waiting; drop it if nothing reads them, or too many wait."""
        if not self.wanted:
            return
        try:
            self._waiting.put_nowait(complaint)
        except asyncio.QueueFull:
            log.warning("complaint dropped", question=complaint.stored.question.id)

    async def next(self) -> Complaint:
        """Wait for the next complaint."""
        return await self._waiting.get()


def complaint_text(complaint: Complaint, channels: Channels, place: Conversation) -> str:
    """Return the message in Markdown, which quotes nothing that its channel may not see."""
    question, answer = complaint.stored.question, complaint.stored.answer
    asked_in, here = channels.scope(question.conversation).sources, channels.scope(place).sources
    if here is not None and (asked_in is None or not asked_in <= here):
        return gettext(HIDDEN)
    head = f"👎 {complaint.person.name}: {_line(complaint.reason)}"
    parts = [head, _titled(gettext("Question"), _line(question.text))]
    if answer:
        parts += [_titled(gettext("Answer"), _cut(answer.text, MAX_ANSWER)), *_passages(answer)]
    return "\n\n".join(parts)


def _passages(answer: Answer) -> list[str]:
    used = answer.trace.given if answer.trace else ()
    rows = [
        f"- {_line(hit.passage.title)} ({hit.passage.url}): {_cut(_line(hit.passage.text), MAX_PASSAGE)}"
        for hit in used[:MAX_PASSAGES]
    ]
    return [_titled(gettext("Passages"), "\n".join(rows))] if rows else []


def _titled(heading: str, text: str) -> str:
    return f"**{heading}**\n{text}"


def _line(text: str) -> str:
    return " ".join(text.split())


def _cut(text: str, max_chars: int) -> str:
    return text if len(text) <= max_chars else text[:max_chars].rsplit(" ", 1)[0] + " …"

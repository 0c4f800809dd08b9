"""What people think of the answers, for whoever runs the bot: `footnoted feedback`."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from adapters.console import readable
from core.chat.documents import footnote_document, match_document
from core.domain import RatedAnswer, Vote

THUMBS = {"up": "👍", "down": "👎"}
LONGEST_ANSWER = 400
"""Characters that are shown in the terminal; `--json` prints all."""


def show(judged: Sequence[RatedAnswer], out: Console) -> None:
    """Each answer that was voted on: the question, the votes with their reasons, the answer, and its passages."""
    if not judged:
        out.print("Nobody has voted on an answer yet.")
        return
    for each in judged:
        _show_one(each, out)
    ups = sum(vote.rating == "up" for each in judged for vote in each.votes)
    downs = sum(vote.rating == "down" for each in judged for vote in each.votes)
    answers = "1 answer" if len(judged) == 1 else f"{len(judged)} answers"
    out.print(Text(f"{answers}, {ups} 👍, {downs} 👎", style="bold"))


def _show_one(judged: RatedAnswer, out: Console) -> None:
    question, answer = judged.stored.question, judged.stored.answer
    where = question.conversation.platform if question.conversation else ""
    head = Text(readable(question.text), style="bold")
    out.print(head.append(f"   {where} · {judged.stored.at:%Y-%m-%d %H:%M} · {question.id}", style="dim"))
    for vote in judged.votes:
        reason = f": {readable(vote.reason)}" if vote.reason else ""
        out.print(
            Padding(Text(f"{THUMBS[vote.rating]} {readable(vote.person.name or vote.person.id)}{reason}"), (0, 2))
        )
    if answer:
        text = readable(answer.text)
        shown = text if len(text) <= LONGEST_ANSWER else text[:LONGEST_ANSWER] + " …"
        out.print(Padding(Text(shown, style="dim"), (0, 2)))
        for match in answer.trace.given if answer.trace else ():
            row = Text.assemble(f"· {readable(match.passage.title)}", (f"  {match.score:.2f}  ", "dim"))
            out.print(Padding(row.append(readable(match.passage.url), style="dim"), (0, 2)))
    out.print()


def document(judged: Sequence[RatedAnswer]) -> list[dict[str, Any]]:
    """The same as one JSON document, whole."""
    return [_document(each) for each in judged]


def _document(judged: RatedAnswer) -> dict[str, Any]:
    question, answer = judged.stored.question, judged.stored.answer
    place = question.conversation
    return {
        "id": question.id,
        "at": judged.stored.at.isoformat(),
        "question": question.text,
        "platform": place.platform if place else None,
        "channel": place.channel if place else None,
        "asked_by": question.person.name or question.person.id if question.person else None,
        "answer": answer.text if answer else None,
        "sources": [footnote_document(footnote) for footnote in answer.footnotes] if answer else [],
        "passages": [
            {**match_document(match), "meaning": match.vector_score, "words": match.text_score}
            for match in (answer.trace.given if answer and answer.trace else ())
        ],
        "votes": [_vote(vote) for vote in judged.votes],
    }


def _vote(vote: Vote) -> dict[str, Any]:
    return {
        "by": vote.person.name or vote.person.id,
        "vote": vote.rating,
        "reason": vote.reason,
        "at": vote.at.isoformat(),
    }

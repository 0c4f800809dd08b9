"""`footnoted feedback`: rated answers, for operators."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from adapters.console import print_json, readable
from bot.app import Bot
from bot.cli.exit_codes import OK
from core.chat.documents import footnote_document, match_document
from core.domain import RatedAnswer, Vote

EMOJI = {"up": "👍", "down": "👎"}
MAX_ANSWER_CHARS = 400
"""Characters shown in the terminal; `--json` prints all."""


async def feedback(bot: Bot, most: int, out: Console, json: bool = False) -> int:
    """Print at most `most` rated answers; return the exit code."""
    rated = await bot.feedback.rated_answers(most)
    if json:
        print_json(to_json(rated))
    else:
        show_feedback(rated, out)
    return OK


def show_feedback(rated: Sequence[RatedAnswer], out: Console) -> None:
    """Print each question with its ratings, their reasons, the answer and its passages."""
    if not rated:
        out.print("No answers have been rated yet.")
        return
    for each in rated:
        _show_answer(each, out)
    ups = sum(vote.rating == "up" for each in rated for vote in each.votes)
    downs = sum(vote.rating == "down" for each in rated for vote in each.votes)
    answers = "1 answer" if len(rated) == 1 else f"{len(rated)} answers"
    out.print(Text(f"{answers}, {ups} 👍, {downs} 👎", style="bold"))


def _show_answer(rated: RatedAnswer, out: Console) -> None:
    question, answer = rated.stored.question, rated.stored.answer
    platform = question.conversation.platform if question.conversation else ""
    head = Text(readable(question.text), style="bold")
    out.print(head.append(f"   {platform} · {rated.stored.at:%Y-%m-%d %H:%M} · {question.id}", style="dim"))
    for vote in rated.votes:
        reason = f": {readable(vote.reason)}" if vote.reason else ""
        out.print(Padding(Text(f"{EMOJI[vote.rating]} {readable(vote.person.name or vote.person.id)}{reason}"), (0, 2)))
    if answer:
        text = readable(answer.text)
        shown = text if len(text) <= MAX_ANSWER_CHARS else text[:MAX_ANSWER_CHARS] + " …"
        out.print(Padding(Text(shown, style="dim"), (0, 2)))
        for match in answer.trace.given if answer.trace else ():
            row = Text.assemble(f"· {readable(match.passage.title)}", (f"  {match.score:.2f}  ", "dim"))
            out.print(Padding(row.append(readable(match.passage.url), style="dim"), (0, 2)))
    out.print()


def to_json(rated: Sequence[RatedAnswer]) -> list[dict[str, Any]]:
    """Return the rated answers as a JSON array."""
    return [_answer_json(each) for each in rated]


def _answer_json(rated: RatedAnswer) -> dict[str, Any]:
    question, answer = rated.stored.question, rated.stored.answer
    conversation = question.conversation
    return {
        "id": question.id,
        "at": rated.stored.at.isoformat(),
        "question": question.text,
        "platform": conversation.platform if conversation else None,
        "channel": conversation.channel if conversation else None,
        "asked_by": question.person.name or question.person.id if question.person else None,
        "answer": answer.text if answer else None,
        "sources": [footnote_document(footnote) for footnote in answer.footnotes] if answer else [],
        "passages": [
            {**match_document(match), "meaning": match.vector_score, "words": match.text_score}
            for match in (answer.trace.given if answer and answer.trace else ())
        ],
        "votes": [_vote_json(vote) for vote in rated.votes],
    }


def _vote_json(vote: Vote) -> dict[str, Any]:
    return {
        "by": vote.person.name or vote.person.id,
        "vote": vote.rating,
        "reason": vote.reason,
        "at": vote.at.isoformat(),
    }

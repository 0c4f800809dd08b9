"""Neutral values for an answer's sources and for “Why this answer?”; each adapter renders them in its own markup."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.domain import Answer, Footnote, ScoredPassage, StoredQuestion

USED_HEADING = "Answered from"
LEFT_OUT_HEADING = "Found but not used"

_STEPS = {"found": "found", "first_token": "first words", "total": "whole answer"}


@dataclass(frozen=True, slots=True)
class SourceList:
    """The sources of an answer, or the nearest posts; each has a mark such as `[1] `, or a bullet."""

    heading: str
    rows: tuple[tuple[str, Footnote], ...]


@dataclass(frozen=True, slots=True)
class AnswerDetails:
    """How an answer was made; `relevance` and `footer` are Markdown."""

    understood: str
    relevance: str
    used: tuple[ScoredPassage, ...]
    left_out: tuple[ScoredPassage, ...]
    footer: str


def sources_of(answer: Answer) -> SourceList:
    """Return the posts that an answer cites or, if it cites none, those that come closest."""
    if answer.footnotes:
        return SourceList("Sources", tuple((f"[{footnote.number}] ", footnote) for footnote in answer.footnotes))
    return SourceList("Nearest posts", tuple(("• ", footnote) for footnote in answer.nearest))


def answer_details(stored: StoredQuestion) -> AnswerDetails | None:
    """Return how a question was answered; None when it was not."""
    answer = stored.answer
    if answer is None or answer.trace is None:
        return None
    trace = answer.trace
    return AnswerDetails(
        understood=trace.understood,
        relevance=f"Relevance of the posts found: {trace.relevance:.0%}.",
        used=trace.given,
        left_out=trace.left_out,
        footer=f"{_timings(answer.timings_ms)} · {answer.tokens:,} tokens · `{stored.question.id}`",
    )


def score_text(match: ScoredPassage) -> str:
    """Return a passage's score and the two scores that it is made of."""
    return f"{match.score:.2f}: meaning {match.vector_score:.2f}, words {match.text_score:.2f}"


def fit_rows(rows: Sequence[str], max_chars: int, max_rows: int | None = None) -> list[str]:
    """Return as many whole rows as fit, and how many there are beyond."""
    kept: list[str] = []
    chars = 0
    for row in rows[:max_rows]:
        chars += len(row)
        if chars > max_chars:
            break
        kept.append(row)
    return kept if len(kept) == len(rows) else [*kept, f"… and {len(rows) - len(kept)} more"]


def _timings(timings_ms: dict[str, float]) -> str:
    steps = (f"{_STEPS.get(step, step)} after {ms / 1000:.2f} s" for step, ms in timings_ms.items())
    return ", ".join(steps).capitalize()

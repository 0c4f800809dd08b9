"""Neutral values for an answer's sources and for “Why this answer?”; each adapter renders them in its own markup."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.chat.texts import more_text
from core.dates import month_text
from core.domain import Answer, Footnote, ScoredPassage, StoredQuestion
from core.i18n import N_, gettext, ngettext, number

UNDERSTOOD_HEADING = N_("Understood as")
USED_HEADING = N_("Answered from")
LEFT_OUT_HEADING = N_("Found but not used")

MAX_QUOTE = 240
"""Characters of the best passage that explain an answer."""

_STEPS = {
    "found": N_("found after {seconds} s"),
    "first_token": N_("first words after {seconds} s"),
    "total": N_("whole answer after {seconds} s"),
}


@dataclass(frozen=True, slots=True)
class SourceList:
    """The sources of an answer, or the nearest posts; each has a mark such as `[1] `, or a bullet."""

    heading: str
    rows: tuple[tuple[str, Footnote], ...]


@dataclass(frozen=True, slots=True)
class AnswerDetails:
    """How an answer was made; `relevance`, `support` and `footer` are Markdown, and `support` may be empty."""

    understood: str
    relevance: str
    support: str
    used: tuple[ScoredPassage, ...]
    left_out: tuple[ScoredPassage, ...]
    footer: str


@dataclass(frozen=True, slots=True)
class AnswerSummary:
    """How an answer was made, for people: a sentence, and the best passage with its beginning.

    `understood` is the question as it was understood, empty if that is how it was asked.
    """

    sentence: str
    understood: str = ""
    best: ScoredPassage | None = None
    quote: str = ""


def answer_summary(stored: StoredQuestion) -> AnswerSummary | None:
    """Return in one sentence how a question was answered; None when it was not."""
    answer = stored.answer
    if answer is None or answer.trace is None:
        return None
    given, left_out, understood = answer.trace.given, answer.trace.left_out, answer.trace.understood
    best = next(iter((*given, *left_out)), None)
    if best is None:
        sentence = gettext("I found nothing about this in the posts.")
    elif given:
        posts = ngettext("{count} post", "{count} posts", len({hit.passage.url for hit in given}))
        passages = ngettext("{count} passage", "{count} passages", len(given))
        sentence = gettext("I read {passages} of {posts}. This one fits best:").format(passages=passages, posts=posts)
    else:
        sentence = gettext("No passage that I found answers this. This one comes closest:")
    return AnswerSummary(
        sentence=sentence,
        understood="" if understood == stored.question.text else understood,
        best=best,
        quote=_beginning(best.passage.text) if best else "",
    )


def _beginning(text: str) -> str:
    """Return the first words of a passage on one line."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_QUOTE else line[:MAX_QUOTE].rsplit(" ", 1)[0] + " …"


def sources_of(answer: Answer) -> SourceList:
    """Return the posts that an answer cites or, if it cites none, those that come closest."""
    if answer.footnotes:
        return SourceList(
            gettext("Sources"), tuple((f"[{footnote.number}] ", footnote) for footnote in answer.footnotes)
        )
    return SourceList(gettext("Nearest posts"), tuple(("• ", footnote) for footnote in answer.nearest))


def date_of(footnote: Footnote) -> str:
    """Return when a post was published, to be put after its title: " · March 2023"; empty if that is unknown."""
    return f" · {month_text(footnote.published)}" if footnote.published else ""


def answer_details(stored: StoredQuestion) -> AnswerDetails | None:
    """Return how a question was answered; None when it was not."""
    answer = stored.answer
    if answer is None or answer.trace is None:
        return None
    trace = answer.trace
    tokens = ngettext("{count} token", "{count} tokens", answer.tokens)
    return AnswerDetails(
        understood=trace.understood,
        relevance=gettext("Relevance of the posts found: {percent}%.").format(percent=round(100 * trace.relevance)),
        support=_support(answer),
        used=trace.given,
        left_out=trace.left_out,
        footer=" · ".join((_timings(answer.timings_ms), tokens, f"`{stored.question.id}`")),
    )


def _support(answer: Answer) -> str:
    """Return how far the posts support the statements in front of their footnotes."""
    checked = [
        f"[{footnote.number}] {round(100 * footnote.support)}%"
        for footnote in answer.footnotes
        if footnote.support is not None
    ]
    return gettext("Support from the posts cited: {footnotes}.").format(footnotes=", ".join(checked)) if checked else ""


def score_text(match: ScoredPassage) -> str:
    """Return a passage's score and the two scores that it is made of."""
    return gettext("{score}: meaning {meaning}, words {words}").format(
        score=number(match.score, 2), meaning=number(match.vector_score, 2), words=number(match.text_score, 2)
    )


def fit_rows(rows: Sequence[str], max_chars: int, max_rows: int | None = None) -> list[str]:
    """Return as many whole rows as fit, and how many there are beyond."""
    kept: list[str] = []
    chars = 0
    for row in rows[:max_rows]:
        chars += len(row)
        if chars > max_chars:
            break
        kept.append(row)
    return kept if len(kept) == len(rows) else [*kept, more_text(len(rows) - len(kept))]


def _timings(timings_ms: dict[str, float]) -> str:
    steps = [
        gettext(_STEPS[step]).format(seconds=number(ms / 1000, 2)) for step, ms in timings_ms.items() if step in _STEPS
    ]
    text = ", ".join(steps)
    return text[:1].upper() + text[1:]

"""Statistics of a period for admins: usage, ratings, costs, and the questions that the posts did not answer."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time

import structlog

from core.answering.channel_scope import Channels
from core.chat.texts import more_text
from core.domain import Rating
from core.errors import FootnotedError
from core.i18n import N_, gettext, ngettext, number
from core.models.prices import dollars
from core.models.protocols import Embedder
from core.retrieval.gaps import MAX_QUESTIONS, QuestionGap, find_gaps
from core.storage.feedback import Feedback
from core.storage.question_store import QuestionStore
from core.storage.statistics import Figures, Statistics, Unanswered

log = structlog.get_logger()

OUTCOMES = {
    "answered": N_("answered"),
    "not_in_posts": N_("not in the posts"),
    "failed": N_("failed"),
    "refused": N_("rate limited"),
    "stopped": N_("stopped"),
}
NO_GAPS = N_("There are no unanswered questions to show from the last {days} days.")
UNGROUPED = N_("The unanswered questions cannot be grouped right now. Please try again in a minute.")
MAX_GAPS = 5
MAX_REPORTED_GAPS = 20
MAX_QUESTION_CHARS = 150


@dataclass(frozen=True, slots=True)
class Overview:
    """Statistics of a period; `gaps` is None if the embedding model was not available to group them."""

    days: int
    figures: Figures
    ratings: Counter[Rating]
    gaps: list[QuestionGap] | None

    @property
    def asked(self) -> Counter[str]:
        """Questions by outcome, over all platforms."""
        return sum((Counter(outcomes) for outcomes in self.figures.questions.values()), Counter[str]())

    @property
    def cost(self) -> float:
        """Cost in dollars of the models whose price is known."""
        return sum(dollars(used.model, used.read, used.written) or 0.0 for used in self.figures.usage)

    @property
    def unpriced(self) -> list[str]:
        """Names of the models whose price is unknown."""
        return [used.model for used in self.figures.usage if dollars(used.model, used.read, used.written) is None]

    def stats_text(self) -> str:
        """Return the figures in Markdown."""
        asked = self.asked
        questions = ngettext("{count} question", "{count} questions", asked.total())
        head = gettext("Last {days} days: {questions}").format(days=self.days, questions=questions)
        lines = [f"**{head}**"]
        if counts := [
            f"{number(asked[outcome])} {gettext(name)}" for outcome, name in OUTCOMES.items() if asked[outcome]
        ]:
            lines.append(f"- {', '.join(counts)}")
        if self.ratings:
            votes = gettext("{up} 👍 and {down} 👎")
            up, down = number(self.ratings["up"]), number(self.ratings["down"])
            lines.append(f"- {votes.format(up=up, down=down)}")
        if self.cost:
            text = gettext("about ${dollars} for models, plus models at unknown prices")
            cost = text if self.unpriced else gettext("about ${dollars} for models")
            lines.append(f"- {cost.format(dollars=number(self.cost, 2))}")
        return "\n".join(lines)

    def gaps_text(self, limit: int = MAX_GAPS) -> str:
        """Return the unanswered questions in Markdown, or an empty string if there are none."""
        if not self.gaps:
            return ""
        head = gettext("**What to write about next**: questions the posts did not answer")
        return "\n".join([head, *_gap_rows(self.gaps, limit)])

    def gaps_report(self) -> str:
        """Return many unanswered questions in Markdown, or why there are none."""
        if self.gaps is None:
            return gettext(UNGROUPED)
        return self.gaps_text(MAX_REPORTED_GAPS) or gettext(NO_GAPS).format(days=self.days)


class Overviews:
    """Collects overviews from the stores."""

    def __init__(
        self,
        statistics: Statistics,
        questions: QuestionStore,
        feedback: Feedback,
        channels: Channels,
        embedder: Embedder,
    ) -> None:
        self._statistics = statistics
        self._questions = questions
        self._feedback = feedback
        self._channels = channels
        self._embedder = embedder

    async def collect(self, days: int, sources: frozenset[str] | None = None) -> Overview:
        """Return the statistics of the last `days`, including today, for a place that may know of `sources`.

        It gets no question that was asked where other sources may answer. Raises RedisError.
        """
        figures = await self._statistics.figures(days)
        since = datetime.combine(figures.since, time(), UTC)
        unanswered = await self._visible(await self._statistics.gaps(days, MAX_QUESTIONS), sources)
        gaps: list[QuestionGap] | None = None
        try:
            gaps = await find_gaps(self._embedder, unanswered)
        except FootnotedError as error:
            log.warning("question grouping failed", error_id=error.id, cause=str(error))
        return Overview(days, figures, await self._feedback.rating_counts(since), gaps)

    async def _visible(self, unanswered: list[Unanswered], sources: frozenset[str] | None) -> list[Unanswered]:
        if sources is None:
            return unanswered
        visible = []
        for gap in unanswered:
            stored = await self._questions.get(gap.question_id)
            allowed = self._channels.scope(stored.question.conversation).sources if stored else None
            if allowed is not None and allowed <= sources:
                visible.append(gap)
        return visible


def _gap_rows(gaps: list[QuestionGap], limit: int) -> Iterable[str]:
    for gap in gaps[:limit]:
        yield f"- {number(gap.count)}× `{_short(gap.question)}`"
    if len(gaps) > limit:
        yield f"- {more_text(len(gaps) - limit)}"


def _short(question: str) -> str:
    """Shorten for a code span, in which links, mentions and markup have no effect."""
    text = " ".join(question.replace("`", "'").split())
    return text if len(text) <= MAX_QUESTION_CHARS else text[: MAX_QUESTION_CHARS - 1] + "…"

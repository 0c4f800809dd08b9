"""How the bot did in the last days, for whoever runs it: `footnoted stats`."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

import structlog
from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from adapters.console import print_json, readable
from bot.app import Bot, create_bot
from bot.config.settings import Settings
from core.domain import Rating
from core.errors import FootnotedError
from core.models.prices import dollars
from core.retrieval.gaps import MAX_QUESTIONS, QuestionGap, find_gaps
from core.storage.statistics import Figures, Statistics

log = structlog.get_logger()

OUTCOMES = {
    "answered": "answered",
    "not_in_posts": "not in the posts",
    "failed": "failed",
    "refused": "over a limit",
    "stopped": "stopped",
}
STEPS = {
    "acknowledge": "acknowledged",
    "embed": "question embedded",
    "retrieve": "passages found",
    "first_token": "first word",
    "whole": "whole answer",
}
MOST_GAPS = 10
MOST_OTHERS = 2
"""Further wordings of a gap; `--json` prints all."""


@dataclass(frozen=True, slots=True)
class Overview:
    """Some days. `gaps` is None when they could not be grouped, because the embedding model does not answer."""

    days: int
    figures: Figures
    thumbs: Counter[Rating]
    gaps: list[QuestionGap] | None

    @property
    def asked(self) -> Counter[str]:
        """Outcomes of all platforms together."""
        return sum((Counter(outcomes) for outcomes in self.figures.questions.values()), Counter[str]())

    @property
    def cost(self) -> float:
        """Dollars, for the models whose price is known."""
        return sum(dollars(used.model, used.read, used.written) or 0.0 for used in self.figures.usage)

    @property
    def unpriced(self) -> list[str]:
        """The models whose price is not known."""
        return [used.model for used in self.figures.usage if dollars(used.model, used.read, used.written) is None]


def stats(settings: Settings, days: int, out: Console, json: bool = False) -> int:
    """Shows the last so many days, today among them."""
    seen = asyncio.run(_look(settings, days))
    if json:
        print_json(document(seen))
    else:
        show(seen, out)
    return 0


async def _look(settings: Settings, days: int) -> Overview:
    async with create_bot(settings) as bot:
        return await look(bot, days)


async def look(bot: Bot, days: int) -> Overview:
    """The last so many days, today among them. Raises RedisError."""
    statistics = Statistics(bot.redis)
    figures = await statistics.figures(days)
    since = datetime.combine(figures.since, time(), UTC)
    unanswered = await statistics.gaps(days, MAX_QUESTIONS)
    gaps: list[QuestionGap] | None = None
    try:
        gaps = await find_gaps(bot.embedder, unanswered)
    except FootnotedError as error:
        log.warning("questions could not be grouped", error_id=error.id, cause=str(error))
    return Overview(days, figures, await bot.feedback.rating_counts(since), gaps)


def show(seen: Overview, out: Console) -> None:
    """Questions, votes, times, tokens with their cost, and what the posts did not answer."""
    days = "Today" if seen.days == 1 else f"The last {seen.days} days, since {seen.figures.since}"
    total = seen.asked.total()
    if not total:
        out.print(f"{days} (UTC): nobody has asked anything.")
        return
    out.print(Text(f"{days} (UTC)", style="bold"))
    out.print(_questions(seen))
    out.print(Text(f"Votes: {seen.thumbs['up']} 👍, {seen.thumbs['down']} 👎"))
    if seen.figures.failures:
        kinds = sorted(seen.figures.failures.items(), key=lambda pair: -pair[1])
        out.print(Text("What failed: " + ", ".join(f"{count} {kind}" for kind, count in kinds), style="yellow"))
    out.print()
    if seen.figures.steps:
        out.print(_times(seen.figures), "", sep="\n")
    if seen.figures.usage:
        out.print(_usage(seen), "", sep="\n")
    _show_gaps(seen.gaps, out)


def _questions(seen: Overview) -> Table:
    shown = [outcome for outcome in OUTCOMES if seen.asked[outcome] or outcome in {"answered", "not_in_posts"}]
    table = _table("Questions", "asked", *(OUTCOMES[outcome] for outcome in shown))
    rows = sorted(seen.figures.questions.items(), key=lambda pair: -sum(pair[1].values()))
    for platform, outcomes in rows:
        counts = [outcomes.get(outcome, 0) for outcome in shown]
        table.add_row(readable(platform), f"{sum(outcomes.values()):,}", *(f"{count:,}" for count in counts))
    if len(rows) > 1:
        total = seen.asked.total()
        parts = (f"{seen.asked[outcome]:,}" for outcome in shown)
        table.add_row("together", f"{total:,}", *parts, style="bold")
    return table


def _times(figures: Figures) -> Table:
    table = _table("Time, slowest first", "times", "half within", "95 % within")
    for step in figures.steps:
        name = STEPS.get(step.step, step.step)
        table.add_row(name, f"{step.count:,}", _seconds(step.median), _seconds(step.p95))
    return table


def _usage(seen: Overview) -> Table:
    table = _table("Models", "tokens read", "written", "cost")
    for used in seen.figures.usage:
        price = dollars(used.model, used.read, used.written)
        cost = "not known" if price is None else f"${price:,.4f}"
        table.add_row(readable(used.model), f"{used.read:,}", f"{used.written:,}", cost)
    if len(seen.figures.usage) > 1:
        more = " and more" if seen.unpriced else ""
        table.add_row("together", "", "", f"${seen.cost:,.4f}{more}", style="bold")
    return table


def _show_gaps(gaps: list[QuestionGap] | None, out: Console) -> None:
    if gaps is None:
        out.print("The embedding model does not answer, so questions without an answer cannot be grouped now.")
        return
    if not gaps:
        out.print("The posts answered everything.")
        return
    out.print(Text("What to write about next: questions that the posts did not answer", style="bold"))
    for gap in gaps[:MOST_GAPS]:
        head = Text.assemble((f"{gap.count:4}× ", "bold cyan"), readable(gap.question))
        out.print(head.append(f"   last on {gap.last:%Y-%m-%d}", style="dim"))
        for other in gap.others[:MOST_OTHERS]:
            out.print(Padding(Text(readable(other), style="dim"), (0, 0, 0, 6)))
    if len(gaps) > MOST_GAPS:
        out.print(Text(f"      … and {len(gaps) - MOST_GAPS} more; --json prints all", style="dim"))


def _table(first: str, *others: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, header_style="bold", pad_edge=False)
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def document(seen: Overview) -> dict[str, Any]:
    """The same as one JSON document, whole. A cost of null is not known."""
    return {
        "days": seen.days,
        "since": seen.figures.since.isoformat(),
        "questions": {"asked": seen.asked.total(), **{outcome: seen.asked[outcome] for outcome in OUTCOMES}},
        "platforms": seen.figures.questions,
        "votes": {"up": seen.thumbs["up"], "down": seen.thumbs["down"]},
        "failures": seen.figures.failures,
        "steps": [
            {"step": step.step, "count": step.count, "median_seconds": step.median, "p95_seconds": step.p95}
            for step in seen.figures.steps
        ],
        "models": [
            {
                "model": used.model,
                "tokens_read": used.read,
                "tokens_written": used.written,
                "dollars": dollars(used.model, used.read, used.written),
            }
            for used in seen.figures.usage
        ],
        "dollars": seen.cost,
        "reindex_runs": seen.figures.runs,
        "gaps": None if seen.gaps is None else [_gap(gap) for gap in seen.gaps],
    }


def _gap(gap: QuestionGap) -> dict[str, Any]:
    return {
        "question": gap.question,
        "count": gap.count,
        "last": gap.last.isoformat(),
        "others": list(gap.others),
    }

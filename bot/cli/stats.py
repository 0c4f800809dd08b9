"""`footnoted stats`: usage, latency, costs and gaps, for operators."""

from typing import Any

import structlog
from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from adapters.console import print_json, readable
from bot.app import create_bot
from bot.cli.exit_codes import OK
from bot.config.settings import Settings
from core.chat.overview import OUTCOMES, Overview
from core.models.prices import dollars
from core.retrieval.gaps import QuestionGap
from core.storage.statistics import Figures

log = structlog.get_logger()

STEPS = {
    "acknowledge": "acknowledgement",
    "embed": "embedding",
    "retrieve": "retrieval",
    "first_token": "first word",
    "whole": "complete answer",
}
MAX_GAPS = 10
MAX_VARIANTS = 2
"""Other wordings shown of a gap; `--json` prints all."""


async def stats(settings: Settings, days: int, out: Console, json: bool = False) -> int:
    """Print the statistics of the last `days`, including today; return the exit code."""
    async with create_bot(settings) as bot:
        overview = await bot.overviews.collect(days)
    if json:
        print_json(overview_json(overview))
    else:
        show_overview(overview, out)
    return OK


def show_overview(overview: Overview, out: Console) -> None:
    """Print questions, ratings, latency, costs and gaps."""
    period = "Today" if overview.days == 1 else f"Last {overview.days} days, since {overview.figures.since}"
    total = overview.asked.total()
    if not total:
        out.print(f"{period} (UTC): no questions.")
        return
    out.print(Text(f"{period} (UTC)", style="bold"))
    out.print(_questions(overview))
    out.print(Text(f"Ratings: {overview.ratings['up']} 👍, {overview.ratings['down']} 👎"))
    if overview.figures.failures:
        kinds = sorted(overview.figures.failures.items(), key=lambda pair: -pair[1])
        out.print(Text("Failures: " + ", ".join(f"{count} {kind}" for kind, count in kinds), style="yellow"))
    out.print()
    if overview.figures.steps:
        out.print(_latency(overview.figures), "", sep="\n")
    if overview.figures.usage:
        out.print(_usage(overview), "", sep="\n")
    _show_gaps(overview.gaps, out)


def _questions(overview: Overview) -> Table:
    shown = [outcome for outcome in OUTCOMES if overview.asked[outcome] or outcome in {"answered", "not_in_posts"}]
    table = _table("Questions", "asked", *(OUTCOMES[outcome] for outcome in shown))
    rows = sorted(overview.figures.questions.items(), key=lambda pair: -sum(pair[1].values()))
    for platform, outcomes in rows:
        counts = [outcomes.get(outcome, 0) for outcome in shown]
        table.add_row(readable(platform), f"{sum(outcomes.values()):,}", *(f"{count:,}" for count in counts))
    if len(rows) > 1:
        total = overview.asked.total()
        parts = (f"{overview.asked[outcome]:,}" for outcome in shown)
        table.add_row("total", f"{total:,}", *parts, style="bold")
    return table


def _latency(figures: Figures) -> Table:
    table = _table("Latency, slowest first", "count", "p50", "p95")
    for step in figures.steps:
        name = STEPS.get(step.step, step.step)
        table.add_row(name, f"{step.count:,}", _seconds(step.median), _seconds(step.p95))
    return table


def _usage(overview: Overview) -> Table:
    table = _table("Models", "input tokens", "output tokens", "cost")
    for used in overview.figures.usage:
        price = dollars(used.model, used.read, used.written)
        cost = "unknown" if price is None else f"${price:,.4f}"
        table.add_row(readable(used.model), f"{used.read:,}", f"{used.written:,}", cost)
    if len(overview.figures.usage) > 1:
        more = " or more" if overview.unpriced else ""
        table.add_row("total", "", "", f"${overview.cost:,.4f}{more}", style="bold")
    return table


def _show_gaps(gaps: list[QuestionGap] | None, out: Console) -> None:
    if gaps is None:
        out.print("The embedding model is not available, so the unanswered questions cannot be grouped right now.")
        return
    if not gaps:
        out.print("The posts answered every question.")
        return
    out.print(Text("What to write about next: questions the posts did not answer", style="bold"))
    for gap in gaps[:MAX_GAPS]:
        head = Text.assemble((f"{gap.count:4}× ", "bold cyan"), readable(gap.question))
        out.print(head.append(f"   last asked {gap.last:%Y-%m-%d}", style="dim"))
        for other in gap.others[:MAX_VARIANTS]:
            out.print(Padding(Text(readable(other), style="dim"), (0, 0, 0, 6)))
    if len(gaps) > MAX_GAPS:
        out.print(Text(f"      … and {len(gaps) - MAX_GAPS} more; --json prints all", style="dim"))


def _table(first: str, *others: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, header_style="bold", pad_edge=False)
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def overview_json(overview: Overview) -> dict[str, Any]:
    """Return the overview as a JSON object; an unknown cost is null."""
    return {
        "days": overview.days,
        "since": overview.figures.since.isoformat(),
        "questions": {"asked": overview.asked.total(), **{outcome: overview.asked[outcome] for outcome in OUTCOMES}},
        "platforms": overview.figures.questions,
        "votes": {"up": overview.ratings["up"], "down": overview.ratings["down"]},
        "failures": overview.figures.failures,
        "steps": [
            {"step": step.step, "count": step.count, "median_seconds": step.median, "p95_seconds": step.p95}
            for step in overview.figures.steps
        ],
        "models": [
            {
                "model": used.model,
                "tokens_read": used.read,
                "tokens_written": used.written,
                "dollars": dollars(used.model, used.read, used.written),
            }
            for used in overview.figures.usage
        ],
        "dollars": overview.cost,
        "reindex_runs": overview.figures.runs,
        "gaps": None if overview.gaps is None else [_gap_json(gap) for gap in overview.gaps],
    }


def _gap_json(gap: QuestionGap) -> dict[str, Any]:
    return {
        "question": gap.question,
        "count": gap.count,
        "last": gap.last.isoformat(),
        "others": list(gap.others),
    }

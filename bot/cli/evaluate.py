"""`footnoted evaluate`: measure the bot on questions whose right posts are known."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from adapters.console import print_json, readable
from bot.app import Bot
from bot.cli.exit_codes import FAILED, OK, WORSE
from bot.evaluation.comparison import Comparison, QuestionChange, Value, compare
from bot.evaluation.examples import Example
from bot.evaluation.measurement import measure_answer, measure_search
from bot.evaluation.metrics import Metrics, by_language, by_turn, compute_metrics, metrics_document
from bot.evaluation.results import Result
from core.index.version import live_version

COLUMNS_PER_TABLE = 5
"""So that a table fits into 80 characters."""
MAX_CHANGES = 20
"""Changed questions that are printed; `--json` has all of them."""


@dataclass(frozen=True, slots=True)
class EvaluationOptions:
    """`answers` also asks for whole answers, `at_once` of them at a time. `before` are the results to compare with."""

    answers: bool = False
    at_once: int = 4
    save: Path | None = None
    before: Sequence[Result] | None = None
    json: bool = False


async def evaluate(
    bot: Bot, examples: Sequence[Example], options: EvaluationOptions, out: Console, err: Console
) -> int:
    """Measure the examples, print the metrics, and return the exit code."""
    results = await evaluate_all(bot, examples, options, err)
    if options.save:
        await asyncio.to_thread(write_results, options.save, results)
    comparison = None if options.before is None else compare(options.before, results)
    if options.json:
        compared = {"comparison": comparison.to_json()} if comparison else {}
        print_json(metrics_document(results) | compared)
    else:
        show_metrics(results, out)
        if comparison:
            show_comparison(comparison, out)
    await _warn(bot, examples, err)
    if any(result.answer and result.answer.error for result in results):
        return FAILED
    return WORSE if comparison and comparison.is_worse else OK


async def _warn(bot: Bot, examples: Sequence[Example], err: Console) -> None:
    """Warn of what makes the figures wrong: drafts, and right posts that are not indexed."""
    if drafts := sum(bool(example.draft) for example in examples):
        err.print(f"{drafts} of the questions are drafts. Check them, and remove the key draft.", style="yellow")
    version = await live_version(bot.redis)
    indexed = {url.rstrip("/") for url in await version.ledger()} if version else set()
    unknown = [url for example in examples for url in example.url if url.rstrip("/") not in indexed]
    if unknown:
        told = f"{len(unknown)} of the right posts are not indexed under their address, such as {readable(unknown[0])}."
        err.print(Text(told, style="yellow"), soft_wrap=True)


async def evaluate_all(bot: Bot, examples: Sequence[Example], options: EvaluationOptions, err: Console) -> list[Result]:
    """Ask all questions, with a progress bar: searches one after another, answers several at a time."""
    slots = asyncio.Semaphore(options.at_once if options.answers else 1)
    with Progress(console=err, auto_refresh=False, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("Evaluating", total=len(examples))

        async def measure(example: Example) -> Result:
            async with slots:
                result = await measure_search(bot, example)
                if options.answers:
                    result = result.model_copy(update={"answer": await measure_answer(bot, example)})
            progress.update(task, advance=1, refresh=True)
            return result

        async with asyncio.TaskGroup() as tasks:
            measured = [tasks.create_task(measure(example)) for example in examples]
    return [each.result() for each in measured]


def write_results(path: Path, results: Sequence[Result]) -> None:
    """Write one JSON line per question: what was found, the rank, and whether it was refused."""
    path.write_text("".join(f"{result.model_dump_json()}\n" for result in results), encoding="utf-8")


def show_metrics(results: Sequence[Result], out: Console) -> None:
    """Print the metrics of all results, of first questions and follow-ups, and of each language."""
    columns = {"all": results, **by_turn(results)}
    _show_columns({name: compute_metrics(group) for name, group in columns.items()}, out)
    languages = [(name, compute_metrics(group)) for name, group in by_language(results).items()]
    for start in range(0, len(languages), COLUMNS_PER_TABLE):
        out.print()
        _show_columns(dict(languages[start : start + COLUMNS_PER_TABLE]), out)


def show_comparison(comparison: Comparison, out: Console) -> None:
    """Print the metrics of both runs, how many questions got better or worse, and which."""
    out.print()
    before, now = comparison.before, comparison.after
    names = [name for name in dict.fromkeys((*before, *now)) if before.get(name) != now.get(name)]
    if names:
        columns = {"before": before, "now": now}
        _show_columns({title: {name: run.get(name) for name in names} for title, run in columns.items()}, out)
    counts = ", ".join(f"{comparison.count(verdict)} {verdict}" for verdict in ("better", "worse", "mixed"))
    out.print(f"\n{counts}, {comparison.unchanged} unchanged, {comparison.added} new, {comparison.removed} gone")
    for change in comparison.changed[:MAX_CHANGES]:
        _show_change(change, out)
    if len(comparison.changed) > MAX_CHANGES:
        out.print(Text(f"… and {len(comparison.changed) - MAX_CHANGES} more; --json prints all", style="dim"))


def _show_change(change: QuestionChange, out: Console) -> None:
    mark, style = {"worse": ("▼", "red"), "mixed": ("◆", "yellow"), "better": ("▲", "green")}[change.verdict]
    out.print(Text.assemble((f"{mark} ", style), readable(change.result.question)), soft_wrap=True)
    facts = (f"{each.figure} {_value(each.before)} → {_value(each.after)}" for each in change.changes)
    out.print(Text(f"  {', '.join(facts)}", style="dim"), soft_wrap=True)


def _show_columns(columns: Mapping[str, Metrics], out: Console) -> None:
    """Print a column per group, without the rows to which no question contributes."""
    table = Table("", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(readable(name.replace("_", " ")) or "none", justify="right")
    for name in dict.fromkeys(name for metrics in columns.values() for name in metrics):
        figures = [metrics.get(name) for metrics in columns.values()]
        if any(figure is not None for figure in figures):
            digits = 4 if name == "dollars" else 3
            table.add_row(name.replace("_", " "), *(_value(figure, digits) for figure in figures))
    out.print(table)


def _value(value: Value, digits: int = 3) -> str:
    if value is None:
        return "–"
    return f"{value:.{digits}f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value

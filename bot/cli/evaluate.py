"""`footnoted evaluate`: measure the bot on questions whose right posts are known."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table

from adapters.console import print_json, readable
from bot.app import Bot
from bot.evaluation.examples import Example
from bot.evaluation.metrics import Metrics, by_language, by_turn, compute_metrics, metrics_document
from bot.evaluation.results import Result, search

COLUMNS_PER_TABLE = 5
"""So that a table fits into 80 characters."""


async def evaluate(
    bot: Bot, examples: Sequence[Example], out: Console, err: Console, json: bool = False, save: Path | None = None
) -> None:
    """Measure retrieval on the examples and print the metrics; write each result to the file `save`."""
    results = await evaluate_all(bot, examples, err)
    if save:
        await asyncio.to_thread(write_results, save, results)
    if json:
        print_json(metrics_document(results))
    else:
        show_metrics(results, out)


async def evaluate_all(bot: Bot, examples: Sequence[Example], err: Console) -> list[Result]:
    """Search for each question in turn, with a progress bar."""
    tracked = track(examples, "Evaluating", auto_refresh=False, console=err, transient=True)
    return [await search(bot.retriever, example) for example in tracked]


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


def _show_columns(columns: Mapping[str, Metrics], out: Console) -> None:
    """Print a column per group, without the rows to which no question contributes."""
    table = Table("", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(readable(name.replace("_", " ")) or "none", justify="right")
    for name in next(iter(columns.values())):
        figures = [metrics[name] for metrics in columns.values()]
        if any(figure is not None for figure in figures):
            table.add_row(name.replace("_", " "), *map(_shown, figures))
    out.print(table)


def _shown(figure: float | int | None) -> str:
    return "–" if figure is None else f"{figure:.3f}" if isinstance(figure, float) else f"{figure:,}"

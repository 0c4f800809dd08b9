"""What the terminal shows while sources are read, and after."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from core.reindexing.progress import Progress as Counts
from core.reindexing.progress import Report
from core.reindexing.tally import Tell

MOST_FAILURES = 20


@contextmanager
def reading_bar(console: Console) -> Iterator[Tell]:
    """A progress bar for a run; the total is not known before all sources have been listed."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("posts · {task.fields[passages]} passages · {task.fields[failed]} failed"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Reading", total=None, passages=0, failed=0)

        def tell(counts: Counts) -> None:
            bar.update(
                task,
                completed=counts.done,
                total=None if counts.listing else counts.listed,
                passages=counts.embedded,
                failed=counts.failed,
            )

        yield tell


def show_report(console: Console, report: Report) -> None:
    """The counts of a run, and each thing that could not be read with its reason."""
    counts = report.progress
    table = Table.grid(padding=(0, 2))
    for name, count in (
        ("new", counts.new),
        ("changed", counts.changed),
        ("unchanged", counts.unchanged),
        ("removed", counts.removed),
        ("failed", len(report.failures)),
        ("passages embedded", counts.embedded),
    ):
        table.add_row(Text(name, style="dim"), str(count))
    console.print(table)
    console.print(Text(f"Read in {report.seconds:.1f} s" + (" into a new edition." if report.rebuilt else ".")))
    for failure in report.failures[:MOST_FAILURES]:
        console.print(Text.assemble(("  ✗ ", "yellow"), failure.address, (f"  {failure.reason}", "dim")))
    if len(report.failures) > MOST_FAILURES:
        console.print(Text(f"  … and {len(report.failures) - MOST_FAILURES} more", style="dim"))

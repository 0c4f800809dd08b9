"""What the terminal shows while sources are read, and after."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from adapters.console import readable
from core.chat.run_texts import OUTCOMES
from core.indexing.progress import Diff, PostTitle, Report
from core.indexing.progress import Progress as Counts
from core.indexing.run_events import ReindexRun
from core.indexing.run_status import AuditRecord

MOST_FAILURES = 20
MOST_TITLES = 10


@contextmanager
def reading_bar(console: Console) -> Iterator[Callable[[Counts], None]]:
    """A progress bar for a run; the total is not known before all sources have been listed."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("posts{task.fields[told]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Reading", total=None, told="")

        def tell(counts: Counts) -> None:
            bar.update(
                task, completed=counts.done, total=None if counts.listing else counts.listed, told=_beside_bar(counts)
            )

        yield tell


def _beside_bar(counts: Counts) -> str:
    """Short enough for a window of eighty columns."""
    told = [""]
    if counts.to_embed:
        told.append(f"embedded {counts.embedded:,}/{counts.to_embed:,}")
    if counts.failed:
        told.append(f"{counts.failed:,} failed")
    if counts.seconds_left is not None:
        told.append(f"{counts.seconds_left:.0f} s left")
    return " · ".join(told)


def show_report(console: Console, report: Report) -> None:
    """What came of a run: its counts, the titles of what has changed, and why things could not be read."""
    counts = report.progress
    rows = [
        ("new", counts.new),
        ("changed", counts.changed),
        ("unchanged", counts.unchanged),
        ("removed", counts.removed),
        ("failed", len(report.failures)),
        ("passages embedded", counts.embedded),
    ]
    if counts.embedded:
        rows.append(("tokens", counts.tokens))
    table = Table.grid(padding=(0, 2))
    for name, count in rows:
        table.add_row(Text(name, style="dim"), f"{count:,}")
    if report.outcome in {"unchanged", "cancelled"}:
        console.print(Text(OUTCOMES[report.outcome], style="bold"))
    console.print(table)
    show_diff(console, report.diff)
    for failure in report.failures[:MOST_FAILURES]:
        told = Text.assemble(("✗ ", "yellow"), readable(failure.address), (f"  {readable(failure.reason)}", "dim"))
        console.print(told, soft_wrap=True)
    if len(report.failures) > MOST_FAILURES:
        console.print(Text(f"… and {len(report.failures) - MOST_FAILURES:,} more that failed", style="dim"))
    console.print(Text(f"Read in {report.seconds:.1f} s" + (" into a new edition." if report.rebuilt else ".")))


def show_diff(console: Console, diff: Diff) -> None:
    """The titles of posts that are new, changed and removed, with their addresses."""
    _show_titles(console, "+", "green", diff.new)
    _show_titles(console, "~", "cyan", diff.changed)
    _show_titles(console, "-", "red", diff.removed)


def _show_titles(console: Console, sign: str, colour: str, posts: Sequence[PostTitle]) -> None:
    for post in posts[:MOST_TITLES]:
        title, url = readable(post.title) or readable(post.url), readable(post.url)
        console.print(Text.assemble((f"{sign} ", colour), title, (f"  {url}", "dim")), soft_wrap=True)
    if len(posts) > MOST_TITLES:
        console.print(Text(f"{sign} … and {len(posts) - MOST_TITLES:,} more", style=colour))


def show_history(console: Console, records: Sequence[AuditRecord], running: ReindexRun | None) -> None:
    """A line a run, the newest first."""
    if not records:
        console.print("Nothing has been read yet.")
        return
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("when (UTC)", "who", "what", "came of it"):
        table.add_column(name, overflow="fold")
    for record in records:
        run = record.run
        what = f"{record.action} {run.source}".strip()
        goes_on = running is not None and running.id == run.id
        table.add_row(f"{run.at:%Y-%m-%d %H:%M}", readable(run.by), readable(what), _outcome(record, goes_on))
    console.print(table)


def _outcome(record: AuditRecord, goes_on: bool) -> Text:
    if record.error:
        return Text(f"failed: {readable(record.error)}", style="yellow")
    if record.report is None:
        return Text("goes on") if goes_on else Text("broke off", style="yellow")
    counts = record.report.progress
    told = [
        f"{count:,} {name}"
        for name, count in (("new", counts.new), ("changed", counts.changed), ("removed", counts.removed))
        if count
    ]
    return Text(", ".join([record.report.outcome, *told]) + f" · {record.report.seconds:.1f} s")

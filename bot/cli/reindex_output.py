"""Terminal output of reindex runs: progress bar, report and history."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from adapters.console import readable
from core.chat.run_texts import OMISSIONS, OUTCOMES, omission_text
from core.indexing.progress import Diff, PostTitle, Report
from core.indexing.progress import Progress as Counts
from core.indexing.run_events import AuditRecord, ReindexRun

MAX_FAILURES = 20
MAX_TITLES = 10

LISTINGS = {"feed": "feed", "sitemap": "sitemap", "links": "links followed from"}
"""Where a site lists its posts."""


@contextmanager
def progress_bar(console: Console) -> Iterator[Callable[[Counts], None]]:
    """Show a progress bar; its total is unknown until all sources have been listed."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("posts{task.fields[details]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Reindexing", total=None, details="")

        def show_progress(counts: Counts) -> None:
            bar.update(
                task,
                completed=counts.done,
                total=None if counts.listing else counts.listed,
                details=_progress_details(counts),
            )

        yield show_progress


def _progress_details(counts: Counts) -> str:
    """Fit a terminal of 80 columns."""
    details = [""]
    if counts.to_embed:
        details.append(f"embedded {counts.embedded:,}/{counts.to_embed:,}")
    if counts.failed:
        details.append(f"{counts.failed:,} failed")
    if counts.seconds_left is not None:
        details.append(f"{counts.seconds_left:.0f} s left")
    return " · ".join(details)


def show_report(console: Console, report: Report) -> None:
    """Print the outcome of a run: counts, titles of changed posts, and failures."""
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
    for failure in report.failures[:MAX_FAILURES]:
        line = Text.assemble(("✗ ", "yellow"), readable(failure.address), (f"  {readable(failure.reason)}", "dim"))
        console.print(line, soft_wrap=True)
    if len(report.failures) > MAX_FAILURES:
        console.print(Text(f"… and {len(report.failures) - MAX_FAILURES:,} more failures", style="dim"))
    for listing in report.found:
        console.print(Text(f"found: {LISTINGS[listing.kind]} {readable(listing.address)}", style="dim"), soft_wrap=True)
    for omission in report.omissions:
        left_out = omission_text(omission, OMISSIONS[omission.reason])
        console.print(Text(f"left out: {readable(left_out)}", style="dim"), soft_wrap=True)
    console.print(Text(f"Done in {report.seconds:.1f} s" + (", with a new index." if report.rebuilt else ".")))


def show_diff(console: Console, diff: Diff) -> None:
    """Print the titles and addresses of new, changed and removed posts."""
    _show_titles(console, "+", "green", diff.new)
    _show_titles(console, "~", "cyan", diff.changed)
    _show_titles(console, "-", "red", diff.removed)


def _show_titles(console: Console, sign: str, colour: str, posts: Sequence[PostTitle]) -> None:
    for post in posts[:MAX_TITLES]:
        title, url = readable(post.title) or readable(post.url), readable(post.url)
        console.print(Text.assemble((f"{sign} ", colour), title, (f"  {url}", "dim")), soft_wrap=True)
    if len(posts) > MAX_TITLES:
        console.print(Text(f"{sign} … and {len(posts) - MAX_TITLES:,} more", style=colour))


def show_history(console: Console, records: Sequence[AuditRecord], running: ReindexRun | None) -> None:
    """Print one line per run, newest first."""
    if not records:
        console.print("There have been no runs yet.")
        return
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("when (UTC)", "by", "action", "result"):
        table.add_column(name, overflow="fold")
    for record in records:
        run = record.run
        action = f"{record.action} {run.source}".strip()
        in_progress = running is not None and running.id == run.id
        table.add_row(f"{run.at:%Y-%m-%d %H:%M}", readable(run.by), readable(action), _outcome(record, in_progress))
    console.print(table)


def _outcome(record: AuditRecord, in_progress: bool) -> Text:
    if record.error:
        return Text(f"failed: {readable(record.error)}", style="yellow")
    if record.report is None:
        return Text("in progress") if in_progress else Text("interrupted", style="yellow")
    counts = record.report.progress
    parts = [
        f"{count:,} {name}"
        for name, count in (("new", counts.new), ("changed", counts.changed), ("removed", counts.removed))
        if count
    ]
    return Text(", ".join([record.report.outcome, *parts]) + f" · {record.report.seconds:.1f} s")

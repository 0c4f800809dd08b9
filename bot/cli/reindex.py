"""`footnoted reindex`: a run as it goes on in the terminal, and what can be asked about runs."""

import getpass
from contextlib import aclosing
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.text import Text

from adapters.console import print_json, readable
from bot.cli.reindex_output import reading_bar, show_diff, show_history, show_report
from core.chat.run_texts import OUTCOMES, plan_text, started_text
from core.domain import Person
from core.indexing.options import ReindexOptions
from core.indexing.progress import Plan, Report
from core.indexing.reindexer import Reindexer
from core.indexing.run_events import RunEnded, RunPlanned, RunProgressed, RunStarted
from core.indexing.run_status import AuditRecord

SOME_FAILED = 1


def whoever_types() -> Person:
    """Whoever may run commands here may do all that admins may."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        name = "somebody"
    return Person(f"terminal:{name}", f"{name} in the terminal", admin=True)


async def reindex(reindexer: Reindexer, order: ReindexOptions, out: Console, err: Console, json: bool = False) -> int:
    """Carries out an order, or shows the run that goes on already; Ctrl-C stops what was started here. The exit code
    says whether all sources could be read. Raises what `Reindexer.reindex` raises."""
    plan, report = Plan(), None
    with reading_bar(err) as tell:
        async with aclosing(reindexer.reindex(order)) as events:
            async for event in events:
                match event:
                    case RunStarted(joined=True):
                        err.print(Text(started_text(event), style="dim"))
                    case RunStarted():
                        pass
                    case RunPlanned():
                        plan = event.plan
                        if not order.dry_run:
                            err.print(Text(plan_text(plan), style="dim"))
                    case RunProgressed():
                        tell(event.progress)
                    case RunEnded():
                        report = event.report
    assert report is not None, "every stream ends with `Ended`"
    if json:
        print_json(document(report, plan if order.dry_run else None))
    else:
        _show(report, plan, out)
    return SOME_FAILED if report.failed_sources else 0


async def rollback(reindexer: Reindexer, out: Console, json: bool = False) -> int:
    """One step back. Raises what `Reindexer.rollback` raises."""
    report = await reindexer.rollback(whoever_types())
    if json:
        print_json(document(report))
    else:
        out.print(Text(OUTCOMES["rolled back"], style="bold"))
        show_diff(out, report.diff)
        out.print(Text(f"{report.posts:,} posts, in {report.seconds:.3f} s.", style="dim"))
    return 0


async def cancel(reindexer: Reindexer, out: Console, json: bool = False) -> int:
    """Has the run that goes on stopped, in whatever process it is."""
    asked = await reindexer.cancel(whoever_types())
    if json:
        print_json({"cancelled": asked})
    else:
        out.print("The run stops now. What was embedded so far is kept." if asked else "No run goes on.")
    return 0


async def history(reindexer: Reindexer, out: Console, json: bool = False) -> int:
    """Who had the sources read, when, and what came of it."""
    records = await reindexer.history()
    if json:
        print_json([_told(record) for record in records])
    else:
        show_history(out, records, await reindexer.running())
    return 0


def document(report: Report, plan: Plan | None = None) -> dict[str, Any]:
    """A report for programs; `plan` is that of a dry run."""
    progress = report.progress
    counts = {name: getattr(progress, name) for name in ("new", "changed", "unchanged", "removed", "failed")}
    planned = {}
    if plan:
        effort = ("passages", "tokens", "dollars", "seconds", "model", "rebuilds")
        planned = {"plan": {name: getattr(plan, name) for name in effort}}
        counts |= {"new": plan.new, "changed": plan.changed, "removed": plan.removed}
    diff, failures = (plan.diff, plan.failures) if plan else (report.diff, report.failures)
    return {
        "outcome": report.outcome,
        **counts,
        "passages": progress.embedded,
        "tokens": progress.tokens if progress.embedded else 0,
        "posts": report.posts,
        "rebuilt": report.rebuilt,
        "diff": {name: [asdict(post) for post in getattr(diff, name)] for name in ("new", "changed", "removed")},
        "failures": [{"address": failure.address, "reason": failure.reason} for failure in failures],
        "seconds": round(report.seconds, 2),
        **planned,
    }


def _told(record: AuditRecord) -> dict[str, Any]:
    run = record.run
    return {
        "run": run.id,
        "what": record.action,
        "by": run.by,
        "source": run.source,
        "began": run.at.isoformat(timespec="seconds"),
        "ended": record.at.isoformat(timespec="seconds") if record.ended else None,
        "error": record.error,
        "report": document(record.report) if record.report else None,
    }


def _show(report: Report, plan: Plan, out: Console) -> None:
    if report.outcome == "planned":
        out.print(Text(OUTCOMES["planned"], style="bold"))
        out.print(Text(readable(plan_text(plan))))
        show_diff(out, plan.diff)
    else:
        show_report(out, report)

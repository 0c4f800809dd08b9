"""`footnoted reindex`: start, follow, cancel, roll back and list runs."""

import getpass
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.text import Text

from adapters.console import print_json, readable
from bot.cli.exit_codes import FAILED, OK
from bot.cli.reindex_output import progress_bar, show_diff, show_history, show_report
from core.chat.run_texts import OUTCOMES, plan_text, started_text
from core.domain import Person
from core.errors import PublicationRefusedError
from core.indexing.options import ReindexOptions
from core.indexing.progress import Diff, Failure, Plan, Progress, Report
from core.indexing.reindexer import Reindexer
from core.indexing.run_events import AuditRecord, ReindexEvent, RunEnded, RunPlanned, RunProgressed, RunStarted


def terminal_user() -> Person:
    """Return the user of the terminal, who counts as an admin."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        name = "someone"
    return Person(f"terminal:{name}", f"{name} in the terminal", admin=True)


async def reindex(reindexer: Reindexer, request: ReindexOptions, out: Console, err: Console, json: bool = False) -> int:
    """Start a run, or follow the one in progress; Ctrl-C cancels only a run started here.

    Return the exit code, FAILED if a source could not be read. Raises what `Reindexer.reindex` raises.
    """
    run = _FollowedRun(request, err)
    try:
        with progress_bar(err) as show_progress:
            async with aclosing(reindexer.reindex(request)) as events:
                async for event in events:
                    run.show(event, show_progress)
    except PublicationRefusedError as error:
        if json:
            print_json(refusal_json(error, run.plan))
        raise
    report = run.report
    assert report is not None, "every stream ends with `RunEnded`"
    if json:
        print_json(report_json(report, run.plan if request.dry_run else None))
    else:
        _show(report, run.plan, out)
    return FAILED if report.failed_sources else OK


class _FollowedRun:
    """Shows a run while it goes on, and keeps its plan and its report."""

    def __init__(self, request: ReindexOptions, err: Console) -> None:
        self._request = request
        self._err = err
        self.plan = Plan()
        self.report: Report | None = None

    def show(self, event: ReindexEvent, show_progress: Callable[[Progress], None]) -> None:
        match event:
            case RunStarted(joined=True):
                self._err.print(Text(started_text(event), style="dim"))
            case RunStarted():
                pass
            case RunPlanned():
                self.plan = event.plan
                if not self._request.dry_run and not self.plan.empty:
                    self._err.print(Text(plan_text(self.plan), style="dim"))
            case RunProgressed():
                show_progress(event.progress)
            case RunEnded():
                self.report = event.report


async def rollback(reindexer: Reindexer, out: Console, json: bool = False) -> int:
    """Restore the previous index version. Raises what `Reindexer.rollback` raises."""
    report = await reindexer.rollback(terminal_user())
    if json:
        print_json(report_json(report))
    else:
        out.print(Text(OUTCOMES["rolled back"], style="bold"))
        show_diff(out, report.diff)
        out.print(Text(f"{report.posts:,} posts, in {report.seconds:.3f} s.", style="dim"))
    return OK


async def cancel(reindexer: Reindexer, out: Console, json: bool = False) -> int:
    """Cancel the run in progress, in any process."""
    requested = await reindexer.cancel(terminal_user())
    if json:
        print_json({"cancelled": requested})
    else:
        out.print(
            "Cancelling the run. What has been embedded so far is kept." if requested else "No run is in progress."
        )
    return OK


async def history(reindexer: Reindexer, out: Console, json: bool = False) -> int:
    """List recent runs."""
    records = await reindexer.history()
    if json:
        print_json([_record_json(record) for record in records])
    else:
        show_history(out, records, await reindexer.running())
    return OK


def refusal_json(error: PublicationRefusedError, plan: Plan) -> dict[str, Any]:
    """Return a plan that was not published as a JSON object, like that of a report."""
    return {
        "outcome": "refused",
        **{name: getattr(plan, name) for name in ("new", "changed", "unchanged", "removed", "failed")},
        "error": error.user_message,
        "id": error.id,
        "diff": _diff_json(plan.diff),
        "failures": _failures_json(plan.failures),
    }


def report_json(report: Report, plan: Plan | None = None) -> dict[str, Any]:
    """Return a report as a JSON object; `plan` is that of a dry run."""
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
        "diff": _diff_json(diff),
        "failures": _failures_json(failures),
        "found": [asdict(listing) for listing in report.found],
        "left_out": [asdict(omission) for omission in report.omissions],
        "seconds": round(report.seconds, 2),
        **planned,
    }


def _diff_json(diff: Diff) -> dict[str, Any]:
    return {name: [asdict(post) for post in getattr(diff, name)] for name in ("new", "changed", "removed")}


def _failures_json(failures: tuple[Failure, ...]) -> list[dict[str, str]]:
    return [{"address": failure.address, "reason": failure.reason} for failure in failures]


def _record_json(record: AuditRecord) -> dict[str, Any]:
    run = record.run
    return {
        "run": run.id,
        "what": record.action,
        "by": run.by,
        "source": run.source,
        "began": run.at.isoformat(timespec="seconds"),
        "ended": record.at.isoformat(timespec="seconds") if record.ended else None,
        "error": record.error,
        "report": report_json(record.report) if record.report else None,
    }


def _show(report: Report, plan: Plan, out: Console) -> None:
    if report.outcome == "planned":
        out.print(Text(OUTCOMES["planned"], style="bold"))
        out.print(Text(readable(plan_text(plan))))
        show_diff(out, plan.diff)
    else:
        show_report(out, report)

"""Texts about a reindex run, in Markdown: its start, its progress and its outcome."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from core.indexing.progress import Diff, Failure, Plan, PostTitle, Progress, Report
from core.indexing.run_events import RunStarted

MAX_TITLES = 5
MAX_FAILURES = 5
MAX_TITLE_CHARS = 80
BAR_CHARS = 12

OUTCOMES = {
    "published": "The posts have been read.",
    "unchanged": "Nothing has changed.",
    "planned": "Nothing was written; this is what a run would do.",
    "cancelled": "Stopped. What has been embedded so far is kept for the next run.",
    "rolled back": "Rolled back to the previous posts.",
}


def started_text(started: RunStarted) -> str:
    """Return what is being read, for whom, and since when if it is another user's run."""
    run = started.run
    scope = f"the source “{run.source}”" if run.source else "all sources"
    if not started.joined:
        return f"Reading {scope} for {run.by}."
    return f"{run.by} started reading {scope} {_ago(datetime.now(UTC) - run.at)}; here is the progress."


def progress_text(progress: Progress) -> str:
    """Return one line of counts, with a bar once the number of posts is known."""
    total = "so far" if progress.listing else f"of {progress.listed:,}"
    bar = "" if progress.listing or not progress.listed else f"{_bar(progress.done / progress.listed)}  "
    parts = [f"{bar}read {progress.done:,} {total}", _counts(new=progress.new, changed=progress.changed)]
    if progress.to_embed:
        parts.append(f"embedded {progress.embedded:,} of {progress.to_embed:,} passages")
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    if progress.seconds_left is not None:
        parts.append(f"about {_duration(progress.seconds_left)} left")
    return " · ".join(part for part in parts if part)


def plan_text(plan: Plan) -> str:
    """Return the changes, cost and time of a run that has not begun to write."""
    if plan.empty:
        return "There is nothing to do: no post has changed."
    posts = _counts(new=plan.new, changed=plan.changed, gone=plan.removed, unchanged=plan.unchanged, failed=plan.failed)
    rebuild = " All posts are indexed again, for another embedding model." if plan.rebuilds else ""
    effort = f"{_number(plan.passages, 'passage')} to embed, {plan.tokens:,} tokens, {_price(plan.dollars)}"
    return f"{posts}; {effort}, in about {_duration(plan.seconds)}.{rebuild}"


def _price(dollars: float | None) -> str:
    if dollars is None:
        return "at an unknown price"
    if not dollars:
        return "at no cost"
    return f"for about ${dollars:,.2f}" if dollars >= 0.01 else "for less than a cent"


def report_text(report: Report, plan: Plan | None = None) -> str:
    """Return the outcome, the counts, and the titles that changed or failed; for a dry run, its `plan`."""
    counts = report.progress
    same = report.outcome == "published" and not (counts.new or counts.changed or counts.removed or report.rebuilt)
    outcome = OUTCOMES["unchanged" if same else report.outcome]
    parts = [f"**{outcome}**", _numbers(report, plan), *_diff(report.diff), *_failures(report.failures)]
    return "\n\n".join(part for part in parts if part)


def _numbers(report: Report, plan: Plan | None) -> str:
    if report.outcome == "rolled back":
        return ""
    if report.outcome == "planned":
        return plan_text(plan) if plan else ""
    counts = report.progress
    posts = _counts(
        new=counts.new,
        changed=counts.changed,
        removed=counts.removed,
        unchanged=counts.unchanged,
        failed=len(report.failures),
    )
    embedded = _number(counts.embedded, "passage")
    return f"{posts}; {embedded} embedded, {counts.tokens:,} tokens, {_duration(report.seconds)}."


def _diff(diff: Diff) -> Iterable[str]:
    yield _titles("New", diff.new)
    yield _titles("Changed", diff.changed)
    yield _titles("Removed", diff.removed)


def _titles(heading: str, posts: tuple[PostTitle, ...]) -> str:
    if not posts:
        return ""
    rows = [f"- {_short(post.title or post.url)}" for post in posts[:MAX_TITLES]]
    return "\n".join([f"**{heading}**", *rows, *_more(len(posts) - MAX_TITLES)])


def _failures(failures: tuple[Failure, ...]) -> Iterable[str]:
    if failures:
        rows = [f"- {_short(failure.address)}: {_short(failure.reason)}" for failure in failures[:MAX_FAILURES]]
        yield "\n".join(["**Failed**", *rows, *_more(len(failures) - MAX_FAILURES)])


def _more(count: int) -> list[str]:
    return [f"- … and {count:,} more"] if count > 0 else []


def _counts(**counts: int) -> str:
    """Return `3 new, 1 changed`, without the zeros."""
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _bar(share: float) -> str:
    full = round(min(max(share, 0.0), 1.0) * BAR_CHARS)
    return "▰" * full + "▱" * (BAR_CHARS - full)


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min"


def _ago(since: timedelta) -> str:
    return f"{_duration(since.total_seconds())} ago"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_TITLE_CHARS else text[: MAX_TITLE_CHARS - 1] + "…"

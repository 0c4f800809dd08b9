"""What chat platforms say about a run of reindexing, in Markdown: how it stands while it runs, and what came of it."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from core.indexing.progress import Diff, Failure, Plan, PostTitle, Progress, Report
from core.indexing.run_events import RunStarted

MOST_TITLES = 5
MOST_FAILURES = 5
LONGEST_TITLE = 80
WIDTH = 12
"""Signs of a bar."""

HOW_IT_ENDED = {
    "published": "The posts have been read.",
    "unchanged": "Nothing has changed.",
    "planned": "Nothing was written: this is what a run would do.",
    "cancelled": "Stopped. What was embedded so far is kept for the next run.",
    "rolled back": "I answer from the posts as they were before again.",
}


def began_text(began: RunStarted) -> str:
    """Who started which run, and when."""
    what = f"the source “{began.run.source}”" if began.run.source else "all sources"
    if not began.joined:
        return f"Reading {what} again, for {began.run.by}."
    return f"{began.run.by} started reading {what} {_ago(datetime.now(UTC) - began.run.at)}; this is how it goes."


def progress_text(progress: Progress) -> str:
    """How far a run is."""
    total = "so far" if progress.listing else f"of {progress.listed:,}"
    bar = "" if progress.listing or not progress.listed else f"{_bar(progress.done / progress.listed)}  "
    parts = [f"{bar}read {progress.done:,} {total}", _counts(new=progress.new, changed=progress.changed)]
    if progress.to_embed:
        parts.append(f"embedded {progress.embedded:,} of {progress.to_embed:,} passages")
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    if progress.seconds_left is not None:
        parts.append(f"about {_long(progress.seconds_left)} left")
    return " · ".join(part for part in parts if part)


def plan_text(plan: Plan) -> str:
    """What a run is about to do, or would do."""
    if plan.empty:
        return "There is nothing to do: no post has changed."
    posts = _counts(new=plan.new, changed=plan.changed, gone=plan.removed, unchanged=plan.unchanged, failed=plan.failed)
    again = " Everything is read into a new edition, for another embedding model." if plan.rebuilds else ""
    effort = f"{_number(plan.passages, 'passage')} to embed, {plan.tokens:,} tokens, {_price(plan.dollars)}"
    return f"{posts}; {effort}, in about {_long(plan.seconds)}.{again}"


def _price(dollars: float | None) -> str:
    if dollars is None:
        return "at a price that I do not know"
    if not dollars:
        return "at no cost"
    return f"for about ${dollars:,.2f}" if dollars >= 0.01 else "for less than a cent"


def report_text(report: Report, plan: Plan | None = None) -> str:
    """What came of a run: the counts, and the titles of what is new, changed and gone, and what failed. Of a dry run
    there is its `plan` to tell."""
    counts = report.progress
    posts = _counts(
        new=counts.new,
        changed=counts.changed,
        removed=counts.removed,
        unchanged=counts.unchanged,
        failed=len(report.failures),
    )
    numbers = (
        f"{posts}; {_number(counts.embedded, 'passage')} embedded, {counts.tokens:,} tokens, {_long(report.seconds)}."
    )
    same = report.outcome == "published" and not (counts.new or counts.changed or counts.removed or report.rebuilt)
    told = [
        f"**{HOW_IT_ENDED['unchanged' if same else report.outcome]}**",
        _planned(plan) if report.outcome == "planned" else numbers if report.outcome != "rolled back" else "",
    ]
    return "\n\n".join(part for part in [*told, *_diff(report.diff), *_failures(report.failures)] if part)


def _planned(plan: Plan | None) -> str:
    return plan_text(plan) if plan else ""


def _diff(diff: Diff) -> Iterable[str]:
    yield _titles("New", diff.new)
    yield _titles("Changed", diff.changed)
    yield _titles("Removed", diff.removed)


def _titles(head: str, posts: tuple[PostTitle, ...]) -> str:
    if not posts:
        return ""
    rows = [f"- {_short(post.title or post.url)}" for post in posts[:MOST_TITLES]]
    return "\n".join([f"**{head}**", *rows, *_more(len(posts) - MOST_TITLES)])


def _failures(failures: tuple[Failure, ...]) -> Iterable[str]:
    if failures:
        rows = [f"- {_short(failure.address)}: {_short(failure.reason)}" for failure in failures[:MOST_FAILURES]]
        yield "\n".join(["**Failed**", *rows, *_more(len(failures) - MOST_FAILURES)])


def _more(count: int) -> list[str]:
    return [f"- … and {count:,} more"] if count > 0 else []


def _counts(**counts: int) -> str:
    """`3 new, 1 changed`; what there is none of is left out."""
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _bar(share: float) -> str:
    full = round(min(max(share, 0.0), 1.0) * WIDTH)
    return "▰" * full + "▱" * (WIDTH - full)


def _long(seconds: float) -> str:
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min"


def _ago(since: timedelta) -> str:
    return f"{_long(since.total_seconds())} ago"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_TITLE else text[: LONGEST_TITLE - 1] + "…"

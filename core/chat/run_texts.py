"""Texts about reindex runs, in Markdown: their start, progress and outcome.

`sources` are those that the place may know of, None for all: no other one, nor a post of it, is named there.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from core.chat.texts import more_text
from core.domain import Omission, OmissionReason
from core.i18n import N_, gettext, ngettext, number
from core.indexing.progress import Diff, Failure, Plan, Progress, Report
from core.indexing.run_events import AuditRecord, RunStarted, RunStatus

MAX_TITLES = 5
MAX_FAILURES = 5
MAX_TITLE_CHARS = 80
BAR_CHARS = 12

OUTCOMES = {
    "published": N_("The posts have been read."),
    "unchanged": N_("Nothing has changed."),
    "planned": N_("Nothing was written; this is what a run would do."),
    "cancelled": N_("Stopped. What has been embedded so far is kept for the next run."),
    "rolled back": N_("Rolled back to the previous posts."),
}

OMISSIONS: dict[OmissionReason, str] = {
    "draft": N_("drafts: {count}"),
    "hidden": N_("hidden files and folders: {count}"),
    "underscored": N_("names that begin with an underscore: {count}"),
    "dependencies": N_("folders of dependencies: {count}"),
    "outside": N_("files outside the site's content: {count}"),
    "kind": N_("files of kinds that are not read: {count} ({kinds})"),
    "list": N_("pages that list other pages: {count}"),
    "elsewhere": N_("pages outside the site's address: {count}"),
    "attachment": N_("links to files: {count}"),
}


Sources = frozenset[str] | None

_STARTED = {
    "all": N_("Reading all sources for {person}."),
    "one": N_("Reading the source “{source}” for {person}."),
    "hidden": N_("Reading one source for {person}."),
}
_JOINED = {
    "all": N_("{person} started reading all sources {duration} ago; here is the progress."),
    "one": N_("{person} started reading the source “{source}” {duration} ago; here is the progress."),
    "hidden": N_("{person} started reading one source {duration} ago; here is the progress."),
}


def started_text(started: RunStarted, sources: Sources = None) -> str:
    """Return what is being read, for whom, and since when if it is another user's run."""
    run = started.run
    named = "all" if not run.source else "one" if _is_visible(run.source, sources) else "hidden"
    running_for = _duration((datetime.now(UTC) - run.at).total_seconds())
    text = gettext((_JOINED if started.joined else _STARTED)[named])
    return text.format(source=run.source, person=run.by, duration=running_for)


def status_text(status: RunStatus, sources: Sources = None) -> str:
    """Return what is being read, for whom, since when, and how far it is."""
    parts = [started_text(RunStarted(status.run, joined=True), sources)]
    if status.progress:
        parts.append(progress_text(status.progress))
    elif status.plan:
        parts.append(plan_text(status.plan))
    return "\n\n".join(parts)


def history_text(records: Sequence[AuditRecord], sources: Sources = None) -> str:
    """Return one line per run, newest first."""
    return "\n".join(_history_row(record, sources) for record in records) or gettext("No run is recorded yet.")


def _history_row(record: AuditRecord, sources: Sources) -> str:
    run, report = record.run, record.report
    source = f" “{run.source}”" if run.source and _is_visible(run.source, sources) else ""
    outcome = gettext(OUTCOMES[report.outcome]) if report else record.error or gettext("It has not ended.")
    counts = _report_counts(report) if report and report.outcome != "rolled back" else ""
    head = f"- {run.at:%Y-%m-%d %H:%M} UTC, {run.by}{source}: {outcome}"
    return f"{head} {counts}".rstrip()


def progress_text(progress: Progress) -> str:
    """Return one line of counts, with a bar once the number of posts is known."""
    read, known = number(progress.done), not progress.listing
    bar = f"{_bar(progress.done / progress.listed)}  " if known and progress.listed else ""
    done = gettext("read {done} of {total}") if known else gettext("read {done} so far")
    parts = [
        bar + done.format(done=read, total=number(progress.listed)),
        _counts(new=progress.new, changed=progress.changed),
    ]
    if progress.to_embed:
        embedded = gettext("embedded {done} of {total} passages")
        parts.append(embedded.format(done=number(progress.embedded), total=number(progress.to_embed)))
    parts.append(_counts(failed=progress.failed))
    if progress.seconds_left is not None:
        parts.append(gettext("about {duration} left").format(duration=_duration(progress.seconds_left)))
    return " · ".join(part for part in parts if part)


def plan_text(plan: Plan) -> str:
    """Return the changes, cost and time of a run that has not begun to write."""
    if plan.empty:
        return gettext("There is nothing to do: no post has changed.")
    text = gettext("{posts}; {passages} to embed, {tokens} tokens, {price}, in about {duration}.").format(
        posts=_counts(
            new=plan.new, changed=plan.changed, gone=plan.removed, unchanged=plan.unchanged, failed=plan.failed
        ),
        passages=_passages(plan.passages),
        tokens=number(plan.tokens),
        price=_price(plan.dollars),
        duration=_duration(plan.seconds),
    )
    rebuild = gettext("All posts are indexed again, for another embedding model.") if plan.rebuilds else ""
    return f"{text} {rebuild}".strip()


def _price(dollars: float | None) -> str:
    if dollars is None:
        return gettext("at an unknown price")
    if not dollars:
        return gettext("at no cost")
    if dollars < 0.01:
        return gettext("for less than a cent")
    return gettext("for about ${dollars}").format(dollars=number(dollars, 2))


def report_text(report: Report, plan: Plan | None = None, sources: Sources = None) -> str:
    """Return the outcome, the counts, and the titles that changed or failed; for a dry run, its `plan`."""
    counts = report.progress
    same = report.outcome == "published" and not (counts.new or counts.changed or counts.removed or report.rebuilt)
    outcome = OUTCOMES["unchanged" if same else report.outcome]
    parts = [f"**{gettext(outcome)}**", _numbers(report, plan), *_diff(report.diff, sources)]
    parts += [*_failures(report.failures, sources), *_omissions(report.omissions)]
    return "\n\n".join(part for part in parts if part)


def _numbers(report: Report, plan: Plan | None) -> str:
    if report.outcome == "rolled back":
        return ""
    if report.outcome == "planned":
        return plan_text(plan) if plan else ""
    counts = report.progress
    posts = _report_counts(report)
    return gettext("{posts}; {passages} embedded, {tokens} tokens, {duration}.").format(
        posts=posts,
        passages=_passages(counts.embedded),
        tokens=number(counts.tokens),
        duration=_duration(report.seconds),
    )


def _report_counts(report: Report) -> str:
    counts = report.progress
    return _counts(
        new=counts.new,
        changed=counts.changed,
        removed=counts.removed,
        unchanged=counts.unchanged,
        failed=len(report.failures),
    )


def _diff(diff: Diff, sources: Sources) -> Iterable[str]:
    for heading, posts in (
        (gettext("New"), diff.new),
        (gettext("Changed"), diff.changed),
        (gettext("Removed"), diff.removed),
    ):
        rows = [_short(post.title or post.url) for post in posts if _is_visible(post.source, sources)]
        yield _list(heading, rows[:MAX_TITLES], len(posts))


def _failures(failures: tuple[Failure, ...], sources: Sources) -> Iterable[str]:
    visible = [failure for failure in failures if _is_visible(failure.source, sources)]
    rows = [f"{_short(failure.address)}: {_short(failure.reason)}" for failure in visible[:MAX_FAILURES]]
    yield _list(gettext("Failed"), rows, len(failures))


def _list(heading: str, rows: Sequence[str], count: int) -> str:
    """Return a list of rows, and how many of all `count` it leaves out."""
    if not count:
        return ""
    rest = gettext("{count} in sources that are not shown here").format(count=number(count))
    more = [more_text(count - len(rows)) if rows else rest] if count > len(rows) else []
    return "\n".join([f"**{heading}**", *(f"- {row}" for row in (*rows, *more))])


def _is_visible(source: str, sources: Sources) -> bool:
    return sources is None or source in sources


def _omissions(omissions: tuple[Omission, ...]) -> Iterable[str]:
    if omissions:
        rows = [f"- {omission_text(omission, gettext(OMISSIONS[omission.reason]))}" for omission in omissions]
        heading = gettext("Left out")
        yield "\n".join([f"**{heading}**", *rows])


def omission_text(omission: Omission, template: str) -> str:
    """Return how much is left out for a reason, in the words of `OMISSIONS` or a translation of them."""
    return template.format(count=number(omission.count), kinds=", ".join(omission.kinds))


def _counts(
    new: int = 0, changed: int = 0, removed: int = 0, gone: int = 0, unchanged: int = 0, failed: int = 0
) -> str:
    """Return `3 new, 1 changed`, without the zeros."""
    texts = (
        (new, ngettext("{count} new", "{count} new", new)),
        (changed, ngettext("{count} changed", "{count} changed", changed)),
        (removed, ngettext("{count} removed", "{count} removed", removed)),
        (gone, ngettext("{count} gone", "{count} gone", gone)),
        (unchanged, ngettext("{count} unchanged", "{count} unchanged", unchanged)),
        (failed, ngettext("{count} failed", "{count} failed", failed)),
    )
    return ", ".join(text for count, text in texts if count)


def _passages(count: int) -> str:
    return ngettext("{count} passage", "{count} passages", count)


def _bar(share: float) -> str:
    full = round(min(max(share, 0.0), 1.0) * BAR_CHARS)
    return "▰" * full + "▱" * (BAR_CHARS - full)


def _duration(seconds: float) -> str:
    if seconds < 60:
        return gettext("{seconds} s").format(seconds=max(1, round(seconds)))
    return gettext("{minutes} min").format(minutes=number(round(seconds / 60)))


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_TITLE_CHARS else text[: MAX_TITLE_CHARS - 1] + "…"

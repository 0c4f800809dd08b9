"""Texts about a reindex run, in Markdown: its start, its progress and its outcome."""

from collections.abc import Iterable
from datetime import UTC, datetime

from core.chat.texts import more_text
from core.domain import Omission, OmissionReason
from core.i18n import N_, gettext, ngettext, number
from core.indexing.progress import Diff, Failure, Plan, PostTitle, Progress, Report
from core.indexing.run_events import RunStarted

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


def started_text(started: RunStarted) -> str:
    """Return what is being read, for whom, and since when if it is another user's run."""
    run = started.run
    if not started.joined:
        text = (
            gettext("Reading the source “{source}” for {person}.")
            if run.source
            else gettext("Reading all sources for {person}.")
        )
        return text.format(source=run.source, person=run.by)
    text = (
        gettext("{person} started reading the source “{source}” {duration} ago; here is the progress.")
        if run.source
        else gettext("{person} started reading all sources {duration} ago; here is the progress.")
    )
    running_for = _duration((datetime.now(UTC) - run.at).total_seconds())
    return text.format(source=run.source, person=run.by, duration=running_for)


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


def report_text(report: Report, plan: Plan | None = None) -> str:
    """Return the outcome, the counts, and the titles that changed or failed; for a dry run, its `plan`."""
    counts = report.progress
    same = report.outcome == "published" and not (counts.new or counts.changed or counts.removed or report.rebuilt)
    outcome = OUTCOMES["unchanged" if same else report.outcome]
    parts = [f"**{gettext(outcome)}**", _numbers(report, plan), *_diff(report.diff)]
    parts += [*_failures(report.failures), *_omissions(report.omissions)]
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
    return gettext("{posts}; {passages} embedded, {tokens} tokens, {duration}.").format(
        posts=posts,
        passages=_passages(counts.embedded),
        tokens=number(counts.tokens),
        duration=_duration(report.seconds),
    )


def _diff(diff: Diff) -> Iterable[str]:
    yield _titles(gettext("New"), diff.new)
    yield _titles(gettext("Changed"), diff.changed)
    yield _titles(gettext("Removed"), diff.removed)


def _titles(heading: str, posts: tuple[PostTitle, ...]) -> str:
    if not posts:
        return ""
    rows = [f"- {_short(post.title or post.url)}" for post in posts[:MAX_TITLES]]
    return "\n".join([f"**{heading}**", *rows, *_more(len(posts) - MAX_TITLES)])


def _failures(failures: tuple[Failure, ...]) -> Iterable[str]:
    if failures:
        rows = [f"- {_short(failure.address)}: {_short(failure.reason)}" for failure in failures[:MAX_FAILURES]]
        heading = gettext("Failed")
        yield "\n".join([f"**{heading}**", *rows, *_more(len(failures) - MAX_FAILURES)])


def _omissions(omissions: tuple[Omission, ...]) -> Iterable[str]:
    if omissions:
        rows = [f"- {omission_text(omission, gettext(OMISSIONS[omission.reason]))}" for omission in omissions]
        heading = gettext("Left out")
        yield "\n".join([f"**{heading}**", *rows])


def omission_text(omission: Omission, template: str) -> str:
    """Return how much is left out for a reason, in the words of `OMISSIONS` or a translation of them."""
    return template.format(count=number(omission.count), kinds=", ".join(omission.kinds))


def _more(count: int) -> list[str]:
    return [f"- {more_text(count)}"] if count > 0 else []


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

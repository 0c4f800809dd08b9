"""What chats say about a run of reindexing."""

from datetime import UTC, datetime, timedelta

import pytest

from core.chat.run_texts import plan_text, progress_text, report_text, started_text
from core.domain import Omission
from core.indexing.progress import Diff, Failure, Plan, PostTitle, Progress, Report
from core.indexing.run_events import ReindexRun, RunStarted


def test_a_started_run_says_which_sources_are_read() -> None:
    assert started_text(RunStarted(ReindexRun("1", "Ada", datetime.now(UTC)))) == "Reading all sources for Ada."
    assert "the source “blog”" in started_text(RunStarted(ReindexRun("1", "Ada", datetime.now(UTC), "blog")))


def test_a_joined_run_says_who_started_it_and_when() -> None:
    began = RunStarted(ReindexRun("1", "Ada", datetime.now(UTC) - timedelta(minutes=3)), joined=True)
    assert started_text(began) == "Ada started reading all sources 3 min ago; here is the progress."


@pytest.mark.parametrize(
    ("progress", "told"),
    [
        (Progress(listed=4, new=2), "read 2 so far · 2 new"),
        (Progress(listed=4, listing=False, new=1, unchanged=1), "▰▰▰▰▰▰▱▱▱▱▱▱  read 2 of 4 · 1 new"),
        (
            Progress(listed=2, listing=False, changed=1, failed=1, to_embed=9, embedded=3, seconds_left=75),
            "▰▰▰▰▰▰▰▰▰▰▰▰  read 2 of 2 · 1 changed · embedded 3 of 9 passages · 1 failed · about 1 min left",
        ),
    ],
)
def test_progress_says_how_far_the_run_is(progress: Progress, told: str) -> None:
    assert progress_text(progress) == told


def test_a_plan_says_what_the_run_would_cost() -> None:
    plan = Plan(new=3, unchanged=4, passages=25, tokens=8_100, dollars=0.00016, seconds=12)
    assert plan_text(plan) == (
        "3 new, 4 unchanged; 25 passages to embed, 8,100 tokens, for less than a cent, in about 12 s."
    )
    assert plan_text(Plan(unchanged=9)) == "There is nothing to do: no post has changed."
    assert "at an unknown price" in plan_text(Plan(new=1, passages=1))


def test_a_report_names_a_few_titles_and_counts_the_rest() -> None:
    titles = tuple(PostTitle(f"Post {number}", f"https://a/{number}") for number in range(7))
    report = Report(
        Progress(listed=9, listing=False, new=7, unchanged=1, failed=1, embedded=1, tokens=300),
        2.4,
        failures=(Failure("https://a/x", "it is gone"),),
        diff=Diff(new=titles),
        omissions=(Omission("draft", 2), Omission("kind", 1_003, (".png", ".xyz"))),
    )
    told = report_text(report)
    assert told.startswith(
        "**The posts have been read.**\n\n7 new, 1 unchanged, 1 failed; 1 passage embedded, 300 tokens"
    )
    assert "- Post 4\n- … and 2 more" in told
    assert "Post 5" not in told
    assert "- https://a/x: it is gone" in told
    assert told.endswith("**Left out**\n- drafts: 2\n- files of kinds that are not read: 1,003 (.png, .xyz)")


def test_reports_name_runs_without_changes_and_rollbacks() -> None:
    assert report_text(Report(Progress(listed=2, unchanged=2), 1.0)).startswith("**Nothing has changed.**")
    assert report_text(Report(Progress(), 0.1, outcome="rolled back")) == ("**Rolled back to the previous posts.**")

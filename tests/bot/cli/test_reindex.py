"""`footnoted reindex`: runs, dry runs, rollback, cancellation and history."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.bot.processes import start_bot
from tests.bot.running import invoke, invoke_in_thread, make_home
from tests.bot.terminal import CTRL_C, Typed
from tests.breaking.scene import until
from tests.servers.loopback import Status
from tests.servers.openai import OpenAIServer


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The garden blog, indexed; then a post was edited, one removed and one added."""
    folder = make_home(tmp_path)
    assert invoke(folder, "reindex").returncode == 0
    posts = folder / "posts"
    (posts / "bees.md").unlink()
    (posts / "compost.md").write_text("# Compost\n\nTurn the heap once a month.\n", encoding="utf-8")
    (posts / "ponds.md").write_text("# Ponds\n\nNewts come to a pond without fish.\n", encoding="utf-8")
    return folder


def reindexed(home: Path, *flags: str) -> dict[str, object]:
    done = invoke(home, "reindex", "--json", *flags)
    assert done.returncode == 0, done.stderr
    document: dict[str, object] = json.loads(done.stdout)
    return document


def counts(document: dict[str, object]) -> list[object]:
    return [document[name] for name in ("outcome", "new", "changed", "removed", "unchanged")]


def test_dry_run_predicts_the_run_and_changes_nothing(home: Path) -> None:
    planned = reindexed(home, "--dry-run")
    assert counts(planned) == ["planned", 1, 1, 1, 3]
    assert planned["passages"] == 0
    plan = planned["plan"]
    assert isinstance(plan, dict)
    assert (plan["passages"], plan["dollars"]) == (2, 0.0)
    shown = invoke(home, "reindex", "--dry-run").stdout
    assert "1 new, 1 changed, 1 gone, 3 unchanged; 2 passages to embed" in shown
    assert {"+ Ponds  garden/ponds.md", "~ Compost  garden/compost.md"} <= set(shown.splitlines())
    done = reindexed(home)
    assert counts(done) == ["published", 1, 1, 1, 3]
    assert (done["passages"], done["diff"]) == (2, planned["diff"])
    assert counts(reindexed(home, "--dry-run")) == ["planned", 0, 0, 0, 5]


def test_rollback_restores_the_previous_posts_and_is_listed_in_the_history(home: Path) -> None:
    reindexed(home)
    back = invoke(home, "reindex", "--rollback")
    assert back.returncode == 0
    assert {"- Ponds  garden/ponds.md", "+ Bees in winter  garden/bees.md"} <= set(back.stdout.splitlines())
    assert "garden/bees.md" in invoke(home, "search", "bees in winter").stdout
    again = invoke(home, "reindex", "--rollback")
    assert again.returncode == 1
    assert "There is nothing to roll back to" in again.stderr
    runs = json.loads(invoke(home, "reindex", "--history", "--json").stdout)
    assert [(run["what"], bool(run["error"])) for run in runs] == [
        ("rollback", True), ("rollback", False), ("reindex", False), ("reindex", False),
    ]  # fmt: skip
    assert "in the terminal" in runs[0]["by"]
    shown = invoke(home, "reindex", "--history").stdout
    assert "published, 1 new, 1 changed, 1 removed" in " ".join(shown.split())


def test_losing_most_posts_requires_force(home: Path) -> None:
    for post in (home / "posts").glob("*.md"):
        if post.name != "tomatoes.md":
            post.unlink()
    refused = invoke(home, "reindex")
    assert refused.returncode == 1
    assert "only 1 of 5 posts would be left; use `force`" in " ".join(refused.stderr.split())
    assert "garden/bees.md" in invoke(home, "search", "bees in winter").stdout
    forced = reindexed(home, "--force")
    assert (forced["removed"], forced["posts"]) == (4, 1)


def test_invalid_requests_are_rejected(home: Path) -> None:
    unknown = invoke(home, "reindex", "gardn")
    assert unknown.returncode == 1
    assert "There is no source called “gardn”. The sources are: garden." in unknown.stderr
    together = invoke(home, "reindex", "--rollback", "--force")
    assert together.returncode == 2
    assert "--rollback can only be combined with --json." in together.stderr
    assert invoke(home, "reindex", "--cancel").stdout == "No run is in progress.\n"


async def test_ctrl_c_or_another_process_cancels_a_run(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    async with OpenAIServer(delay=30) as slow:
        code = await asyncio.to_thread(interrupted, home, slow.base_url)
        outcome = await cancelled(home, slow)
    assert (code, outcome) == (130, "cancelled")


def interrupted(home: Path, address: str) -> int:
    """Cancel a run with Ctrl-C. Return its exit code."""
    with Typed(home, "reindex", OPENAI_BASE_URL=address) as window:
        window.read_until("Reindexing")
        window.type(CTRL_C)
        return window.exit_code()


async def cancelled(home: Path, slow: OpenAIServer) -> str:
    """Cancel a run from another process. Return its outcome."""
    before, output = len(slow.embeddings), home / "output"
    settings = {"OPENAI_BASE_URL": slow.base_url, "LOG_LEVEL": "error"}
    process = await start_bot(home, "reindex", "--json", output=output, settings=settings)
    await until(lambda: len(slow.embeddings) > before, told=output.read_text)
    done = await invoke_in_thread(home, "reindex", "--cancel")
    assert "Cancelling" in done.stdout
    await process.wait()
    text = output.read_text()
    return str(json.loads(text[text.index("{\n") :])["outcome"])


async def test_model_failure_is_reported_in_one_sentence(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    async with OpenAIServer() as model:
        model.enqueue_embedding(*[Status(401)] * 4)
        done = await invoke_in_thread(home, "reindex", OPENAI_BASE_URL=model.base_url)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "denied this bot access. Please tell the person who runs it" in done.stderr

"""The commands: their output and exit codes."""

import json
import os
import re
from contextlib import chdir
from contextvars import copy_context
from pathlib import Path
from unittest.mock import patch

import pytest

from bot.cli.main import app
from tests.adapters.garden import ASKED, OFF_TOPIC
from tests.bot.running import TOML, environment, invoke, invoke_in_thread, make_home
from tests.servers.loopback import Status
from tests.servers.openai import OpenAIServer, Text

NOTHING_LISTENS = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose posts have been indexed."""
    folder = make_home(tmp_path_factory.mktemp("home"))
    first = invoke(folder, "ask", ASKED)
    assert first.returncode == 0, first.stderr
    assert first.stderr.startswith("Reindexing first: the sources have not been read yet.\n")
    return folder


def test_a_question_is_answered_with_footnotes(home: Path) -> None:
    done = invoke(home, "ask", ASKED)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Water tomatoes early in the morning, at the root and never on the leaves. [1]" in done.stdout
    assert "\n[1] Growing tomatoes on a balcony — garden/tomatoes.md\n" in done.stdout


def test_json_output_is_a_single_document(home: Path) -> None:
    done = invoke(home, "ask", "--json", OFF_TOPIC)
    answer = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert list(answer) == ["answer", "grounded", "confidence", "sources", "nearest", "timings_ms"]
    assert (answer["grounded"], answer["sources"], len(answer["nearest"])) == (False, [], 2)


def test_search_lists_the_best_match_first(home: Path) -> None:
    found = json.loads(invoke(home, "search", "--json", "comfrey tea for tomatoes", "-k", "2").stdout)
    assert [set(post) for post in found] == [{"url", "title", "text", "score", "confidence"}] * 2
    assert found[0]["url"] == "garden/tomatoes.md"
    assert 1 >= found[0]["score"] >= found[1]["score"] >= 0
    shown = invoke(home, "search", "comfrey tea for tomatoes", "-k", "1").stdout
    assert shown.splitlines()[0].startswith(" 1. Growing tomatoes on a balcony")
    assert "garden/tomatoes.md" in shown
    assert "bees" not in shown


def test_reindex_embeds_only_changed_posts(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    counts = ("new", "changed", "unchanged", "removed", "passages")
    first = json.loads(invoke(home, "reindex", "--json").stdout)
    assert [first[name] for name in counts] == [5, 0, 0, 0, 5]
    (home / "posts" / "bees.md").unlink()
    (home / "posts" / "compost.md").write_text("# Compost\n\nTurn the heap once a month.\n", encoding="utf-8")
    again = json.loads(invoke(home, "reindex", "--json").stdout)
    assert [again[name] for name in counts] == [0, 1, 3, 1, 1]
    shown = invoke(home, "reindex")
    assert shown.returncode == 0
    assert {"unchanged": "4", "passages embedded": "0"}.items() <= table_of(shown.stdout).items()


def test_unreadable_source_fails_the_run_but_the_others_are_indexed(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    feed = f"{NOTHING_LISTENS}/feed"
    (home / "footnoted.toml").write_text(f'{TOML}\n[[sources]]\nname = "gone"\nfeed = "{feed}"\n', encoding="utf-8")
    done = invoke(home, "reindex", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert [failure["address"] for failure in report["failures"]] == [feed]
    assert report["failures"][0]["reason"]
    assert report["new"] == 5
    shown = invoke(home, "reindex")
    assert shown.returncode == 1
    assert f"✗ {feed}" in shown.stdout
    assert "Traceback" not in done.stderr + shown.stderr


def test_evaluate_measures_retrieval_on_a_file_of_questions(home: Path, tmp_path: Path) -> None:
    questions = tmp_path / "questions.jsonl"
    lines = [
        {"question": ASKED, "url": "garden/tomatoes.md", "answers": ["at the root"]},
        {"question": OFF_TOPIC, "kind": "off-topic", "url": "garden/lute.md", "draft": "log"},
    ]
    questions.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    done = invoke(home, "evaluate", str(questions), "--json", "--details", str(tmp_path / "details.jsonl"))
    figures = json.loads(done.stdout)
    assert done.returncode == 0
    assert (figures["questions"], figures["hit_at_1"], figures["answer_in_top_5"]) == (2, 1.0, 1.0)
    assert (figures["off_topic_refused"], figures["unanswerable_refused"]) == (1.0, None)
    details = [json.loads(line) for line in (tmp_path / "details.jsonl").read_text(encoding="utf-8").splitlines()]
    assert (details[0]["rank"], details[0]["found"][0], details[1]["refused"]) == (1, "garden/tomatoes.md", True)
    saved = str(tmp_path / "details.jsonl")
    again = invoke(home, "evaluate", str(questions), "--answers", "--compare", saved, MIN_SCORE="1")
    assert again.returncode == 3
    assert "0 better, 1 worse, 0 mixed, 1 unchanged, 0 new, 0 gone" in again.stdout
    assert "answerable answered" in again.stdout
    assert "1 of the questions are drafts" in again.stderr
    assert "1 of the right posts are not indexed under their address, such as garden/lute.md." in again.stderr
    questions.write_text('{"question": "fine"}\n\n{"query": "no question"}\n', encoding="utf-8")
    broken = invoke(home, "evaluate", str(questions))
    assert (broken.returncode, broken.stdout) == (2, "")
    assert f"{questions}, line 3: Field required." in broken.stderr


def test_all_invalid_settings_are_listed_at_once(tmp_path: Path) -> None:
    (tmp_path / "footnoted.toml").write_text('[[sources]]\nname = "lost"\nfolder = "nowhere"\n', encoding="utf-8")
    wrong = {"TOP_K": "many", "REDIS_URL": "localhost:6379", "AZURE_OPENAI_ENDPOINT": "https://azure.example"}
    for arguments in (["ask", "anything"], ["serve"], ["doctor"]):
        done = invoke(tmp_path, *arguments, **wrong)
        told = done.stdout + done.stderr
        assert done.returncode == 2
        for problem in (
            "TOP_K is invalid",
            "a Redis address begins with redis://",
            "AZURE_OPENAI_API_KEY and OPENAI_API_VERSION missing",
            "The folder of the source “lost” does not exist",
        ):
            assert problem in told
        assert "Traceback" not in told


def test_unreachable_redis_is_reported_without_the_password(home: Path) -> None:
    done = invoke(home, "ask", ASKED, REDIS_URL="redis://:sk-password@127.0.0.1:1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "✗" in done.stderr
    assert "REDIS_URL" in done.stderr
    assert "Traceback" not in done.stderr
    assert "sk-password" not in done.stderr


def test_unreachable_model_fails_the_question(tmp_path: Path) -> None:
    done = invoke(make_home(tmp_path), "ask", "--json", ASKED, OPENAI_BASE_URL=f"{NOTHING_LISTENS}/v1")
    assert done.returncode == 1
    assert "The language model cannot be reached right now" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


async def test_failed_question_is_one_sentence_with_an_id_and_no_key(tmp_path: Path) -> None:
    home, key = make_home(tmp_path), "my.odd.key"
    async with OpenAIServer() as model:
        access = {"OPENAI_BASE_URL": model.base_url, "OPENAI_API_KEY": key}
        model.enqueue(Text(f"Early in the morning [1]. My key is {key}."), Status(401, message=f"Wrong key: {key}"))
        answered = await invoke_in_thread(home, "ask", "--json", ASKED, **access)
        failed = await invoke_in_thread(home, "ask", ASKED, **access)
    assert json.loads(answered.stdout)["answer"] == "Early in the morning [1]. My key is [secret]."
    assert (failed.returncode, failed.stdout) == (1, "")
    told = " ".join(failed.stderr.split())
    assert re.fullmatch(r"The language model denied this bot access\. [^()]+\. \([0-9a-f]{8}\)", told)


@pytest.mark.parametrize(("flags", "level"), [([], "critical"), (["--verbose"], "info")])
def test_commands_show_their_log_only_with_verbose(home: Path, flags: list[str], level: str) -> None:
    with (
        chdir(home),
        patch.dict(os.environ, environment(), clear=True),
        patch("bot.cli.runner.set_up_logs", side_effect=SystemExit) as set_up,
        pytest.raises(SystemExit),
    ):
        copy_context().run(app, [*flags, "search", "bees"])
    assert set_up.call_args.args[0] == level


def table_of(shown: str) -> dict[str, str]:
    """Parse a table of names and numbers."""
    rows = (line.rsplit(maxsplit=1) for line in shown.splitlines() if line.strip())
    return {row[0].strip(): row[1] for row in rows if len(row) == 2}


def test_forget_counts_what_was_erased_and_rejects_invalid_users(home: Path) -> None:
    done = invoke(home, "forget", "--user", "slack:U0123456789")
    assert (done.returncode, done.stdout) == (0, "Nothing is stored about slack:U0123456789.\n")
    counted = json.loads(invoke(home, "forget", "--user", "discord:112233", "--json").stdout)
    assert counted == {"questions": 0, "turns": 0, "votes": 0}
    for invalid in ("U0123456789", "slack:", "web:tab"):
        refused = invoke(home, "forget", "--user", invalid)
        assert refused.returncode == 2
        assert "slack:U0123456789" in refused.stderr

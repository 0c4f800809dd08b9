"""The commands, as people and programs run them: what they print where, and with which exit code they end."""

import json
from pathlib import Path

import pytest

from tests.adapters.garden import ASKED, OFF_TOPIC
from tests.bot.running import TOML, footnoted, make_home

NOTHING_LISTENS = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose posts have been read."""
    folder = make_home(tmp_path_factory.mktemp("home"))
    first = footnoted(folder, "ask", ASKED)
    assert first.returncode == 0, first.stderr
    assert first.stderr.startswith("Reading the sources first: the sources have not been read yet.\n")
    return folder


def test_a_question_is_answered_with_footnotes(home: Path) -> None:
    done = footnoted(home, "ask", ASKED)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Water tomatoes early in the morning, at the root and never on the leaves. [1]" in done.stdout
    assert "\n[1] Growing tomatoes on a balcony — garden/tomatoes.md\n" in done.stdout


def test_programs_get_one_json_document_and_nothing_else(home: Path) -> None:
    done = footnoted(home, "ask", "--json", OFF_TOPIC)
    answer = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert list(answer) == ["answer", "grounded", "sources", "nearest", "timings_ms"]
    assert (answer["grounded"], answer["sources"], len(answer["nearest"])) == (False, [], 2)


def test_a_search_lists_the_best_posts_first(home: Path) -> None:
    found = json.loads(footnoted(home, "search", "--json", "comfrey tea for tomatoes", "-k", "2").stdout)
    assert [set(post) for post in found] == [{"url", "title", "text", "score"}] * 2
    assert found[0]["url"] == "garden/tomatoes.md"
    assert 1 >= found[0]["score"] >= found[1]["score"] >= 0
    shown = footnoted(home, "search", "comfrey tea for tomatoes", "-k", "1").stdout
    assert shown.splitlines()[0].startswith(" 1. Growing tomatoes on a balcony")
    assert "garden/tomatoes.md" in shown
    assert "bees" not in shown


def test_only_what_changed_is_embedded_again(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    counts = ("new", "changed", "unchanged", "removed", "passages")
    first = json.loads(footnoted(home, "reindex", "--json").stdout)
    assert [first[name] for name in counts] == [5, 0, 0, 0, 5]
    (home / "posts" / "bees.md").unlink()
    (home / "posts" / "compost.md").write_text("# Compost\n\nTurn the heap once a month.\n", encoding="utf-8")
    again = json.loads(footnoted(home, "reindex", "--json").stdout)
    assert [again[name] for name in counts] == [0, 1, 3, 1, 1]
    shown = footnoted(home, "reindex")
    assert shown.returncode == 0
    assert {"unchanged": "4", "passages embedded": "0"}.items() <= table_of(shown.stdout).items()


def test_a_source_that_cannot_be_read_is_named_and_fails_the_run(tmp_path: Path) -> None:
    """The posts of the other sources are read all the same."""
    home = make_home(tmp_path)
    feed = f"{NOTHING_LISTENS}/feed"
    (home / "footnoted.toml").write_text(f'{TOML}\n[[sources]]\nname = "gone"\nfeed = "{feed}"\n', encoding="utf-8")
    done = footnoted(home, "reindex", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert [failure["address"] for failure in report["failures"]] == [feed]
    assert report["failures"][0]["reason"]
    assert report["new"] == 5
    shown = footnoted(home, "reindex")
    assert shown.returncode == 1
    assert f"✗ {feed}" in shown.stdout
    assert "Traceback" not in done.stderr + shown.stderr


def test_retrieval_is_measured_on_a_file_of_questions(home: Path, tmp_path: Path) -> None:
    questions = tmp_path / "questions.jsonl"
    lines = [
        {"question": ASKED, "url": "garden/tomatoes.md", "answers": ["at the root"]},
        {"question": OFF_TOPIC, "kind": "off-topic"},
    ]
    questions.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    done = footnoted(home, "evaluate", str(questions), "--json", "--details", str(tmp_path / "details.jsonl"))
    figures = json.loads(done.stdout)
    assert done.returncode == 0
    assert (figures["questions"], figures["hit_at_1"], figures["answer_in_top_5"]) == (2, 1.0, 1.0)
    assert (figures["off_topic_refused"], figures["unanswerable_refused"]) == (1.0, None)
    details = [json.loads(line) for line in (tmp_path / "details.jsonl").read_text(encoding="utf-8").splitlines()]
    assert (details[0]["rank"], details[0]["found"][0], details[1]["refused"]) == (1, "garden/tomatoes.md", True)
    questions.write_text('{"question": "fine"}\n\n{"query": "no question"}\n', encoding="utf-8")
    broken = footnoted(home, "evaluate", str(questions))
    assert (broken.returncode, broken.stdout) == (2, "")
    assert f"{questions}, line 3: Field required." in broken.stderr


def test_wrong_settings_are_listed_all_at_once_each_with_its_cure(tmp_path: Path) -> None:
    (tmp_path / "footnoted.toml").write_text('[[sources]]\nname = "lost"\nfolder = "nowhere"\n', encoding="utf-8")
    wrong = {"TOP_K": "many", "REDIS_URL": "localhost:6379", "AZURE_OPENAI_ENDPOINT": "https://azure.example"}
    for arguments in (["ask", "anything"], ["serve"], ["doctor"]):
        done = footnoted(tmp_path, *arguments, **wrong)
        told = done.stdout + done.stderr
        assert done.returncode == 2
        for problem in (
            "TOP_K is invalid",
            "a Redis address begins with redis://",
            "AZURE_OPENAI_API_KEY and OPENAI_API_VERSION missing",
            "The folder of source “lost” is not there",
        ):
            assert problem in told
        assert "Traceback" not in told


def test_a_redis_that_is_not_there_is_told_in_a_sentence(home: Path) -> None:
    done = footnoted(home, "ask", ASKED, REDIS_URL="redis://:sk-password@127.0.0.1:1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "✗" in done.stderr
    assert "REDIS_URL" in done.stderr
    assert "Traceback" not in done.stderr
    assert "sk-password" not in done.stderr


def test_a_model_that_is_not_there_is_told_in_a_sentence(tmp_path: Path) -> None:
    """Programs get theirs as a document, too; both can tell by the exit code."""
    done = footnoted(make_home(tmp_path), "ask", "--json", ASKED, OPENAI_BASE_URL=f"{NOTHING_LISTENS}/v1")
    assert done.returncode == 1
    assert "The language model cannot be reached right now" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def table_of(shown: str) -> dict[str, str]:
    """The rows of a table of names and figures."""
    rows = (line.rsplit(maxsplit=1) for line in shown.splitlines() if line.strip())
    return {row[0].strip(): row[1] for row in rows if len(row) == 2}


def test_a_person_is_forgotten_and_who_is_none_is_told_so(home: Path) -> None:
    done = footnoted(home, "forget", "--user", "slack:U0123456789")
    assert (done.returncode, done.stdout) == (0, "Nothing is kept of slack:U0123456789.\n")
    counted = json.loads(footnoted(home, "forget", "--user", "discord:112233", "--json").stdout)
    assert counted == {"questions": 0, "turns": 0, "votes": 0}
    for nobody in ("U0123456789", "slack:", "web:tab"):
        refused = footnoted(home, "forget", "--user", nobody)
        assert refused.returncode == 2
        assert "slack:U0123456789" in refused.stderr

"""`footnoted evaluate`: its metrics, checked against values computed by hand, and its file of questions."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bot.app import Bot
from bot.cli.evaluate import EvaluationOptions, evaluate_all, write_results
from bot.config.loader import load_settings
from bot.config.settings import Settings
from bot.evaluation.examples import read_examples
from bot.evaluation.metrics import compute_metrics, metrics_document
from bot.evaluation.results import Result
from core.domain import Confidence
from core.errors import StartupError
from tests.adapters.conftest import unseen
from tests.adapters.garden import ASKED, FOLLOW_UP, OFF_TOPIC, write_posts
from tests.adapters.test_console import Terminal


def result(
    kind: str = "answerable",
    rank: int | None = None,
    confidence: Confidence = "sure",
    url: bool = True,
    found: bool | None = None,
    earlier: tuple[str, ...] = (),
    language: str = "",
) -> Result:
    example = {"question": "?", "kind": kind, "url": ["a"] if url else [], "earlier": earlier, "language": language}
    return Result.model_validate({**example, "confidence": confidence, "rank": rank, "answer_found": found})


@pytest.mark.parametrize(
    ("figure", "expected", "results"),
    [
        ("questions", 0, []),
        ("questions", 2, [result(), result("off-topic")]),
        ("hit_at_1", None, []),
        ("hit_at_1", 0.25, [result(rank=1), result(rank=2), result(rank=None), result(rank=6)]),
        ("hit_at_1", 1.0, [result(rank=1), result(url=False), result("off-topic"), result("unanswerable")]),
        ("hit_at_5", 0.6667, [result(rank=1), result(rank=5), result(rank=6)]),
        ("mrr_at_10", 0.32, [result(rank=1), result(rank=10), result(rank=11), result(rank=2), result(rank=None)]),
        ("answer_in_top_5", 0.5, [result(found=True), result(found=False), result(found=None)]),
        ("answer_in_top_5", None, [result(found=None)]),
        (
            "off_topic_refused",
            0.5,
            [result("off-topic", confidence="none"), result("off-topic"), result(confidence="none")],
        ),
        ("answerable_refused", 0.25, [result(confidence="none"), result(), result(), result()]),
        ("unanswerable_refused", 1.0, [result("unanswerable", confidence="none"), result()]),
        ("underspecified_unsure", 0.5, [result("underspecified", confidence="unsure"), result("underspecified")]),
    ],
)
def test_metric_has_the_value_computed_by_hand(figure: str, expected: float | None, results: list[Result]) -> None:
    assert compute_metrics(results)[figure] == expected


def test_metrics_are_broken_down_by_turn_and_language_where_they_differ() -> None:
    results = [result(rank=1, language="de"), result(rank=2, language="de", earlier=("Wann?",)), result(rank=2)]
    document = metrics_document(results)
    assert {name: group["hit_at_1"] for name, group in document["turns"].items()} == {
        "first_questions": 0.5,
        "follow_ups": 0.0,
    }
    assert {name: group["hit_at_1"] for name, group in document["languages"].items()} == {"": 0.0, "de": 0.5}
    alike = metrics_document(results[2:])
    assert alike["turns"] == alike["languages"] == {}


@pytest.fixture
def settings(redis_url: str, tmp_path: Path) -> Settings:
    folder = write_posts(tmp_path / "posts")
    return load_settings(redis_url=redis_url, sources=[{"name": "garden", "folder": folder}])


async def test_urls_and_answers_match_despite_slashes_case_and_markdown(bot: Bot, tmp_path: Path) -> None:
    await bot.reindex(unseen)
    lines: list[dict[str, Any]] = [
        {"question": ASKED, "url": "garden/tomatoes.md/", "answers": ["EARLY in the  *morning*"], "extra": 1},
        {"question": ASKED, "url": ["garden/else.md", "garden/tomatoes.md"], "answers": ["at noon", "at the root"]},
        {"question": ASKED, "url": "garden/else.md", "answers": ["at noon"]},
        {"question": FOLLOW_UP, "url": "garden/tomatoes.md", "earlier": ["What about bees?", ASKED]},
        {"question": OFF_TOPIC, "kind": "off-topic"},
    ]
    file = tmp_path / "questions.jsonl"
    file.write_text("\n\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    examples = await asyncio.to_thread(read_examples, file)
    results = await evaluate_all(bot, examples, EvaluationOptions(), Terminal(False).console)
    assert [found.rank for found in results] == [1, 1, None, 1, None]
    assert [found.answer_found for found in results] == [True, True, False, None, None]
    assert [found.confidence for found in results] == [*["sure"] * 3, "unsure", "none"]
    await asyncio.to_thread(write_results, tmp_path / "details.jsonl", results)
    details = [json.loads(line) for line in (tmp_path / "details.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [detail["question"] for detail in details] == [line["question"] for line in lines]
    assert details[4]["refused"] is True
    assert details[0]["found"][0] == "garden/tomatoes.md"


@pytest.mark.parametrize("line", ["{", "[]", '"text"', "{}", '{"question": 1}', '{"question": "a", "kind": "other"}'])
def test_invalid_lines_are_reported_with_their_numbers(tmp_path: Path, line: str) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text(f'{{"question": "fine"}}\n\n{line}\n{{"question": "fine"}}\n{line}\n', encoding="utf-8")
    with pytest.raises(StartupError) as refused:
        read_examples(file)
    assert [problem.what.split(":")[0] for problem in refused.value.problems] == [f"{file}, line 3", f"{file}, line 5"]


def test_file_is_split_at_newlines_only_and_must_be_utf8(tmp_path: Path) -> None:
    """U+2028 and U+0085 end lines elsewhere, but are allowed within a question."""
    file = tmp_path / "questions.jsonl"
    file.write_bytes('{"question": "one\u2028\x85two"}\r\n{"question": "three"}'.encode())
    assert [example.question for example in read_examples(file)] == ["one\u2028\x85two", "three"]
    file.write_bytes('{"question": "größer"}'.encode("latin-1"))
    with pytest.raises(StartupError, match="not encoded in UTF-8"):
        read_examples(file)

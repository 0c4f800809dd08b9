"""The difference between two runs, and what of an answer is measured."""

from typing import Any

import pytest

from bot.evaluation.comparison import compare
from bot.evaluation.examples import Example
from bot.evaluation.measurement import judge_answer, token_f1
from bot.evaluation.metrics import compute_metrics
from bot.evaluation.results import AnswerResult, Result
from core.domain import Answer, Footnote

FOOTNOTE = Footnote(1, "Watering", "https://example.org/watering/", 0.9, support=0.75)


def result(question: str = "When?", answer: dict[str, Any] | None = None, **given: Any) -> Result:
    return Result.model_validate({"question": question, "url": ["a"], "rank": 1, "answer": answer, **given})


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ({"rank": 3}, {"rank": 1}, [("rank", 3, 1, True)]),
        ({"rank": 1}, {"rank": None}, [("rank", 1, None, False)]),
        ({"rank": 11}, {"rank": None}, []),
        ({"answer_found": True}, {"answer_found": False}, [("answer found", "yes", "no", False)]),
        ({"confidence": "unsure"}, {"confidence": "sure"}, [("confidence", "unsure", "sure", True)]),
        (
            {"kind": "off-topic", "confidence": "none"},
            {"kind": "off-topic", "confidence": "unsure"},
            [("confidence", "none", "unsure", False)],
        ),
        ({"kind": "underspecified"}, {"kind": "underspecified", "confidence": "none"}, []),
        ({"answer": {"support": 0.5}}, {"answer": {"support": 0.7}}, [("support", 0.5, 0.7, True)]),
        ({"answer": {"overlap": 0.5}}, {"answer": {"overlap": 0.45}}, []),
        ({"answer": {"answered": True}}, {"answer": {"error": "down"}}, [("failed", "no", "yes", False)]),
        (
            {"kind": "unanswerable", "answer": {"answered": True}},
            {"kind": "unanswerable", "answer": {"answered": False}},
            [("answered", "yes", "no", True)],
        ),
        ({"answer": {"answered": True}}, {}, []),
    ],
)
def test_change_of_a_question_is_judged_by_its_kind(
    before: dict[str, Any], after: dict[str, Any], changes: list[tuple[Any, ...]]
) -> None:
    compared = compare([result(**before)], [result(**after)])
    shown = [(one.figure, one.before, one.after, one.better) for each in compared.changed for one in each.changes]
    assert shown == changes
    assert compared.unchanged == (0 if changes else 1)


def test_runs_are_compared_over_the_questions_that_both_have() -> None:
    before = [result("one", rank=1), result("two", rank=2), result("two", earlier=("one",)), result("gone")]
    after = [
        result("one", rank=2),
        result("two", rank=1),
        result("two", earlier=("one",), rank=4, answer_found=None),
        result("new"),
    ]
    compared = compare(before, after)
    assert [each.verdict for each in compared.changed] == ["worse", "worse", "better"]
    assert (compared.unchanged, compared.added, compared.removed, compared.is_worse) == (0, 1, 1, True)
    assert (compared.before["questions"], compared.after["hit_at_1"]) == (3, 0.3333)
    document = compared.to_json()
    assert (document["worse"], document["better"], document["questions"][1]["earlier"]) == (2, 1, ("one",))


def test_question_that_got_better_and_worse_is_mixed_and_does_not_decide() -> None:
    compared = compare([result(confidence="unsure")], [result(rank=2)])
    assert [each.verdict for each in compared.changed] == ["mixed"]
    assert not compared.is_worse


@pytest.mark.parametrize(
    ("text", "reference", "expected"),
    [
        ("Water them in the morning [1].", "water them in the morning", 1.0),
        ("Water daily [1].", "Water them daily at noon", 0.5714),
        ("ＡＢＣ", "abc", 1.0),
        ("朝に水をやる", "朝に水をまく", 0.6),
        ("No.", "Yes.", 0.0),
        ("", "", 0.0),
    ],
)
def test_overlap_counts_shared_words_without_footnotes(text: str, reference: str, expected: float) -> None:
    assert token_f1(text, reference) == expected


def test_answer_is_judged_by_the_post_it_cites_and_its_price() -> None:
    example = Example(question="When?", url=("https://example.org/watering",), reference="In the morning")
    answer = Answer("In the morning [1].", True, (FOOTNOTE,), tokens=1_100, output_tokens=100, model="gpt-5.4-mini")
    judged = judge_answer(example, answer, 1.23456)
    assert (judged.answered, judged.right_post_cited, judged.overlap, judged.seconds) == (True, True, 1.0, 1.235)
    assert (judged.input_tokens, judged.output_tokens, judged.support) == (1_000, 100, 0.75)
    assert judged.dollars
    refusal = judge_answer(example, Answer("No.", False), 0.1)
    assert (refusal.answered, refusal.right_post_cited, refusal.dollars) == (False, None, 0.0)
    elsewhere = judge_answer(example.model_copy(update={"url": ("b",)}), answer, 1.0)
    assert elsewhere.right_post_cited is False


def test_metrics_of_answers_leave_out_what_failed() -> None:
    answers: list[dict[str, Any]] = [
        {"answered": True, "seconds": 1.0, "dollars": 0.5, "support": 0.8, "input_tokens": 10},
        {"answered": False, "seconds": 3.0, "dollars": 0.25},
        {"error": "down", "seconds": 60.0},
    ]
    metrics = compute_metrics([result(answer=answer) for answer in answers])
    assert (metrics["answerable_answered"], metrics["failed"], metrics["citation_support"]) == (0.5, 1, 0.8)
    assert (metrics["seconds_p50"], metrics["seconds_p95"], metrics["dollars"]) == (1.0, 3.0, 0.75)
    assert metrics["input_tokens"] == 10
    unpriced = AnswerResult(answered=True)
    assert compute_metrics([result(answer=unpriced.model_dump())])["dollars"] is None
    assert "failed" not in compute_metrics([result()])

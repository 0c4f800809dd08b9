"""The difference between two runs over the same questions, question by question."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from bot.evaluation.metrics import Metrics, compute_metrics
from bot.evaluation.results import AnswerResult, Result

Verdict = Literal["worse", "mixed", "better"]
Value = str | float | None

TOLERANCE = 0.1
"""Models word an answer differently each time: smaller changes of support and overlap are not counted."""

_SURE = {"none": 0.0, "unsure": 1.0, "sure": 2.0}


@dataclass(frozen=True, slots=True)
class Change:
    """A figure of one question that differs between two runs."""

    figure: str
    before: Value
    after: Value
    better: bool


@dataclass(frozen=True, slots=True)
class QuestionChange:
    """All changes of one question; `result` is the new one."""

    result: Result
    changes: tuple[Change, ...]

    @property
    def verdict(self) -> Verdict:
        """Whether all changes point the same way."""
        directions = {change.better for change in self.changes}
        return "mixed" if len(directions) > 1 else "better" if True in directions else "worse"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs. The metrics cover the questions of both; `added` and `removed` count the others."""

    changed: tuple[QuestionChange, ...]
    unchanged: int
    added: int
    removed: int
    before: Metrics
    after: Metrics

    def count(self, verdict: Verdict) -> int:
        return Counter(change.verdict for change in self.changed)[verdict]

    @property
    def is_worse(self) -> bool:
        """Whether more questions got worse than better."""
        return self.count("worse") > self.count("better")

    def to_json(self) -> dict[str, Any]:
        return {
            "better": self.count("better"),
            "worse": self.count("worse"),
            "mixed": self.count("mixed"),
            "unchanged": self.unchanged,
            "added": self.added,
            "removed": self.removed,
            "before": self.before,
            "after": self.after,
            "questions": [
                {
                    "question": each.result.question,
                    "earlier": each.result.earlier,
                    "verdict": each.verdict,
                    "changes": [asdict(change) for change in each.changes],
                }
                for each in self.changed
            ],
        }


def compare(before: Sequence[Result], after: Sequence[Result]) -> Comparison:
    """Compare two runs; questions are the same if they and the ones before them have the same words."""
    old = {(result.question, result.earlier): result for result in before}
    new = {(result.question, result.earlier): result for result in after}
    pairs = [(old[key], result) for key, result in new.items() if key in old]
    changes = [QuestionChange(now, _changes(then, now)) for then, now in pairs]
    changed = tuple(change for change in changes if change.changes)
    return Comparison(
        changed=tuple(sorted(changed, key=lambda change: ("worse", "mixed", "better").index(change.verdict))),
        unchanged=len(pairs) - len(changed),
        added=len(new) - len(pairs),
        removed=len(old) - len(pairs),
        before=compute_metrics([then for then, _ in pairs]),
        after=compute_metrics([now for _, now in pairs]),
    )


def _changes(before: Result, after: Result) -> tuple[Change, ...]:
    judged = after.kind != "underspecified"
    asked_for = after.kind == "answerable"
    changes = []
    if asked_for:
        changes.append(_change("rank", before.rank, after.rank, after.reciprocal_rank - before.reciprocal_rank))
        changes.append(_change("answer found", *_yes_or_no(before.answer_found, after.answer_found)))
    if judged:
        surer = _SURE[after.confidence] - _SURE[before.confidence]
        changes.append(_change("confidence", before.confidence, after.confidence, surer if asked_for else -surer))
    if before.answer and after.answer:
        changes += _answer_changes(before.answer, after.answer, asked_for)
    return tuple(change for change in changes if change)


def _answer_changes(before: AnswerResult, after: AnswerResult, asked_for: bool) -> list[Change | None]:
    if before.error or after.error:
        return [_change("failed", *_yes_or_no(bool(before.error), bool(after.error), good=False))]
    return [
        _change("answered", *_yes_or_no(before.answered, after.answered, good=asked_for)),
        _change("right post cited", *_yes_or_no(before.right_post_cited, after.right_post_cited)),
        *(
            _change(name, then, now, now - then)
            for name, then, now in (
                ("support", before.support, after.support),
                ("overlap", before.overlap, after.overlap),
            )
            if then is not None and now is not None and abs(now - then) >= TOLERANCE
        ),
    ]


def _change(figure: str, before: Value, after: Value, gain: float) -> Change | None:
    return Change(figure, before, after, gain > 0) if gain else None


def _yes_or_no(before: bool | None, after: bool | None, good: bool = True) -> tuple[Value, Value, float]:
    if before is None or after is None:
        return None, None, 0.0
    gain = float(after) - float(before)
    return "yes" if before else "no", "yes" if after else "no", gain if good else -gain

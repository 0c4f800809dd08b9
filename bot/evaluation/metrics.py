"""Metrics over results: how well the right posts are found, and how surely."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from bot.evaluation.examples import KINDS
from bot.evaluation.results import AnswerResult, Result

HIT_K = 5

Metrics = dict[str, float | int | None]
"""None for metrics that no question contributes to."""


def compute_metrics(results: Sequence[Result]) -> Metrics:
    """Compute the metrics of some results together."""
    ranked = [result for result in results if result.kind == "answerable" and result.url]
    found = [result.answer_found for result in results if result.answer_found is not None]
    metrics: Metrics = {
        "questions": len(results),
        "hit_at_1": share(result.rank == 1 for result in ranked),
        "hit_at_5": share(result.rank is not None and result.rank <= HIT_K for result in ranked),
        "mrr_at_10": mean(result.reciprocal_rank for result in ranked),
        "answer_in_top_5": share(found),
    }
    for kind in KINDS:
        name = kind.replace("-", "_")
        confidences = [result.confidence for result in results if result.kind == kind]
        metrics[f"{name}_refused"] = share(confidence == "none" for confidence in confidences)
        metrics[f"{name}_unsure"] = share(confidence == "unsure" for confidence in confidences)
    return metrics | _answer_metrics(results)


def _answer_metrics(results: Sequence[Result]) -> Metrics:
    """Compute the metrics of whole answers; empty if none were asked for."""
    answers = [result.answer for result in results if result.answer]
    if not answers:
        return {}
    metrics: Metrics = {}
    for kind in KINDS:
        asked = [result.answer for result in results if result.kind == kind and result.answer]
        metrics[f"{kind.replace('-', '_')}_answered"] = share(answer.answered for answer in asked if not answer.error)
    cited = [answer.right_post_cited for answer in answers if answer.right_post_cited is not None]
    costs = [answer.dollars for answer in answers if not answer.error]
    return {
        **metrics,
        "right_post_cited": share(cited),
        "citation_support": mean(answer.support for answer in answers if answer.support is not None),
        "overlap": mean(answer.overlap for answer in answers if answer.overlap is not None),
        "seconds_p50": _percentile(answers, 50),
        "seconds_p95": _percentile(answers, 95),
        "input_tokens": sum(answer.input_tokens for answer in answers),
        "output_tokens": sum(answer.output_tokens for answer in answers),
        "dollars": None if None in costs else round(sum(filter(None, costs), 0.0), 6),
        "failed": sum(bool(answer.error) for answer in answers),
    }


def _percentile(answers: Sequence[AnswerResult], percent: int) -> float | None:
    """Return the nearest-rank percentile of the seconds that answers took."""
    seconds = sorted(answer.seconds for answer in answers if not answer.error)
    return seconds[max(0, -(-len(seconds) * percent // 100) - 1)] if seconds else None


def by_turn(results: Sequence[Result]) -> dict[str, list[Result]]:
    """Group the results into first questions and follow-ups, unless all are of one kind."""
    return _groups(results, ["follow_ups" if result.earlier else "first_questions" for result in results])


def by_language(results: Sequence[Result]) -> dict[str, list[Result]]:
    """Group the results by language, unless all have the same."""
    return _groups(results, [result.language for result in results])


def metrics_document(results: Sequence[Result]) -> dict[str, Any]:
    """Return all metrics as a JSON object, with those of each group."""
    return {
        **compute_metrics(results),
        "turns": {name: compute_metrics(group) for name, group in by_turn(results).items()},
        "languages": {name: compute_metrics(group) for name, group in by_language(results).items()},
    }


def share(values: Iterable[bool]) -> float | None:
    """Return the share of true values."""
    counts = Counter(values)
    return round(counts[True] / counts.total(), 4) if counts else None


def mean(values: Iterable[float]) -> float | None:
    """Return the mean, or None without values."""
    numbers = list(values)
    return round(sum(numbers) / len(numbers), 4) if numbers else None


def _groups(results: Sequence[Result], names: Sequence[str]) -> dict[str, list[Result]]:
    groups: dict[str, list[Result]] = {name: [] for name in sorted(set(names))}
    for name, result in zip(names, results, strict=True):
        groups[name].append(result)
    return groups if len(groups) > 1 else {}

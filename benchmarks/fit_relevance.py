"""Fit the limits of relevance: when a question is answered, when it is answered with a reservation, and when refused.

Run `python -m benchmarks.fit_relevance FOLDER... --index FOLDER`; the sets are those of `benchmarks.retrieval`.

Each set is held out once, and the model is fitted on the others. Sets with conversations are split in half instead,
because no other set shows what a real follow-up is. The last lines are fitted on everything: the constants for
`core/retrieval/relevance.py`.
"""

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log1p
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.retrieval import QuestionSet, indexed, read_sets, with_off_topic
from bot.evaluation.examples import Example

REFUSED_ANSWERABLE = 0.015
"""Share of the answerable questions below the lower limit, on the questions fitted on."""
SURE_OFF_TOPIC = 0.025
"""Share of the off-topic questions above the upper limit."""
SET_WEIGHT = 1_000.0
PENALTY = 1.0

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Data:
    """A row of signals per question, and whether it is answerable."""

    rows: Array
    answerable: NDArray[np.bool_]

    def part(self, which: NDArray[np.bool_]) -> "Data":
        return Data(self.rows[which], self.answerable[which])


@dataclass(frozen=True, slots=True)
class Fit:
    """Weights and bias of a logistic model, and two limits on its scale of log odds."""

    weights: Array
    bias: float
    lower: float
    upper: float

    def odds(self, data: Data) -> Array:
        return np.asarray(data.rows @ self.weights + self.bias)

    def row(self, name: str, data: Data) -> str:
        """Return a table row: the shares refused, unsure and sure among answerable and off-topic questions."""
        odds = self.odds(data)
        refused, sure = odds < self.lower, odds >= self.upper
        cells = [
            " / ".join(f"{float(np.mean(one[kind])):.3f}" for one in (refused, ~refused & ~sure, sure))
            for kind in (data.answerable, ~data.answerable)
            if kind.any()
        ]
        return f"| {name} ({len(odds)}) | {' | '.join(cells)} |"


def fit(parts: Sequence[Data]) -> Fit:
    """Fit a logistic model with equal weight for each part, by Newton's method."""
    rows = np.vstack([part.rows for part in parts])
    answerable = np.concatenate([part.answerable for part in parts])
    weight = np.concatenate([np.full(len(part.rows), SET_WEIGHT / len(part.rows)) for part in parts])
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    columns = np.hstack([(rows - mean) / spread, np.ones((len(rows), 1))])
    penalty = np.diag([PENALTY] * rows.shape[1] + [0.0])
    solution = np.zeros(columns.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-np.clip(columns @ solution, -30, 30)))
        gradient = columns.T @ (weight * (answerable - chance)) - penalty @ solution
        curvature = (columns * (weight * chance * (1 - chance))[:, None]).T @ columns + penalty
        solution += np.linalg.solve(curvature, gradient)
    weights = solution[:-1] / spread
    bias = float(solution[-1] - weights @ mean)
    odds = rows @ weights + bias
    lower = float(np.quantile(odds[answerable], REFUSED_ANSWERABLE))
    return Fit(weights, bias, lower, max(lower, float(np.quantile(odds[~answerable], 1 - SURE_OFF_TOPIC))))


def with_follow_ups(each: QuestionSet) -> list[Example]:
    """Return the questions to fit on. In a set without conversations, each question is also asked after another one."""
    asked = [example for example in each.examples if example.kind in ("answerable", "off-topic")]
    if has_conversations(each):
        return asked
    before = [example.question for example in each.answerable]
    follow_ups = (
        example.model_copy(update={"earlier": (earlier,)})
        for example, earlier in zip(each.answerable, before[1:] + before[:1], strict=True)
    )
    return [*asked, *follow_ups]


def has_conversations(each: QuestionSet) -> bool:
    return any(example.earlier for example in each.answerable)


async def collect(each: QuestionSet, folder: Path) -> Data:
    """Search for every question of a set."""
    examples = with_follow_ups(each)
    async with indexed(each, folder / each.name) as bot:
        signals = [
            await bot.retriever.signals(example.question, example.earlier[-1] if example.earlier else "")
            for example in examples
        ]
    answerable = [example.kind == "answerable" for example in examples]
    return Data(np.array([(one.words.density, log1p(one.words.mass)) for one in signals]), np.array(answerable))


def halves(data: Data) -> tuple[Data, Data]:
    even = np.arange(len(data.rows)) % 2 == 0
    return data.part(even), data.part(~even)


def report(collected: Mapping[str, Data], conversations: frozenset[str]) -> list[str]:
    """Return a table of held-out sets, and the constants fitted on all of them."""
    rows = ["| held out | answerable refused / unsure / sure | off-topic refused / unsure / sure |", "|---|---|---|"]
    for name, data in collected.items():
        others = [other for key, other in collected.items() if key != name]
        folds = [(data, others)]
        if name in conversations:
            one, other = halves(data)
            folds = [(one, [*others, other]), (other, [*others, one])]
        rows += [fit(training).row(name, tested) for tested, training in folds]
    fitted = fit(list(collected.values()))
    rows += [fitted.row(f"{name}, fitted on all", data) for name, data in collected.items()]
    density, mass = fitted.weights
    sure = 1 / (1 + np.exp(fitted.lower - fitted.upper))
    bias = fitted.bias - fitted.lower
    return [
        *rows,
        "",
        f"_DENSITY, _MASS, _BIAS = {density:.3f}, {mass:.3f}, {bias:.3f}",
        f"SURE = {sure:.3f}",
    ]


async def collect_all(sets: Sequence[QuestionSet], folder: Path) -> dict[str, Data]:
    return {each.name: await collect(each, folder) for each in sets}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--index", type=Path, required=True, metavar="FOLDER", help="keep the indexes here")
    options = parser.parse_args()
    sets = with_off_topic(read_sets(options.folders))
    collected = asyncio.run(collect_all(sets, options.index))
    print("\n".join(report(collected, frozenset(each.name for each in sets if has_conversations(each)))))


if __name__ == "__main__":
    main()

"""Relevance: the certainty that the posts are about a question at all.

The index's own word statistics tell it, in any language and without calibration: how much of what the question asks for
do the best passages contain? A strong vector match lifts a question that shares no word with its post, but only as far
as `unsure`. `benchmarks/fit_relevance.py` fits the constants.
"""

import json
from dataclasses import asdict, dataclass
from math import exp

from core.domain import Confidence

DEFAULT_MIN_SCORE = 0.5
SURE = 0.85
"""Relevance from which the posts are trusted to answer."""


@dataclass(frozen=True, slots=True)
class WordSignals:
    """`density` is the best BM25 score per idf of the question's words; `mass` is the idf of those words that the best
    of the first passages contains."""

    density: float = 0.0
    mass: float = 0.0


@dataclass(frozen=True, slots=True)
class Signals:
    """The signals of a question `alone` and `together` with the one before it, which are the same for a first question.

    `cosine` is that of the best passage, None if the question was not embedded.
    """

    alone: WordSignals = WordSignals()
    together: WordSignals = WordSignals()
    follow_up: bool = False
    cosine: float | None = None

    def columns(self) -> tuple[float, ...]:
        """Return the columns of the logistic model."""
        return (
            self.alone.density,
            self.alone.mass,
            self.together.density,
            self.together.mass,
            float(self.follow_up),
        )


# The bias places the limit below which a question is refused at a relevance of 0.5.
_WEIGHTS = (1.0, 0.3, 1.0, 0.1, -0.5)
_BIAS = -2.5


@dataclass(frozen=True, slots=True)
class Chance:
    """Mean and standard deviation of the best cosine between posts that are not about the same."""

    mean: float
    spread: float

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Chance":
        return cls(**json.loads(text))


_MIN_SPREAD = 1e-4
_MEANING_BIAS = -0.5
"""Standard deviations beyond chance from which a vector match alone keeps a question from being refused."""


def relevance_of(signals: Signals, chance: Chance | None = None) -> float:
    """Return the certainty, 0 to 1, that the posts are about the question."""
    logit = _BIAS + sum(weight * value for weight, value in zip(_WEIGHTS, signals.columns(), strict=True))
    by_words = _logistic(logit)
    if signals.cosine is None or chance is None or chance.spread < _MIN_SPREAD:
        return by_words
    by_meaning = _logistic((signals.cosine - chance.mean) / chance.spread - _MEANING_BIAS)
    return max(by_words, min(by_meaning, SURE - 0.01))


def judge(relevance: float, min_score: float = DEFAULT_MIN_SCORE) -> Confidence:
    """Judge a relevance; `min_score` is the lower of the two limits."""
    if relevance < min_score:
        return "none"
    return "sure" if relevance >= SURE else "unsure"


def _logistic(value: float) -> float:
    return 1 / (1 + exp(-max(min(value, 50.0), -50.0)))

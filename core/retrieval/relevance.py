"""Relevance: the certainty that the posts are about a question at all.

The index's own word statistics tell it, in any language and without calibration: how much of what the question asks for
do the best passages contain? They are the best for the question and the one before it, so a follow-up is judged by what
it adds, unless it has few words of its own. A strong vector match lifts a question that shares no word with its post,
but only as far as `unsure`. `benchmarks/fit_relevance.py` fits the constants.
"""

import json
from dataclasses import asdict, dataclass
from math import exp, log1p

from core.domain import Confidence

DEFAULT_MIN_SCORE = 0.5
SURE = 0.984
"""Relevance from which the posts are trusted to answer."""
UNSURE = 0.95
"""The most that a relevance reaches without telling words in common."""

# The bias places the limit below which a question is refused at a relevance of 0.5.
_DENSITY, _MASS, _BIAS = 5.382, 5.088, -5.529


LEANING_TERMS = 3
"""A follow-up with fewer telling words leans on the question before it."""


@dataclass(frozen=True, slots=True)
class WordSignals:
    """What the index's statistics say about the words of a text.

    `density` is the best BM25 score per idf of the words. `mass` is how much of their idf the best of the first
    passages contains, in units of the rarest word's, so that it does not depend on the size of the index.
    """

    density: float = 0.0
    mass: float = 0.0

    @property
    def certainty(self) -> float:
        """The certainty, 0 to 1, that the posts are about the text."""
        return _logistic(_BIAS + _DENSITY * self.density + _MASS * log1p(self.mass))


@dataclass(frozen=True, slots=True)
class Signals:
    """The signals of a question: of its words; of its words with those of the question before it, if it leans on that;
    and the cosine of the best passage, if it was embedded."""

    words: WordSignals
    with_previous: WordSignals = WordSignals()
    cosine: float | None = None


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
    by_words = max(signals.words.certainty, min(signals.with_previous.certainty, UNSURE))
    if signals.cosine is None or chance is None or chance.spread < _MIN_SPREAD:
        return by_words
    by_meaning = _logistic((signals.cosine - chance.mean) / chance.spread - _MEANING_BIAS)
    return max(by_words, min(by_meaning, UNSURE))


def judge(relevance: float, min_score: float = DEFAULT_MIN_SCORE) -> Confidence:
    """Judge a relevance; `min_score` is the lower of the two limits."""
    if relevance < min_score:
        return "none"
    return "sure" if relevance >= SURE else "unsure"


def _logistic(value: float) -> float:
    return 1 / (1 + exp(-max(min(value, 50.0), -50.0)))

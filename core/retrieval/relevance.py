"""Telling whether the posts are about a question at all.

Three signals are held against what questions reach that no blog answers (`calibrating.QUESTIONS`), on the same index
and with the same embedding model: so nothing here depends on how a model's cosines are spread, or on the kind of posts.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from math import exp
from statistics import fmean, pstdev

DEFAULT_MIN_SCORE = 0.5


@dataclass(frozen=True, slots=True)
class Signals:
    """The best cosine; the best share of the question's words within one of the first passages, and within one
    sentence of the candidates."""

    cosine: float
    passage: float
    sentence: float


# Fitted by logistic regression on standardised signals; `Signals` in the same order.
_WEIGHTS = Signals(cosine=0.87, passage=0.56, sentence=1.12)
_BIAS = -4.15
_SMALLEST_SPREAD = Signals(cosine=1e-4, passage=0.10, sentence=0.10)
_LOWEST, _HIGHEST = -4.0, 8.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """What questions that are about something else reach on an index: the mean and the spread of each signal."""

    mean: Signals
    spread: Signals

    def relevance(self, signals: Signals, lexical_only: bool = False) -> float:
        """How surely the posts are about the question, 0 to 1. With `lexical_only` there is no cosine to look at."""
        logit = _BIAS
        rows = zip(
            astuple(_WEIGHTS),
            astuple(signals),
            astuple(self.mean),
            astuple(self.spread),
            astuple(_SMALLEST_SPREAD),
            strict=True,
        )
        for place, (weight, value, mean, spread, smallest) in enumerate(rows):
            if place == 0 and (lexical_only or spread < smallest):
                continue  # an embedder whose cosines are all the same tells nothing
            logit += weight * min(max((value - mean) / max(spread, smallest), _LOWEST), _HIGHEST)
        return 1 / (1 + exp(-logit))

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Calibration":
        facts = json.loads(text)
        return cls(Signals(**facts["mean"]), Signals(**facts["spread"]))


def calibration_from(signals: Sequence[Signals]) -> Calibration:
    """The calibration of an index, from what questions about other things reach on it."""
    columns = list(zip(*map(astuple, signals), strict=True))
    return Calibration(Signals(*map(fmean, columns)), Signals(*map(pstdev, columns)))


# Before an index has been calibrated: what the same questions reach on a middling blog with the offline embedder.
UNCALIBRATED = Calibration(mean=Signals(0.35, 0.25, 0.2), spread=Signals(0.08, 0.15, 0.13))

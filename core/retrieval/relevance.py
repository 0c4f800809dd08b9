"""Relevance: the certainty that the posts are about a question at all.

Three signals are compared with what unrelated questions (`calibration.QUESTIONS`) reach on the same index with the same
embedding model, so that nothing depends on how a model's cosines are spread, or on the kind of posts.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from math import exp
from statistics import fmean, pstdev

DEFAULT_MIN_SCORE = 0.5


@dataclass(frozen=True, slots=True)
class Signals:
    """The best cosine, and the best coverage of the question by one of the first passages and by one sentence."""

    cosine: float
    passage: float
    sentence: float


# Fitted by logistic regression on standardised signals.
_WEIGHTS = Signals(cosine=0.87, passage=0.56, sentence=1.12)
_BIAS = -4.15
_MIN_SPREAD = Signals(cosine=1e-4, passage=0.10, sentence=0.10)
_MIN_Z, _MAX_Z = -4.0, 8.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """The mean and standard deviation of each signal for unrelated questions on one index."""

    mean: Signals
    spread: Signals

    def relevance(self, signals: Signals, lexical_only: bool = False) -> float:
        """Return the certainty, 0 to 1, that the posts are about the question. `lexical_only` ignores the cosine."""
        logit = _BIAS
        rows = zip(
            astuple(_WEIGHTS),
            astuple(signals),
            astuple(self.mean),
            astuple(self.spread),
            astuple(_MIN_SPREAD),
            strict=True,
        )
        for column, (weight, value, mean, spread, min_spread) in enumerate(rows):
            if column == 0 and (lexical_only or spread < min_spread):
                continue  # cosines that are all the same carry no information
            logit += weight * min(max((value - mean) / max(spread, min_spread), _MIN_Z), _MAX_Z)
        return 1 / (1 + exp(-logit))

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Calibration":
        facts = json.loads(text)
        return cls(Signals(**facts["mean"]), Signals(**facts["spread"]))


def calibration_from(signals: Sequence[Signals]) -> Calibration:
    """Compute a calibration from the signals of unrelated questions."""
    columns = list(zip(*map(astuple, signals), strict=True))
    return Calibration(Signals(*map(fmean, columns)), Signals(*map(pstdev, columns)))


# Until an index is calibrated: the values of an average blog with the offline embedder.
UNCALIBRATED = Calibration(mean=Signals(0.35, 0.25, 0.2), spread=Signals(0.08, 0.15, 0.13))

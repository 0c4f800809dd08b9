"""Questions that the posts did not answer, grouped by likeness: so an author sees what to write about next."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from core.models.protocols import Embedder, Vectors
from core.retrieval.calibration import QUESTIONS
from core.storage.statistics import Unanswered

MOST = 1_000
"""Questions that are looked at; the newest."""

ALIKE = 5.0
"""How far beyond chance two questions have to be alike, in standard deviations. Chance is how alike questions about
everything under the sun are, in the vectors of the same model: a fixed cosine would belong to one model. Offline,
questions about the same thing in other words lie between 4.7 and 11, about different things below 2.7."""


@dataclass(frozen=True, slots=True)
class QuestionGap:
    """Questions that are alike. `question` is the one in their middle, `others` are further wordings, none twice."""

    question: str
    count: int
    last: datetime
    others: tuple[str, ...] = ()


async def find_gaps(embedder: Embedder, unanswered: Sequence[Unanswered]) -> list[QuestionGap]:
    """The groups, the largest first, then the newest. Raises what `Embedder.embed` raises."""
    asked: dict[str, list[Unanswered]] = {}
    for each in unanswered[:MOST]:
        asked.setdefault(" ".join(each.text.casefold().split()), []).append(each)
    same = list(asked.values())
    if not same:
        return []
    vectors = await embedder.embed([each[0].text for each in same] + list(QUESTIONS))
    # For a thousand questions it takes a second, which would stop everything else.
    groups = await asyncio.to_thread(_grouped, vectors[: len(same)], _by_chance(vectors[len(same) :]))
    gaps = [_gap([same[place] for place in group], vectors[group]) for group in groups]
    return sorted(gaps, key=lambda gap: (gap.count, gap.last), reverse=True)


def _by_chance(vectors: Vectors) -> float:
    """The cosine that questions about different things do not reach."""
    cosines = (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]
    return float(cosines.mean() + ALIKE * cosines.std())


def _grouped(vectors: Vectors, least: float) -> list[list[int]]:
    """The places of the vectors in groups: the two that are most alike, on average over their members, become one as
    long as that is more than `least`."""
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -1.0)
    groups = {place: [place] for place in range(len(vectors))}
    while len(groups) > 1:
        one, other = map(int, divmod(int(cosines.argmax()), len(vectors)))
        if cosines[one, other] < least:
            break
        sizes = len(groups[one]), len(groups[other])
        cosines[one] = cosines[:, one] = np.average([cosines[one], cosines[other]], axis=0, weights=sizes)
        cosines[other] = cosines[:, other] = cosines[one, one] = -1.0
        groups[one] += groups.pop(other)
    return list(groups.values())


def _gap(members: list[list[Unanswered]], vectors: Vectors) -> QuestionGap:
    middle = int((vectors @ vectors.mean(axis=0)).argmax())
    wordings = [each[0].text for each in members]
    everyone = [one for each in members for one in each]
    others = tuple(text for place, text in enumerate(wordings) if place != middle)
    return QuestionGap(wordings[middle], len(everyone), max(one.at for one in everyone), others)

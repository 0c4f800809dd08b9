"""Content gaps: unanswered questions, grouped by similarity, so that an author sees what to write about next."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from core.models.protocols import Embedder, Vectors
from core.storage.statistics import Unanswered

MAX_QUESTIONS = 1_000
"""Only the newest questions are grouped."""

SIMILARITY_SIGMAS = 5.0
"""How far beyond chance the similarity of two questions has to be, in standard deviations. Chance is the similarity of
UNRELATED questions under the same model, since a fixed cosine would fit only one model.
Offline, paraphrases lie between 4.7 and 11, different subjects below 2.7."""


UNRELATED = (
    "How long should I boil an egg so that the yolk stays soft?",
    "Can I freeze mashed potatoes?",
    "Tell me a joke about penguins.",
    "What is the chemical symbol for tungsten?",
    "What are the side effects of taking too much vitamin D?",
    "Can you recommend a good restaurant for a birthday dinner?",
    "Who wrote the novel about the whale and the obsessed captain?",
    "Which vitamins are found in carrots?",
    "What ingredients go into a classic tiramisu?",
    "How do I remove a stripped screw from a wooden door?",
    "Are you a real person?",
    "Who was the first woman to fly alone across the Atlantic Ocean?",
    "What time do shops close on Sundays in Vienna?",
    "Why do leaves change colour in autumn?",
    "What is the name of the fairy in the story about the boy who never grew up?",
    "When is the best season to plant tulip bulbs?",
    "What is the tax rate on a second home?",
    "What does a barometer measure?",
    "How many bones does an adult human have?",
    "Which of the seven dwarfs wears glasses?",
    "Which gemstone is the birthstone for May?",
    "Who holds the record for the most goals scored in a single ice hockey season?",
    "What did the ancient Romans use to brush their teeth?",
    "What kind of wood is used for baseball bats?",
    "How many time zones are there in Russia?",
)


@dataclass(frozen=True, slots=True)
class QuestionGap:
    """A group of similar questions. `question` is the most central one, `others` are the other distinct wordings."""

    question: str
    count: int
    last: datetime
    others: tuple[str, ...] = ()


async def find_gaps(embedder: Embedder, unanswered: Sequence[Unanswered]) -> list[QuestionGap]:
    """Group questions, largest group first, then the newest. Raises what `Embedder.embed` raises."""
    by_wording: dict[str, list[Unanswered]] = {}
    for each in unanswered[:MAX_QUESTIONS]:
        by_wording.setdefault(" ".join(each.text.casefold().split()), []).append(each)
    wordings = list(by_wording.values())
    if not wordings:
        return []
    vectors = await embedder.embed([same[0].text for same in wordings] + list(UNRELATED))
    # A thousand questions take a second, which would block the event loop.
    groups = await asyncio.to_thread(_grouped, vectors[: len(wordings)], _chance_threshold(vectors[len(wordings) :]))
    gaps = [_gap([wordings[row] for row in group], vectors[group]) for group in groups]
    return sorted(gaps, key=lambda gap: (gap.count, gap.last), reverse=True)


def _chance_threshold(vectors: Vectors) -> float:
    """Return the cosine that unrelated questions do not reach."""
    cosines = (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]
    return float(cosines.mean() + SIMILARITY_SIGMAS * cosines.std())


def _grouped(vectors: Vectors, threshold: float) -> list[list[int]]:
    """Return groups of row numbers: average-linkage clustering down to `threshold`."""
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -1.0)
    groups = {row: [row] for row in range(len(vectors))}
    while len(groups) > 1:
        one, other = map(int, divmod(int(cosines.argmax()), len(vectors)))
        if cosines[one, other] < threshold:
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
    others = tuple(text for row, text in enumerate(wordings) if row != middle)
    return QuestionGap(wordings[middle], len(everyone), max(one.at for one in everyone), others)

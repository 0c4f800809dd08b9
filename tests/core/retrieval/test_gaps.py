"""Paraphrases of one question are one gap."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from core.models.offline_embedder import OfflineEmbedder
from core.retrieval.gaps import find_gaps
from core.storage.statistics import Unanswered

NOW = datetime(2026, 11, 25, tzinfo=UTC)

ROSES = ("How do I prune roses?", "When should roses be pruned?", "What's the best time to cut back my roses?")
CANADA = ("Do you ship to Canada?", "How much is delivery to Canada?")
BACKUP = ("How do I back up the database?", "Is there a backup of the database?")
OTHERS = ("Who won the football world cup in 1974?", "Can I grow lemons indoors?")


def asked(*texts: str) -> list[Unanswered]:
    """Newest first, an hour apart."""
    return [Unanswered(text, NOW - timedelta(hours=place)) for place, text in enumerate(texts)]


async def test_similar_questions_are_one_gap_and_the_largest_comes_first(embedder: OfflineEmbedder) -> None:
    gaps = await find_gaps(embedder, asked(*OTHERS, *BACKUP, *CANADA, *ROSES))
    found = [frozenset({gap.question, *gap.others}) for gap in gaps]
    assert found[0] == set(ROSES)
    assert set(found) == {frozenset(ROSES), frozenset(CANADA), frozenset(BACKUP), *(frozenset({one}) for one in OTHERS)}
    assert [gap.count for gap in gaps] == [3, 2, 2, 1, 1]


async def test_repeated_question_is_counted_each_time_and_listed_once(embedder: OfflineEmbedder) -> None:
    [gap] = await find_gaps(embedder, asked("Do  you ship to Canada?", "do you ship to canada?", CANADA[0]))
    assert (gap.count, gap.others, gap.last) == (3, (), NOW)


async def test_model_is_not_asked_without_questions() -> None:
    class Untouchable:
        name, known_dimensions, limitations = "none", None, ()

        async def dimensions(self) -> int:
            raise AssertionError

        async def embed(self, texts: object) -> np.typing.NDArray[np.float32]:
            raise AssertionError

    assert await find_gaps(Untouchable(), []) == []


@pytest.mark.parametrize("number", [1, 2, 300])
async def test_every_question_is_in_one_gap(embedder: OfflineEmbedder, number: int) -> None:
    texts = [
        f"What is the {place}th {word} of {other}?" for place in range(number) for word, other in [("colour", "mud")]
    ]
    gaps = await find_gaps(embedder, asked(*texts))
    assert sum(gap.count for gap in gaps) == number
    assert sorted(text for gap in gaps for text in (gap.question, *gap.others)) == sorted(texts)

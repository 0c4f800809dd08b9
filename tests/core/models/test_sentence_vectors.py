"""Vectors of sentences are loaded in the background, and are no condition of an answer."""

import asyncio

import pytest

from core.models import offline_embedder
from core.models.sentence_vectors import LocalSentenceVectors


async def test_vectors_are_available_once_the_model_is_loaded() -> None:
    vectors = LocalSentenceVectors()
    assert vectors(["Bees eat honey."]) is None
    vectors.prepare()
    vectors.prepare()
    async with asyncio.timeout(30):
        while (rows := vectors(["Bees eat honey.", "Insects live on nectar.", "Quarterly tax returns"])) is None:
            await asyncio.sleep(0.01)
    assert rows[0] @ rows[1] > rows[0] @ rows[2]


def test_there_are_no_vectors_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline_embedder, "wordllama", None)
    vectors = LocalSentenceVectors()
    vectors.load()
    assert vectors(["Bees eat honey."]) is None

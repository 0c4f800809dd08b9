"""The offline embedder needs no network and does not block the event loop."""

import asyncio

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.models import offline_embedder
from core.models.offline_embedder import CHUNK_SIZE, OfflineEmbedder


async def test_similar_meanings_are_nearer_than_different_ones(embedder: OfflineEmbedder) -> None:
    question, near, far = await embedder.embed(["How do I cook pasta?", "Boiling spaghetti", "Quarterly tax returns"])
    assert question @ near > question @ far


async def test_vector_of_a_text_does_not_depend_on_its_batch(embedder: OfflineEmbedder) -> None:
    texts = [f"text number {number} {'long ' * (number % 40)}" for number in range(CHUNK_SIZE + 30)]
    together = await embedder.embed(texts)
    for place in (0, 7, CHUNK_SIZE, CHUNK_SIZE + 29):
        [alone] = await embedder.embed([texts[place]])
        np.testing.assert_allclose(alone, together[place], atol=1e-5)


@given(st.text(max_size=60))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
def test_any_text_has_a_unit_vector_or_a_zero_vector(embedder: OfflineEmbedder, text: str) -> None:
    [vector] = asyncio.run(embedder.embed([text]))
    assert np.isfinite(vector).all()
    length = np.linalg.norm(vector)
    assert length == pytest.approx(1, abs=1e-4) or length == 0


async def test_embedding_a_thousand_texts_does_not_block_the_event_loop(embedder: OfflineEmbedder) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.005)
            ticks += 1

    ticking = asyncio.create_task(tick())
    await embedder.embed(["Redis keeps its data in memory. " * 20] * 1_000)
    ticking.cancel()
    assert ticks > 3


async def test_concurrent_calls_get_their_own_vectors(embedder: OfflineEmbedder) -> None:
    one, other = await asyncio.gather(embedder.embed(["bees"] * 300), embedder.embed(["trains"] * 300))
    [bees], [trains] = await embedder.embed(["bees"]), await embedder.embed(["trains"])
    np.testing.assert_allclose(one, np.tile(bees, (300, 1)), atol=1e-5)
    np.testing.assert_allclose(other, np.tile(trains, (300, 1)), atol=1e-5)


def test_missing_extra_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    assert offline_embedder.installed()
    monkeypatch.setattr(offline_embedder, "wordllama", None)
    assert not offline_embedder.installed()


def test_name_contains_the_version_so_that_another_one_causes_a_reindex(embedder: OfflineEmbedder) -> None:
    assert embedder.name.startswith("wordllama-")
    assert embedder.name.endswith("-256")
    assert embedder.name.count("-") == 2

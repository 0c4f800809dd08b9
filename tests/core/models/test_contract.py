"""The contract that every embedder and every chat model keeps."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import numpy as np
import pytest

from core.models.extractive_chat import ExtractiveChatModel
from core.models.offline_embedder import OfflineEmbedder
from core.models.openai_chat import OpenAIChatModel
from core.models.openai_embedder import OpenAIEmbedder
from core.models.protocols import ChatModel, Embedder
from tests.core.models.openai_parts import HIVES, PROMPT, client_of, tokens, written
from tests.servers.openai import OpenAIServer


@pytest.fixture(params=["offline", "openai"])
async def any_embedder(request: pytest.FixtureRequest, embedder: OfflineEmbedder) -> AsyncIterator[Embedder]:
    if request.param == "offline":
        yield embedder
        return
    async with OpenAIServer() as server, client_of(server) as client:
        yield OpenAIEmbedder(client, "text-embedding-3-small", tokens)


@pytest.fixture(params=["offline", "openai"])
async def any_chat(request: pytest.FixtureRequest, embedder: OfflineEmbedder) -> AsyncIterator[ChatModel]:
    if request.param == "offline":
        yield ExtractiveChatModel(embedder)
        return
    async with OpenAIServer() as server, client_of(server) as client:
        yield OpenAIChatModel(client, "gpt-5-mini")


async def test_embedder_has_a_name(any_embedder: Embedder) -> None:
    assert any_embedder.name


@pytest.mark.parametrize("texts", [[], ["one"], ["one", "two", "one"], [""], ["bees"] * 600], ids=len)
async def test_embeddings_have_one_row_per_text(any_embedder: Embedder, texts: list[str]) -> None:
    vectors = await any_embedder.embed(texts)
    assert vectors.shape == (len(texts), await any_embedder.dimensions())
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()


async def test_embeddings_are_unit_vectors(any_embedder: Embedder) -> None:
    vectors = await any_embedder.embed(["Bees in winter", "A restore is rehearsed", "x"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)


async def test_equal_texts_have_equal_vectors(any_embedder: Embedder) -> None:
    first, second, again = await any_embedder.embed(["bees in winter", "tax returns", "bees in winter"])
    np.testing.assert_allclose(first, again, atol=1e-5)
    assert not np.allclose(first, second)


async def test_related_texts_are_nearer(any_embedder: Embedder) -> None:
    question, near, far = await any_embedder.embed(
        ["What do bees eat in winter?", "Bees eat honey in winter.", "Kubernetes costs attention."]
    )
    assert question @ near > question @ far


async def test_chat_model_has_a_name(any_chat: ChatModel) -> None:
    assert any_chat.name


async def test_answer_quotes_and_cites_its_passage(any_chat: ChatModel) -> None:
    text = await written(any_chat)
    assert "[1]" in text
    assert any(sentence.rstrip(".") in text for sentence in HIVES.text.split(". "))


async def first_text(pieces: AsyncGenerator[str, None]) -> str:
    """Read up to the first piece with text."""
    while not (piece := await anext(pieces)):
        pass
    return piece


async def test_stream_can_be_closed_early(any_chat: ChatModel) -> None:
    async with aclosing(any_chat.stream(PROMPT)) as pieces:
        assert await first_text(pieces)


async def test_two_answers_can_be_streamed_at_once(any_chat: ChatModel) -> None:
    async with aclosing(any_chat.stream(PROMPT)) as one, aclosing(any_chat.stream(PROMPT)) as other:
        assert await first_text(one) == await first_text(other)

"""The embedding model behind an OpenAI-compatible server: order, limits, and vectors that must not reach the index."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from core.errors import (
    EmbeddingMismatchError,
    FootnotedError,
    ModelAccessError,
    ModelBusyError,
    ModelQuotaExceededError,
    ModelTimeoutError,
    ModelUnreachableError,
)
from core.models.openai_embedder import AT_ONCE, INPUTS_PER_REQUEST, OpenAIEmbedder
from tests.core.models.openai_parts import client_of, tokens
from tests.servers.loopback import Status
from tests.servers.openai import EmbeddingReply, NaN, OpenAIServer, Shuffled, Silence, Stall, TooFew, WrongLength, embed

SMALL = "text-embedding-3-small"
TRIED = 3


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer(dimensions=64) as server:
        yield server


@pytest.fixture
async def embedder(server: OpenAIServer) -> AsyncIterator[OpenAIEmbedder]:
    async with client_of(server) as client:
        yield OpenAIEmbedder(client, SMALL, tokens)


async def test_vectors_come_in_the_order_of_their_texts(server: OpenAIServer, embedder: OpenAIEmbedder) -> None:
    texts = [f"word{number}" for number in range(3 * INPUTS_PER_REQUEST + 1)]
    server.enqueue_embedding(*[Shuffled()] * 4)
    vectors = await embedder.embed(texts)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, [embed(text, 64) for text in texts], atol=1e-6)
    assert len(server.embeddings) == 4


async def test_the_length_of_the_vectors_is_asked_for_once(server: OpenAIServer, embedder: OpenAIEmbedder) -> None:
    assert [await embedder.dimensions() for _ in range(3)] == [64] * 3
    assert len(server.embeddings) == 1


async def test_a_length_that_is_set_is_sent_and_not_asked_for(server: OpenAIServer) -> None:
    async with client_of(server) as client:
        embedder = OpenAIEmbedder(client, SMALL, tokens, dimensions=16)
        assert await embedder.dimensions() == 16
        assert server.embeddings == []
        assert (await embedder.embed(["bees"])).shape == (1, 16)
    assert server.embeddings[0].dimensions == 16


async def test_without_a_length_none_is_sent(server: OpenAIServer, embedder: OpenAIEmbedder) -> None:
    await embedder.embed(["bees"])
    assert server.embeddings[0].dimensions is None


async def test_no_more_requests_are_in_flight_than_are_good_for_the_service(server: OpenAIServer) -> None:
    server.delay = 0.05
    async with client_of(server) as client:
        embedder = OpenAIEmbedder(client, SMALL, tokens)
        reading = asyncio.create_task(embedder.embed(["bee"] * (INPUTS_PER_REQUEST * (AT_ONCE + 4))))
        await asyncio.sleep(0.03)
        assert len(server.embeddings) <= AT_ONCE
        assert len(await reading) == INPUTS_PER_REQUEST * (AT_ONCE + 4)


@pytest.mark.parametrize(
    "text", ["", "   ", "\n", "<|endoftext|>", "word " * 20_000, "我们把数据库备份到另一个地区。" * 2_000]
)
async def test_texts_that_the_service_refuses_are_made_such_that_it_takes_them(
    server: OpenAIServer, embedder: OpenAIEmbedder, text: str
) -> None:
    assert (await embedder.embed(["bees", text])).shape == (2, 64)
    [request] = server.embeddings
    assert request.inputs[0] == "bees"


async def test_vectors_of_a_server_that_does_not_scale_them_are_made_unit_vectors(server: OpenAIServer) -> None:
    async with client_of(server) as client:
        vectors = await OpenAIEmbedder(client, "some-model", tokens).embed(["bees", "trains and boats"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("reply", [WrongLength(8), NaN(), TooFew()], ids=lambda reply: type(reply).__name__)
async def test_vectors_that_fit_no_index_are_refused(
    server: OpenAIServer, embedder: OpenAIEmbedder, reply: EmbeddingReply
) -> None:
    await embedder.dimensions()
    server.enqueue_embedding(reply)
    with pytest.raises(EmbeddingMismatchError):
        await embedder.embed(["bees", "honey"])


@pytest.mark.parametrize(
    ("reply", "error", "asked"),
    [
        (Status(429, retry_after=0), ModelBusyError, TRIED),
        (Status(429, code="insufficient_quota"), ModelQuotaExceededError, 1),
        (Status(500), ModelUnreachableError, TRIED),
        (Status(401), ModelAccessError, 1),
        (Status(404), ModelAccessError, 1),
    ],
    ids=str,
)
async def test_a_refusal_is_told_by_its_kind_and_asked_again_only_where_that_helps(
    server: OpenAIServer, embedder: OpenAIEmbedder, reply: EmbeddingReply, error: type[FootnotedError], asked: int
) -> None:
    server.enqueue_embedding(*[reply] * TRIED)
    with pytest.raises(error):
        await embedder.embed(["bees"])
    assert len(server.embeddings) == asked


@pytest.mark.parametrize("reply", [Silence(), Stall()], ids=lambda reply: type(reply).__name__)
async def test_a_server_that_falls_silent_is_too_slow(server: OpenAIServer, reply: EmbeddingReply) -> None:
    server.enqueue_embedding(reply)
    async with client_of(server) as client:
        with pytest.raises(ModelTimeoutError):
            await OpenAIEmbedder(client.with_options(timeout=0.2, max_retries=0), SMALL, tokens).embed(["bees"])

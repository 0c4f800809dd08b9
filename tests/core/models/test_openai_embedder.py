"""The embedding model of an OpenAI-compatible server: order, limits, and vectors that must not reach the index."""

from collections.abc import AsyncIterator

import numpy as np
import pytest

from core.errors import (
    EmbeddingMismatchError,
    FootnotedError,
    ModelAccessError,
    ModelBusyError,
    ModelError,
    ModelQuotaExceededError,
    ModelTimeoutError,
    ModelUnreachableError,
)
from core.models.capabilities import INPUTS_PER_REQUEST
from core.models.openai_embedder import MAX_CONCURRENCY, OpenAIEmbedder
from tests.core.models.openai_parts import client_of, tokens
from tests.servers.loopback import Status
from tests.servers.openai import (
    EmbeddingReply,
    NaN,
    OpenAIServer,
    Shuffled,
    Silence,
    Stall,
    TooFew,
    Unnumbered,
    WrongLength,
    embed,
)

SMALL = "text-embedding-3-small"
ATTEMPTS = 3


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer(dimensions=64) as server:
        yield server


@pytest.fixture
async def embedder(server: OpenAIServer) -> AsyncIterator[OpenAIEmbedder]:
    async with client_of(server) as client:
        yield OpenAIEmbedder(client, SMALL, tokens)


async def test_vectors_are_in_the_order_of_the_texts(server: OpenAIServer, embedder: OpenAIEmbedder) -> None:
    texts = [f"word{number}" for number in range(3 * INPUTS_PER_REQUEST + 1)]
    server.enqueue_embedding(*[Shuffled()] * 4)
    vectors = await embedder.embed(texts)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, [embed(text, 64) for text in texts], atol=1e-6)
    assert len(server.embeddings) == 4


async def test_dimensions_are_requested_once(server: OpenAIServer, embedder: OpenAIEmbedder) -> None:
    assert [await embedder.dimensions() for _ in range(3)] == [64] * 3
    assert len(server.embeddings) == 1


async def test_configured_dimensions_are_sent_with_requests(server: OpenAIServer) -> None:
    async with client_of(server) as client:
        embedder = OpenAIEmbedder(client, SMALL, tokens, dimensions=16)
        assert await embedder.dimensions() == 16
        assert server.embeddings == []
        assert (await embedder.embed(["bees"])).shape == (1, 16)
    assert server.embeddings[0].dimensions == 16


async def test_dimensions_are_not_sent_by_default(server: OpenAIServer, embedder: OpenAIEmbedder) -> None:
    await embedder.embed(["bees"])
    assert server.embeddings[0].dimensions is None


class CountingServer(OpenAIServer):
    """Counts how many requests are in flight at most."""

    in_flight = peak = 0

    async def pause(self, seconds: float | None) -> None:
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        await super().pause(0.02)
        self.in_flight -= 1


async def test_concurrent_requests_are_limited() -> None:
    count = INPUTS_PER_REQUEST * (MAX_CONCURRENCY + 4)
    async with CountingServer(dimensions=64) as server, client_of(server) as client:
        assert len(await OpenAIEmbedder(client, SMALL, tokens).embed(["bee"] * count)) == count
    assert 1 < server.peak <= MAX_CONCURRENCY


@pytest.mark.parametrize(
    "text", ["", "   ", "\n", "<|endoftext|>", "word " * 20_000, "我们把数据库备份到另一个地区。" * 2_000]
)
async def test_empty_and_overlong_texts_are_made_acceptable(
    server: OpenAIServer, embedder: OpenAIEmbedder, text: str
) -> None:
    assert (await embedder.embed(["bees", text])).shape == (2, 64)
    [request] = server.embeddings
    assert request.inputs[0] == "bees"


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_smaller_batches_are_learned_from_a_refusal(
    server: OpenAIServer, embedder: OpenAIEmbedder, status: int
) -> None:
    server.max_inputs, server.max_inputs_status = 10, status
    texts = [f"word{number}" for number in range(INPUTS_PER_REQUEST)]
    np.testing.assert_allclose(await embedder.embed(texts), [embed(text, 64) for text in texts], atol=1e-6)
    # Until a request succeeds, each refusal may mean the encoding as well.
    assert [len(request.inputs) for request in server.embeddings] == [64, 64, 32, 32, 16, 16, *[8] * 8]
    await embedder.embed(texts)
    assert [len(request.inputs) for request in server.embeddings[14:]] == [8] * 8


async def test_number_of_texts_is_taken_from_the_message_of_a_refusal(
    server: OpenAIServer, embedder: OpenAIEmbedder
) -> None:
    server.max_inputs, server.max_inputs_message = 10, "batch size is invalid, it should not be larger than 10"
    await embedder.embed(["bee"] * 64)
    assert [len(request.inputs) for request in server.embeddings] == [64, *[10] * 6, 4]
    assert embedder.limitations == ("at most 10 texts a request",)


async def test_refused_base64_is_replaced_by_numbers_from_then_on(
    server: OpenAIServer, embedder: OpenAIEmbedder
) -> None:
    server.refuses_base64 = True
    for _ in range(2):
        np.testing.assert_allclose(await embedder.embed(["bees", "honey"]), [embed("bees", 64), embed("honey", 64)])
    assert [len(request.inputs) for request in server.embeddings] == [2, 2, 2]
    assert len(embedder.limitations) == 1


async def test_refusal_of_a_single_text_is_an_error_and_teaches_nothing(
    server: OpenAIServer, embedder: OpenAIEmbedder
) -> None:
    await embedder.embed(["bees"])
    server.enqueue_embedding(*[Status(400)] * 2)
    with pytest.raises(ModelError):
        await embedder.embed(["bees", "honey"])
    await embedder.embed(["bees", "honey"])
    assert [len(request.inputs) for request in server.embeddings] == [1, 2, 1, 2]


async def test_vectors_without_an_index_are_in_order(server: OpenAIServer, embedder: OpenAIEmbedder) -> None:
    server.enqueue_embedding(Unnumbered())
    vectors = await embedder.embed(["bees", "honey"])
    np.testing.assert_allclose(vectors, [embed("bees", 64), embed("honey", 64)], atol=1e-6)


async def test_equal_vectors_of_different_texts_are_rejected(embedder: OpenAIEmbedder) -> None:
    # The server hears no punctuation.
    with pytest.raises(EmbeddingMismatchError):
        await embedder.embed(["bees.", "bees!", "bees?"])


async def test_vectors_are_normalised(server: OpenAIServer) -> None:
    async with client_of(server) as client:
        vectors = await OpenAIEmbedder(client, "some-model", tokens).embed(["bees", "trains and boats"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("reply", [WrongLength(8), NaN(), TooFew()], ids=lambda reply: type(reply).__name__)
async def test_vectors_that_fit_no_index_are_rejected(
    server: OpenAIServer, embedder: OpenAIEmbedder, reply: EmbeddingReply
) -> None:
    await embedder.dimensions()
    server.enqueue_embedding(reply)
    with pytest.raises(EmbeddingMismatchError):
        await embedder.embed(["bees", "honey"])


@pytest.mark.parametrize(
    ("reply", "error", "attempts"),
    [
        (Status(429, retry_after=0), ModelBusyError, ATTEMPTS),
        (Status(429, code="insufficient_quota"), ModelQuotaExceededError, 1),
        (Status(500), ModelUnreachableError, ATTEMPTS),
        (Status(401), ModelAccessError, 1),
        (Status(404), ModelAccessError, 1),
    ],
    ids=str,
)
async def test_error_replies_raise_their_kind_and_are_retried_if_that_helps(
    server: OpenAIServer, embedder: OpenAIEmbedder, reply: EmbeddingReply, error: type[FootnotedError], attempts: int
) -> None:
    server.enqueue_embedding(*[reply] * ATTEMPTS)
    with pytest.raises(error):
        await embedder.embed(["bees"])
    assert len(server.embeddings) == attempts


@pytest.mark.parametrize("reply", [Silence(), Stall()], ids=lambda reply: type(reply).__name__)
async def test_silent_server_times_out(server: OpenAIServer, reply: EmbeddingReply) -> None:
    server.enqueue_embedding(reply)
    async with client_of(server) as client:
        with pytest.raises(ModelTimeoutError):
            await OpenAIEmbedder(client.with_options(timeout=0.2, max_retries=0), SMALL, tokens).embed(["bees"])

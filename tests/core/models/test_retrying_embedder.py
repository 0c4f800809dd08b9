"""The embedder for reindex runs retries, honours Retry-After and reduces its concurrency."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
from openai import AsyncOpenAI
from tenacity.wait import wait_none

from core.errors import (
    EmbeddingMismatchError,
    ModelAccessError,
    ModelBusyError,
    ModelQuotaExceededError,
    ModelUnreachableError,
)
from core.models.openai_client import openai_client
from core.models.openai_embedder import OpenAIEmbedder
from core.models.protocols import PartlyEmbeddedError
from core.models.retrying_embedder import BUSY_ATTEMPTS, OTHER_ATTEMPTS, AdaptiveConcurrencyLimit, RetryingEmbedder
from core.tokens import estimate_tokens
from tests.servers.loopback import Status
from tests.servers.openai import NaN, OpenAIServer

BUSY = Status(429, retry_after=0.01)


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer(dimensions=16) as running:
        yield running


@pytest.fixture
async def client(server: OpenAIServer) -> AsyncIterator[AsyncOpenAI]:
    # It reads certificates, which takes files.
    client = await asyncio.to_thread(openai_client, "sk-test", server.base_url)
    yield client.with_options(max_retries=0)
    await client.close()


@pytest.fixture
def embedder(client: AsyncOpenAI) -> RetryingEmbedder:
    embedder = OpenAIEmbedder(client, "text-embedding-3-small", estimate_tokens)
    return RetryingEmbedder(embedder, backoff=wait_none())


async def test_rejected_requests_are_retried_with_the_same_result(
    server: OpenAIServer, embedder: RetryingEmbedder
) -> None:
    server.enqueue_embedding(*[BUSY] * 20)
    texts = [f"text {number}" for number in range(12)]
    vectors = await asyncio.gather(*(embedder.embed([text]) for text in texts))
    again = await asyncio.gather(*(embedder.embed([text]) for text in texts))
    assert len(server.embeddings) == 12 + 20 + 12
    assert all(np.array_equal(one, other) for one, other in zip(vectors, again, strict=True))


async def test_limit_halves_with_each_429_and_recovers() -> None:
    limit = AdaptiveConcurrencyLimit(8)
    limits = [limit.current]
    for _ in range(5):
        limit.decrease()
        limits.append(limit.current)
    assert limits == [8, 4, 2, 1, 1, 1]
    for _ in range(60):
        limit.increase()
    assert limit.current == 8


async def test_concurrency_stays_within_the_limit() -> None:
    limit, in_flight, peak = AdaptiveConcurrencyLimit(8), 0, 0
    limit.decrease()
    limit.decrease()

    async def one() -> None:
        nonlocal in_flight, peak
        async with limit.slot():
            in_flight += 1
            peak = max(peak, in_flight)
            await asyncio.sleep(0)
            in_flight -= 1

    await asyncio.gather(*(one() for _ in range(20)))
    assert (peak, in_flight) == (2, 0)


@pytest.mark.parametrize(
    ("reply", "error", "attempts"),
    [
        (BUSY, ModelBusyError, BUSY_ATTEMPTS),
        (Status(503, retry_after=0.01), ModelUnreachableError, OTHER_ATTEMPTS + len(["probe"])),
        (Status(401), ModelAccessError, 1),
        (Status(429, code="insufficient_quota"), ModelQuotaExceededError, 1),
    ],
)
async def test_last_error_is_raised_after_the_last_attempt(
    server: OpenAIServer, embedder: RetryingEmbedder, reply: Status, error: type[Exception], attempts: int
) -> None:
    server.enqueue_embedding(*[reply] * 20)
    with pytest.raises(error):
        await embedder.embed(["text"])
    assert len(server.embeddings) == attempts


@pytest.mark.parametrize(
    "failure",
    [
        Status(500, message="failed to encode response: NaN"),
        Status(400, message="This model's maximum context length is 512 tokens"),
        Status(500, message="input is too large to process. increase the physical batch size"),
    ],
    ids=str,
)
async def test_text_that_fails_alone_is_named_and_the_others_are_embedded(
    server: OpenAIServer, embedder: RetryingEmbedder, failure: Status
) -> None:
    server.fails_on, server.failure = "unvectorable", failure
    texts = [f"bees {number}" for number in range(9)]
    texts[4] = "unvectorable bees"
    with pytest.raises(PartlyEmbeddedError) as caught:
        await embedder.embed(texts)
    assert list(caught.value.failures) == [4]
    assert str(failure.message) in caught.value.failures[4]
    del texts[4]
    np.testing.assert_allclose(np.delete(caught.value.vectors, 4, axis=0), await embedder.embed(texts), atol=1e-6)


async def test_text_that_fails_alone_once_is_embedded(server: OpenAIServer, embedder: RetryingEmbedder) -> None:
    server.enqueue_embedding(NaN())
    assert len(await embedder.embed(["bees", "honey"])) == 2


async def test_model_that_fails_for_every_text_is_down(server: OpenAIServer, embedder: RetryingEmbedder) -> None:
    server.fails_on = "bees"
    with pytest.raises(ModelUnreachableError):
        await embedder.embed([f"bees {number}" for number in range(3)])


@pytest.mark.parametrize("value", [0.0, 0.1])
async def test_vectors_of_one_value_are_refused(server: OpenAIServer, embedder: RetryingEmbedder, value: float) -> None:
    server.embeds_alike = value
    with pytest.raises(EmbeddingMismatchError):
        await embedder.embed(["bees", "honey", "wax"])

"""An embedder for runs slows down when it is told to, waits as long as it is told, and loses nothing."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
from openai import AsyncOpenAI

from core.errors import ModelAccessError, ModelBusyError, ModelQuotaExceededError, ModelUnreachableError
from core.models.openai_client import openai_client
from core.models.openai_embedder import OpenAIEmbedder
from core.models.retrying_embedder import BUSY_TRIES, OTHER_TRIES, AdaptiveConcurrencyLimit, RetryingEmbedder
from core.tokens import estimate_tokens
from tests.servers.loopback import Status
from tests.servers.openai import OpenAIServer

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
def patient(client: AsyncOpenAI) -> RetryingEmbedder:
    return RetryingEmbedder(OpenAIEmbedder(client, "text-embedding-3-small", estimate_tokens))


async def test_what_is_refused_comes_later_and_is_the_same(server: OpenAIServer, patient: RetryingEmbedder) -> None:
    server.enqueue_embedding(*[BUSY] * 20)
    texts = [f"text {number}" for number in range(12)]
    vectors = await asyncio.gather(*(patient.embed([text]) for text in texts))
    again = await asyncio.gather(*(patient.embed([text]) for text in texts))
    assert len(server.embeddings) == 12 + 20 + 12
    assert all(np.array_equal(one, other) for one, other in zip(vectors, again, strict=True))


async def test_after_refusals_less_is_asked_at_once_and_then_more_again() -> None:
    window = AdaptiveConcurrencyLimit(8)
    widths = [window.width]
    for _ in range(5):
        window.narrow()
        widths.append(window.width)
    assert widths == [8, 4, 2, 1, 1, 1]
    for _ in range(60):
        window.widen()
    assert window.width == 8


async def test_no_more_than_the_window_is_wide_are_inside() -> None:
    window, inside, most = AdaptiveConcurrencyLimit(8), 0, 0
    window.narrow()
    window.narrow()

    async def one() -> None:
        nonlocal inside, most
        async with window.slot():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(one() for _ in range(20)))
    assert (most, inside) == (2, 0)


@pytest.mark.parametrize(
    ("refusal", "error", "tries"),
    [
        (BUSY, ModelBusyError, BUSY_TRIES),
        (Status(503, retry_after=0.01), ModelUnreachableError, OTHER_TRIES),
        (Status(401), ModelAccessError, 1),
        (Status(429, code="insufficient_quota"), ModelQuotaExceededError, 1),
    ],
)
async def test_what_does_not_end_is_told(
    server: OpenAIServer, patient: RetryingEmbedder, refusal: Status, error: type[Exception], tries: int
) -> None:
    server.enqueue_embedding(*[refusal] * 20)
    with pytest.raises(error):
        await patient.embed(["text"])
    assert len(server.embeddings) == tries

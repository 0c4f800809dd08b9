"""The circuit breaker stops calls to a service that is down, and recovers by itself."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import timedelta

import numpy as np
import pytest
from structlog.testing import capture_logs

from core.errors import (
    AnswerInterruptedError,
    ContentFilteredError,
    ContextTooLongError,
    ModelAccessError,
    ModelBusyError,
    ModelError,
    ModelQuotaExceededError,
    ModelTimeoutError,
    ModelUnreachableError,
    error_code,
)
from core.models.circuit_breaker import FAILURE_THRESHOLD, FIRST_PAUSE, MAX_PAUSE, CircuitBreaker
from core.models.protocols import Prompt, Vectors
from core.models.wrappers import CircuitBreakerChatModel, CircuitBreakerEmbedder
from tests.core.models.openai_parts import PROMPT, written


class Clock:
    """A clock that only the test advances."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class FailingModel:
    """A chat model that raises `error` if set, and waits for `gate` if set; counts its calls."""

    name = "troubled"
    follows_instructions = True
    limitations = ()

    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.calls = 0
        self.gate: asyncio.Event | None = None

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        self.calls += 1
        if self.gate:
            await self.gate.wait()
        if self.error:
            raise self.error
        yield "Honey."
        yield " Much."


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def failures(chat: CircuitBreakerChatModel, times: int) -> list[str]:
    """Ask this many questions in a row; return each answer or error code."""
    outcomes = []
    for _ in range(times):
        try:
            outcomes.append(await written(chat))
        except ModelError as error:
            outcomes.append(error_code(error))
    return outcomes


@pytest.mark.parametrize(
    "kind", [ModelUnreachableError, ModelBusyError, ModelTimeoutError, ModelAccessError, ModelQuotaExceededError]
)
async def test_breaker_opens_after_consecutive_failures(clock: Clock, kind: type[ModelError]) -> None:
    model = FailingModel(kind())
    chat = CircuitBreakerChatModel(model, CircuitBreaker("language model", clock))
    assert await failures(chat, 50) == [kind.code] * 50
    assert model.calls == FAILURE_THRESHOLD


async def test_after_a_pause_one_trial_call_goes_through_and_others_fail_at_once(clock: Clock) -> None:
    model = FailingModel(ModelUnreachableError())
    chat = CircuitBreakerChatModel(model, CircuitBreaker("language model", clock))
    await failures(chat, FAILURE_THRESHOLD)
    clock.now += FIRST_PAUSE.total_seconds()
    model.gate = asyncio.Event()
    trying = asyncio.create_task(failures(chat, 1))
    await asyncio.sleep(0)
    assert await failures(chat, 20) == ["ModelUnreachable"] * 20
    assert model.calls == FAILURE_THRESHOLD + 1
    model.error = None
    model.gate.set()
    assert await trying == ["Honey. Much."]
    assert await failures(chat, 2) == ["Honey. Much."] * 2


async def test_pauses_grow_to_a_maximum(clock: Clock) -> None:
    model = FailingModel(ModelUnreachableError())
    chat = CircuitBreakerChatModel(model, CircuitBreaker("language model", clock))
    end = clock.now + 3_600
    while clock.now < end:
        await failures(chat, 1)
        clock.now += 1
    assert FAILURE_THRESHOLD < model.calls <= FAILURE_THRESHOLD + 5 + 3_600 / MAX_PAUSE.total_seconds()


async def test_opening_and_closing_are_logged_once(clock: Clock) -> None:
    model = FailingModel(ModelBusyError("429"))
    chat = CircuitBreakerChatModel(model, CircuitBreaker("language model", clock))
    with capture_logs() as logs:
        await failures(chat, 30)
        model.error = None
        clock.now += FIRST_PAUSE.total_seconds()
        await failures(chat, 3)
    assert [(line["event"], line["service"]) for line in logs] == [
        ("circuit breaker opened", "language model"),
        ("circuit breaker closed", "language model"),
    ]
    assert (logs[0]["cause"], logs[0]["seconds"]) == ("429", FIRST_PAUSE.total_seconds())


@pytest.mark.parametrize("kind", [ContextTooLongError, ContentFilteredError, AnswerInterruptedError, ModelError])
async def test_errors_of_single_questions_do_not_open_the_breaker(clock: Clock, kind: type[ModelError]) -> None:
    model = FailingModel(kind())
    await failures(CircuitBreakerChatModel(model, CircuitBreaker("language model", clock)), 20)
    assert model.calls == 20


async def test_failures_between_successes_do_not_open_the_breaker(clock: Clock) -> None:
    model = FailingModel(None)
    chat = CircuitBreakerChatModel(model, CircuitBreaker("language model", clock))
    for _ in range(10):
        model.error = ModelUnreachableError()
        await failures(chat, FAILURE_THRESHOLD - 1)
        model.error = None
        assert await failures(chat, 1) == ["Honey. Much."]


async def test_cancellations_after_a_long_silence_open_the_breaker(clock: Clock) -> None:
    """The reader has a deadline for the first token; here it arrives as a cancellation."""
    model = FailingModel(None)
    model.gate = asyncio.Event()
    chat = CircuitBreakerChatModel(model, CircuitBreaker("language model", clock, silence_limit=timedelta(seconds=20)))
    for _ in range(FAILURE_THRESHOLD):
        waiting = asyncio.create_task(written(chat))
        await asyncio.sleep(0)
        clock.now += 30
        waiting.cancel()
        await asyncio.wait([waiting])
    assert await failures(chat, 10) == ["ModelTooSlow"] * 10
    assert model.calls == FAILURE_THRESHOLD


async def test_users_who_leave_do_not_open_the_breaker(clock: Clock) -> None:
    model = FailingModel(None)
    chat = CircuitBreakerChatModel(model, CircuitBreaker("language model", clock))
    for _ in range(20):
        async with aclosing(chat.stream(PROMPT)) as pieces:
            await anext(pieces)
            clock.now += 60  # a slow reader, who then leaves
    model.gate = asyncio.Event()
    for _ in range(20):
        waiting = asyncio.create_task(written(chat))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
    assert model.calls == 40


async def test_cancelled_trial_call_lets_the_next_call_try(clock: Clock) -> None:
    model = FailingModel(ModelUnreachableError())
    chat = CircuitBreakerChatModel(model, CircuitBreaker("language model", clock))
    await failures(chat, FAILURE_THRESHOLD)
    clock.now += FIRST_PAUSE.total_seconds()
    model.gate = asyncio.Event()
    trying = asyncio.create_task(written(chat))
    await asyncio.sleep(0)
    trying.cancel()
    await asyncio.wait([trying])
    model.gate = model.error = None
    assert await failures(chat, 1) == ["Honey. Much."]


class HangingEmbedder:
    """An embedder that never replies."""

    name = "hanging"
    known_dimensions = 4
    limitations = ()

    def __init__(self) -> None:
        self.calls = 0

    async def dimensions(self) -> int:
        return 4

    async def embed(self, texts: Sequence[str]) -> Vectors:
        self.calls += 1
        await asyncio.Event().wait()
        return np.zeros((len(texts), 4), dtype=np.float32)


async def test_embedding_times_out_and_then_opens_the_breaker(clock: Clock) -> None:
    model = HangingEmbedder()
    embedder = CircuitBreakerEmbedder(
        model, CircuitBreaker("embedding model", clock), timeout=timedelta(milliseconds=20)
    )
    for _ in range(20):
        with pytest.raises(ModelTimeoutError):
            await embedder.embed(["bees"])
    assert model.calls == FAILURE_THRESHOLD

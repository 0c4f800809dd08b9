"""A service that is down is asked again only now and then, and comes back by itself."""

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
from core.models.breaker_models import CircuitBreakerChatModel, CircuitBreakerEmbedder
from core.models.circuit_breaker import FIRST_REST, LONGEST_REST, OPENS_AFTER, CircuitBreaker
from core.models.protocols import Prompt, Vectors
from tests.core.models.openai_parts import PROMPT, written


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Troubled:
    """A chat model that fails as it is told, or else says one word. `asked` counts."""

    name = "troubled"
    follows_instructions = True

    def __init__(self, trouble: Exception | None) -> None:
        self.trouble = trouble
        self.asked = 0
        self.silent: asyncio.Event | None = None

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        self.asked += 1
        if self.silent:
            await self.silent.wait()
        if self.trouble:
            raise self.trouble
        yield "Honey."
        yield " Much."


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def failures(chat: CircuitBreakerChatModel, times: int) -> list[str]:
    """What so many questions come to, one after the other."""
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
async def test_a_model_that_is_down_is_not_asked_for_every_question(clock: Clock, kind: type[ModelError]) -> None:
    model = Troubled(kind())
    chat = CircuitBreakerChatModel(model, CircuitBreaker("language model", clock))
    assert await failures(chat, 50) == [kind.code] * 50
    assert model.asked == OPENS_AFTER


async def test_after_a_rest_one_question_tries_and_the_others_are_told_at_once(clock: Clock) -> None:
    model = Troubled(ModelUnreachableError())
    chat = CircuitBreakerChatModel(model, CircuitBreaker("language model", clock))
    await failures(chat, OPENS_AFTER)
    clock.now += FIRST_REST.total_seconds()
    model.silent = asyncio.Event()
    trying = asyncio.create_task(failures(chat, 1))
    await asyncio.sleep(0)
    assert await failures(chat, 20) == ["ModelUnreachable"] * 20
    assert model.asked == OPENS_AFTER + 1
    model.trouble = None
    model.silent.set()
    assert await trying == ["Honey. Much."]
    assert await failures(chat, 2) == ["Honey. Much."] * 2


async def test_the_rests_grow_to_a_bound_and_an_hour_costs_few_requests(clock: Clock) -> None:
    model = Troubled(ModelUnreachableError())
    chat = CircuitBreakerChatModel(model, CircuitBreaker("language model", clock))
    end = clock.now + 3_600
    while clock.now < end:
        await failures(chat, 1)
        clock.now += 1
    assert OPENS_AFTER < model.asked <= OPENS_AFTER + 5 + 3_600 / LONGEST_REST.total_seconds()


async def test_going_and_coming_back_are_in_the_log_once(clock: Clock) -> None:
    model = Troubled(ModelBusyError("429"))
    chat = CircuitBreakerChatModel(model, CircuitBreaker("language model", clock))
    with capture_logs() as logs:
        await failures(chat, 30)
        model.trouble = None
        clock.now += FIRST_REST.total_seconds()
        await failures(chat, 3)
    assert [(line["event"], line["service"]) for line in logs] == [
        ("a service is left alone", "language model"),
        ("a service is back", "language model"),
    ]
    assert (logs[0]["cause"], logs[0]["seconds"]) == ("429", FIRST_REST.total_seconds())


@pytest.mark.parametrize("kind", [ContextTooLongError, ContentFilteredError, AnswerInterruptedError, ModelError])
async def test_what_belongs_to_one_question_keeps_no_other_from_being_asked(
    clock: Clock, kind: type[ModelError]
) -> None:
    model = Troubled(kind())
    await failures(CircuitBreakerChatModel(model, CircuitBreaker("language model", clock)), 20)
    assert model.asked == 20


async def test_failures_between_answers_open_nothing(clock: Clock) -> None:
    model = Troubled(None)
    chat = CircuitBreakerChatModel(model, CircuitBreaker("language model", clock))
    for _ in range(10):
        model.trouble = ModelUnreachableError()
        await failures(chat, OPENS_AFTER - 1)
        model.trouble = None
        assert await failures(chat, 1) == ["Honey. Much."]


async def test_a_model_that_is_silent_until_people_have_waited_too_long_is_down(clock: Clock) -> None:
    """The deadline of a first word lies with whoever reads: here it arrives as a cancellation."""
    model = Troubled(None)
    model.silent = asyncio.Event()
    chat = CircuitBreakerChatModel(model, CircuitBreaker("language model", clock, given_up_after=timedelta(seconds=20)))
    for _ in range(OPENS_AFTER):
        waiting = asyncio.create_task(written(chat))
        await asyncio.sleep(0)
        clock.now += 30
        waiting.cancel()
        await asyncio.wait([waiting])
    assert await failures(chat, 10) == ["ModelTooSlow"] * 10
    assert model.asked == OPENS_AFTER


async def test_people_who_leave_are_no_failure(clock: Clock) -> None:
    model = Troubled(None)
    chat = CircuitBreakerChatModel(model, CircuitBreaker("language model", clock))
    for _ in range(20):
        async with aclosing(chat.stream(PROMPT)) as pieces:
            await anext(pieces)
            clock.now += 60  # the reader is slow, and then gone
    model.silent = asyncio.Event()
    for _ in range(20):
        waiting = asyncio.create_task(written(chat))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
    assert model.asked == 40


async def test_a_trial_that_is_cancelled_leaves_the_next_one_to_try(clock: Clock) -> None:
    model = Troubled(ModelUnreachableError())
    chat = CircuitBreakerChatModel(model, CircuitBreaker("language model", clock))
    await failures(chat, OPENS_AFTER)
    clock.now += FIRST_REST.total_seconds()
    model.silent = asyncio.Event()
    trying = asyncio.create_task(written(chat))
    await asyncio.sleep(0)
    trying.cancel()
    await asyncio.wait([trying])
    model.silent = model.trouble = None
    assert await failures(chat, 1) == ["Honey. Much."]


class Hanging:
    """An embedder that never answers."""

    name = "hanging"
    known_dimensions = 4

    def __init__(self) -> None:
        self.asked = 0

    async def dimensions(self) -> int:
        return 4

    async def embed(self, texts: Sequence[str]) -> Vectors:
        self.asked += 1
        await asyncio.Event().wait()
        return np.zeros((len(texts), 4), dtype=np.float32)


async def test_a_question_waits_for_its_vector_so_long_and_after_some_not_at_all(clock: Clock) -> None:
    model = Hanging()
    embedder = CircuitBreakerEmbedder(
        model, CircuitBreaker("embedding model", clock), within=timedelta(milliseconds=20)
    )
    for _ in range(20):
        with pytest.raises(ModelTimeoutError):
            await embedder.embed(["bees"])
    assert model.asked == OPENS_AFTER

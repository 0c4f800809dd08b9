"""Health checks behind `/readyz`."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from time import monotonic

import structlog
from redis.exceptions import RedisError

from bot.app import Bot
from bot.platforms import Reachable
from core.domain import Question
from core.errors import (
    FootnotedError,
    IndexUnavailableError,
    ModelError,
)
from core.models.protocols import ChatModel, Embedder, Prompt
from core.telemetry import ModelCalled, TelemetryEvent

log = structlog.get_logger()

FRESH = 300.0
"""Seconds for which a successful model response counts."""

RETRY_AFTER = 30.0
"""Seconds before a failed model is checked again."""

CHECK_TIMEOUT = 2.0
"""Seconds to wait for Redis and for models; a later model response counts for the next check."""

DOWN = {kind.code: kind.health for kind in ModelError.__subclasses__() if kind.health}
"""Errors that mean the model's server is unusable; with any other it has responded."""

_GREETING = "Are you there?"


class ModelHealth:
    """Tracks from telemetry how each model responded last.

    A failed model is checked again with a short prompt; so is an embedding model that has been idle for a while.
    """

    def __init__(self, embedder: Embedder, chat: ChatModel) -> None:
        self._ask: dict[str, Callable[[], Awaitable[object]]] = {
            "embedding": lambda: embedder.embed([_GREETING]),
            "chat": lambda: _first_piece(chat),
        }
        self._errors: dict[str, str] = {}
        self._at: dict[str, float] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}

    def __call__(self, observation: TelemetryEvent) -> None:
        if isinstance(observation, ModelCalled):
            self._note(observation.service, observation.error)

    async def problems(self) -> dict[str, str]:
        """Return the problems of the models, by `chat` and `embedding`."""
        for service in self._ask:
            if self._is_due(service) and service not in self._asking:
                self._asking[service] = asyncio.create_task(self._try(service))
        if self._asking:
            await asyncio.wait(set(self._asking.values()), timeout=CHECK_TIMEOUT)
        return {service: problem for service in self._ask if (problem := self._problem(service))}

    async def aclose(self) -> None:
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _note(self, service: str, error: str = "") -> None:
        self._errors[service] = error
        self._at[service] = monotonic()

    def _is_due(self, service: str) -> bool:
        if service not in self._at:
            return service == "embedding"
        age = monotonic() - self._at[service]
        if self._errors[service] in DOWN:
            return age > RETRY_AFTER
        return service == "embedding" and age > FRESH

    def _problem(self, service: str) -> str:
        error = self._errors.get(service)
        if error is None:
            return f"The {service} model has not responded yet." if service in self._asking else ""
        return f"The {service} model {DOWN[error]}." if error in DOWN else ""

    async def _try(self, service: str) -> None:
        try:
            await self._ask[service]()
        except FootnotedError as error:
            log.info("model check failed", service=service, error=error.code)
            self._note(service, error.code)
        else:
            self._note(service)
        finally:
            self._asking.pop(service, None)


class Health:
    """Checks all components; `models` is None offline."""

    def __init__(self, bot: Bot, platforms: Sequence[Reachable], models: ModelHealth | None) -> None:
        self._bot = bot
        self._platforms = platforms
        self._models = models

    async def problems(self) -> dict[str, str]:
        problems = {platform.name: platform.problem() for platform in self._platforms}
        try:
            async with asyncio.timeout(CHECK_TIMEOUT):
                problems["posts"] = "" if (await self._bot.catalog.stats()).posts else "No posts have been read yet."
        except (RedisError, TimeoutError):
            problems["redis"] = IndexUnavailableError.user_message
        if self._models:
            problems |= await self._models.problems()
        return {part: problem for part, problem in problems.items() if problem}


async def _first_piece(chat: ChatModel) -> None:
    prompt = Prompt("Answer in one word.", (), _GREETING, Question(_GREETING))
    async with aclosing(chat.stream(prompt)) as pieces:
        await anext(pieces, "")

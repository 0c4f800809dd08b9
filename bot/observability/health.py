"""Whether all parts can do their work, for whoever asks `/readyz`."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from time import monotonic

import structlog
from redis.exceptions import RedisError

from bot.app import Bot
from bot.platforms import Platform
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
"""Seconds for which it counts that a model has answered."""

TRIED_AGAIN_AFTER = 30.0
"""Seconds after which a model that has failed is asked again."""

WAITS = 2.0
"""Seconds that whoever asks waits for Redis, and for a model; what a model says later is known the next time."""

DOWN = {kind.code: kind.health for kind in ModelError.__subclasses__() if kind.health}
"""Failures that are about a model's server. With others it has answered, though not well."""

_GREETING = "Are you there?"


class ModelHealth:
    """Knows from what it is told how each model answered last. A model that failed is asked again now and then, with a
    few words; so is the embedding model when nobody else has asked it for a while."""

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
        """What keeps a model from answering, by `chat` and `embedding`."""
        for service in self._ask:
            if self._is_due(service) and service not in self._asking:
                self._asking[service] = asyncio.create_task(self._try(service))
        if self._asking:
            await asyncio.wait(set(self._asking.values()), timeout=WAITS)
        return {service: problem for service in self._ask if (problem := self._problem(service))}

    async def aclose(self) -> None:
        """Asks no more."""
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
            return age > TRIED_AGAIN_AFTER
        return service == "embedding" and age > FRESH

    def _problem(self, service: str) -> str:
        error = self._errors.get(service)
        if error is None:
            return f"The {service} model has not answered yet." if service in self._asking else ""
        return f"The {service} model {DOWN[error]}." if error in DOWN else ""

    async def _try(self, service: str) -> None:
        try:
            await self._ask[service]()
        except FootnotedError as error:
            log.info("a model does not answer", service=service, error=error.code)
            self._note(service, error.code)
        else:
            self._note(service)
        finally:
            self._asking.pop(service, None)


class Health:
    """All parts of a bot. Offline there is no server of a model to ask."""

    def __init__(self, bot: Bot, platforms: Sequence[Platform], models: ModelHealth | None) -> None:
        self._bot = bot
        self._platforms = platforms
        self._models = models

    async def problems(self) -> dict[str, str]:
        """What keeps the bot from doing its work, by the names of its parts."""
        problems = {platform.name: platform.problem() for platform in self._platforms}
        try:
            async with asyncio.timeout(WAITS):
                problems["posts"] = "" if (await self._bot.catalog.stats()).posts else "Nothing has been read yet."
        except (RedisError, TimeoutError):
            problems["redis"] = IndexUnavailableError.user_message
        if self._models:
            problems |= await self._models.problems()
        return {part: problem for part, problem in problems.items() if problem}


async def _first_piece(chat: ChatModel) -> None:
    prompt = Prompt("Answer in one word.", (), _GREETING, Question(_GREETING))
    async with aclosing(chat.stream(prompt)) as pieces:
        await anext(pieces, "")

"""Retries of Redis commands that are counted in telemetry."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from redis.asyncio.retry import Retry

from core.telemetry import RequestRetried, emit

Result = TypeVar("Result")


class InstrumentedRetry(Retry):
    """Behaves like redis-py's `Retry` and emits `RequestRetried` for each repetition."""

    async def call_with_retry(self, do: Callable[[], Awaitable[Result]], *args: Any, **kwargs: Any) -> Result:
        first = True

        async def attempt() -> Result:
            nonlocal first
            if not first:
                emit(RequestRetried("redis"))
            first = False
            return await do()

        result: Result = await super().call_with_retry(attempt, *args, **kwargs)
        return result

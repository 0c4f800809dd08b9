"""Commands to Redis are made again when a connection fails, and whoever watches is told so."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from redis.asyncio.retry import Retry

from core.telemetry import RequestRetried, emit

Result = TypeVar("Result")


class InstrumentedRetry(Retry):
    """As redis-py's own."""

    async def call_with_retry(self, do: Callable[[], Awaitable[Result]], *how: Any, **more: Any) -> Result:
        first = True

        async def again() -> Result:
            nonlocal first
            if not first:
                emit(RequestRetried("redis"))
            first = False
            return await do()

        result: Result = await super().call_with_retry(again, *how, **more)
        return result

"""Wait for a condition without polling."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


class Changes:
    """Reevaluates the conditions of all waiters on every `changed`."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def changed(self) -> None:
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
        self._waiting.clear()

    async def until(self, predicate: Callable[[], Value | None], within: float = 5.0) -> Value:
        """Return the predicate's result once it is true. Raise TimeoutError after so many seconds."""
        async with asyncio.timeout(within):
            while not (value := predicate()):
                waiting = asyncio.get_running_loop().create_future()
                self._waiting.add(waiting)
                await waiting
        return value

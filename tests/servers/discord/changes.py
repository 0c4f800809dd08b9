"""Wait for a condition without polling."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


class Changes:
    """Whoever changes anything calls `changed`; whoever waits is asked again then."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def changed(self) -> None:
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
        self._waiting.clear()

    async def until(self, predicate: Callable[[], Value | None], within: float = 5.0) -> Value:
        """What the predicate returns, as soon as that is true. Raises TimeoutError after so many seconds."""
        async with asyncio.timeout(within):
            while not (value := predicate()):
                waiting = asyncio.get_running_loop().create_future()
                self._waiting.add(waiting)
                await waiting
        return value

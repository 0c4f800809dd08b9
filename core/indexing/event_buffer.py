"""Events on their way from a run to the one who reads its stream."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from core.indexing.run_events import RunPlanned, RunProgressed, RunStarted


class EventBuffer:
    """Takes events at any pace, gives them at the reader's: of progress that was not read yet, only the newest is kept,
    so it never grows. `planned` and `progressed` are the newest of their kind, for those who do not read along."""

    def __init__(self) -> None:
        self.planned: RunPlanned | None = None
        self.progressed: RunProgressed | None = None
        self._waiting: deque[RunStarted | RunPlanned | RunProgressed] = deque()
        self._more = asyncio.Event()
        self._closed = False

    def put(self, event: RunStarted | RunPlanned | RunProgressed) -> None:
        """Returns at once."""
        match event:
            case RunPlanned():
                self.planned = event
            case RunProgressed():
                self.progressed = event
                if self._waiting and isinstance(self._waiting[-1], RunProgressed):
                    self._waiting.pop()
        self._waiting.append(event)
        self._more.set()

    def close(self) -> None:
        """Whoever reads gets what is left, and then the end."""
        self._closed = True
        self._more.set()

    async def __aiter__(self) -> AsyncIterator[RunStarted | RunPlanned | RunProgressed]:
        while self._waiting or not self._closed:
            await self._more.wait()
            self._more.clear()
            while self._waiting:
                yield self._waiting.popleft()

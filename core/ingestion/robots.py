"""What sites ask of robots in their robots.txt. Each is read once."""

import asyncio
from collections.abc import Awaitable, Callable

from protego import Protego
from yarl import URL

ROBOT = "Footnoted"

Read = Callable[[URL, str], Awaitable[bytes]]
"""Reads a robots.txt, for a configured address; empty where there is none. What it raises, whoever asked is told."""


class Robots:
    def __init__(self, read: Read) -> None:
        self._read = read
        self._rules: dict[URL, asyncio.Task[Protego]] = {}

    async def of(self, url: URL, home: str) -> Protego:
        """The rules of the site. Whoever asks first has them read; a reading that failed is tried again."""
        origin = url.origin()
        if origin not in self._rules:
            self._rules[origin] = asyncio.create_task(self._parsed(origin, home))
            self._rules[origin].add_done_callback(lambda task: self._forget(origin, task))
        return await asyncio.shield(self._rules[origin])

    def _forget(self, origin: URL, task: asyncio.Task[Protego]) -> None:
        if task.cancelled() or task.exception():
            del self._rules[origin]

    async def _parsed(self, origin: URL, home: str) -> Protego:
        text = (await self._read(origin / "robots.txt", home)).decode("utf-8", "replace")
        return await asyncio.to_thread(Protego.parse, text)

    async def aclose(self) -> None:
        tasks = list(self._rules.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def allows(rules: Protego, url: URL) -> bool:
    return bool(rules.can_fetch(str(url), ROBOT))


def delay(rules: Protego) -> float:
    """Seconds between two requests that the site asks for."""
    rate = rules.request_rate(ROBOT)
    return max(rules.crawl_delay(ROBOT) or 0.0, rate.seconds / rate.requests if rate and rate.requests else 0.0)

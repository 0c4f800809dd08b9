"""robots.txt of sites (RFC 9309), each fetched once per run."""

import asyncio
from collections.abc import Awaitable, Callable

from protego import Protego
from yarl import URL

from core.ingestion.fetch_result import SiteDownError

ROBOT_NAME = "Footnoted"

FetchRobots = Callable[[URL, str], Awaitable[bytes]]
"""Fetches a robots.txt on behalf of a configured source address; empty if there is none."""


class RobotsCache:
    """The rules of each site that was asked for."""

    def __init__(self, fetch: FetchRobots) -> None:
        self._fetch = fetch
        self._rules: dict[URL, asyncio.Task[Protego]] = {}

    async def rules_for(self, url: URL, home: str) -> Protego:
        """Return the rules of a URL's site, fetching them once for all concurrent callers. Raises SiteDownError if they
        are unknown, so that nothing may be fetched (§2.3.1.4), and AddressBlockedError."""
        origin = url.origin()
        if origin not in self._rules:
            self._rules[origin] = asyncio.create_task(self._load(origin, home))
            self._rules[origin].add_done_callback(lambda task: self._drop_failed(origin, task))
        return await asyncio.shield(self._rules[origin])

    def _drop_failed(self, origin: URL, task: asyncio.Task[Protego]) -> None:
        # Except for a site that is down, which would be asked again for every page.
        if task.cancelled() or not (task.exception() is None or isinstance(task.exception(), SiteDownError)):
            del self._rules[origin]

    async def _load(self, origin: URL, home: str) -> Protego:
        text = (await self._fetch(origin / "robots.txt", home)).decode("utf-8", "replace")
        return await asyncio.to_thread(Protego.parse, text)

    async def aclose(self) -> None:
        tasks = list(self._rules.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def is_allowed(rules: Protego, url: URL) -> bool:
    """Return whether the site lets this bot fetch the URL."""
    return bool(rules.can_fetch(str(url), ROBOT_NAME))


def sitemaps_of(rules: Protego) -> tuple[str, ...]:
    """Return the addresses of the sitemaps that a robots.txt names."""
    return tuple(dict.fromkeys(rules.sitemaps))


def crawl_delay(rules: Protego) -> float:
    """Return the seconds that the site wants between two requests."""
    rate = rules.request_rate(ROBOT_NAME)
    return max(rules.crawl_delay(ROBOT_NAME) or 0.0, rate.seconds / rate.requests if rate and rate.requests else 0.0)

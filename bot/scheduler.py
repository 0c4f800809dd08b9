"""Background reindexing of a serving bot: at startup if needed, then every REINDEX_EVERY."""

import asyncio
import random
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain, repeat

import structlog
from redis.exceptions import RedisError
from rich.console import Console

from bot.app import Bot
from bot.cli.reindex_output import progress_bar
from core.errors import FootnotedError, to_footnoted_error
from core.indexing.progress import Progress

log = structlog.get_logger()

RETRY_DELAYS = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Seconds before each retry of a run that indexed nothing; the last one repeats."""

MAX_JITTER = timedelta(seconds=5)
"""Keeps processes that start together from checking together."""

CHECK_EVERY = timedelta(seconds=5)
"""Interval of checking that Redis still has the posts."""


class ReindexScheduler:
    """Runs reindexing in the background; `progress` is None between runs."""

    def __init__(self, bot: Bot, console: Console) -> None:
        self._bot = bot
        self._console = console
        self.progress: Progress | None = None

    async def run(self) -> None:
        """Reindex when needed and when due, in one of all processes; start over if Redis loses the posts."""
        while True:
            await self._fill_index()
            while await self._wait_until_due():
                await self._try_reindex("REINDEX_EVERY has passed")

    async def _fill_index(self) -> None:
        """Reindex, with retries, until there are posts and no reason to reindex."""
        for seconds in _delays():
            try:
                reason = await self._bot.reindex_reason()
            except RedisError as error:
                _log_failure(error)
            else:
                if not reason or (await self._try_reindex(reason) and await self._has_posts()):
                    return
            await asyncio.sleep(seconds)

    async def _wait_until_due(self) -> bool:
        """Wait for the next scheduled run, possibly forever.

        Return False if the posts are gone: a Redis without persistence restarts empty.
        """
        every, due = self._bot.settings.reindex_every, timedelta.max
        while True:
            try:
                if await self._bot.is_empty():
                    return False
                if every:
                    due = await self._bot.reindexer.due_in(every)
                if due <= timedelta():
                    return True
            except RedisError as error:
                log.debug("schedule check failed", cause=str(error))
            jitter = random.uniform(0, min(MAX_JITTER, (every or MAX_JITTER) / 10).total_seconds())
            await asyncio.sleep(max(min(due, CHECK_EVERY).total_seconds(), 0) + jitter)

    async def _try_reindex(self, reason: str) -> bool:
        """Return True if the run succeeded; log the error otherwise."""
        try:
            await self._reindex(reason)
        except (FootnotedError, RedisError) as error:
            _log_failure(error)
            return False
        return True

    async def _reindex(self, reason: str) -> None:
        log.info("reindex started", reason=reason)
        self.progress = Progress()
        try:
            with progress_bar(self._console) as show_progress:

                def on_progress(progress: Progress) -> None:
                    self.progress = progress
                    show_progress(progress)

                report = await self._bot.reindex(on_progress)
        finally:
            self.progress = None
        for failure in report.failures:
            log.warning(
                "source read failed" if failure.whole_source else "post read failed",
                address=failure.address,
                reason=failure.reason,
            )

    async def _has_posts(self) -> bool:
        return (await self._bot.catalog.stats()).posts > 0


def _delays() -> Iterator[float]:
    return chain(RETRY_DELAYS, repeat(RETRY_DELAYS[-1]))


def _log_failure(error: FootnotedError | RedisError) -> None:
    known = to_footnoted_error(error)
    log.error("reindex failed", error_id=known.id, cause=str(known))

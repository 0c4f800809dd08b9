"""Reading the sources in the background of a bot that serves: at its start when that is needed, then by the clock."""

import asyncio
import random
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain, repeat

import structlog
from redis.exceptions import RedisError
from rich.console import Console

from bot.app import Bot
from bot.cli.reindex_output import reading_bar
from core.errors import FootnotedError, to_footnoted_error
from core.indexing.progress import Progress

log = structlog.get_logger()

TRIED_AGAIN_AFTER = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Seconds until a reading that brought nothing is tried again; from the last on, always so many."""

MOST_JITTER = timedelta(seconds=5)
"""Processes that start together should not look at their clocks together."""

LOOK_EVERY = timedelta(seconds=5)
"""How often it is looked whether Redis still has the posts."""


class ReindexScheduler:
    """The background reading of the sources; `progress` is None when none is running."""

    def __init__(self, bot: Bot, console: Console) -> None:
        self._bot = bot
        self._console = console
        self.progress: Progress | None = None

    async def keep_up(self) -> None:
        """Reads the sources when that is needed, and with REINDEX_EVERY again and again; in one process of many. When
        Redis has lost the posts, all begins anew."""
        while True:
            await self._begin()
            while await self._until_due():
                await self._tried("the clock says so")

    async def _begin(self) -> None:
        """Until there is something to answer from."""
        for seconds in _delays():
            try:
                reason = await self._bot.reindex_reason()
            except RedisError as error:
                _log_failure(error)
            else:
                if not reason or (await self._tried(reason) and await self._anything()):
                    return
            await asyncio.sleep(seconds)

    async def _until_due(self) -> bool:
        """Waits for the clock, which may be for ever. False when the posts are gone meanwhile: a Redis that keeps
        nothing on disk comes back empty."""
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
                log.debug("whether there is anything to do cannot be known", cause=str(error))
            jitter = random.uniform(0, min(MOST_JITTER, (every or MOST_JITTER) / 10).total_seconds())
            await asyncio.sleep(max(min(due, LOOK_EVERY).total_seconds(), 0) + jitter)

    async def _tried(self, reason: str) -> bool:
        """Whether a run went through. What goes wrong is logged."""
        try:
            await self._read(reason)
        except (FootnotedError, RedisError) as error:
            _log_failure(error)
            return False
        return True

    async def _read(self, reason: str) -> None:
        log.info("the sources are being read", reason=reason)
        self.progress = Progress()
        try:
            with reading_bar(self._console) as tell:

                def told(progress: Progress) -> None:
                    self.progress = progress
                    tell(progress)

                report = await self._bot.reindex(told)
        finally:
            self.progress = None
        for failure in report.failures:
            log.warning("something was not read", address=failure.address, reason=failure.reason)

    async def _anything(self) -> bool:
        return (await self._bot.catalog.stats()).posts > 0


def _delays() -> Iterator[float]:
    return chain(TRIED_AGAIN_AFTER, repeat(TRIED_AGAIN_AFTER[-1]))


def _log_failure(error: FootnotedError | RedisError) -> None:
    known = to_footnoted_error(error)
    log.error("the sources were not read", error_id=known.id, cause=str(known))

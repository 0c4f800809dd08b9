"""Doing something to the posts under the lease: it is recorded, told to all processes, and can be stopped by them."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from time import perf_counter

import structlog
from redis.asyncio import Redis

from core.delivery.delivering import as_known
from core.memory import keys
from core.memory.lease import LASTS, lease
from core.reindexing.audit import Act, Audit, Record
from core.reindexing.bulletin import Bulletin, as_holder
from core.reindexing.events import Run
from core.reindexing.outbox import Outbox
from core.reindexing.progress import Progress, Report
from core.watching import RanOver, tell

log = structlog.get_logger()


class Holding:
    """One run, from taking the lease to giving it back."""

    def __init__(self, redis: Redis, audit: Audit, run: Run, act: Act, outbox: Outbox) -> None:
        self._redis = redis
        self._audit = audit
        self._run = run
        self._act: Act = act
        self._outbox = outbox
        self._bulletin = Bulletin(redis, run)
        self._working: asyncio.Future[Report] | None = None
        self._stopped = False

    async def do(self, work: Callable[[], Awaitable[Report]]) -> Report:
        """What `work` reports, or that it was cancelled. Raises AlreadyReading, and what `work` raises.

        How it ended is recorded before the lease is free, so that whoever waits for that finds it.
        """
        try:
            async with lease(self._redis, keys.READING, as_holder(self._run), self._beat):
                return await self._recorded(work)
        except* Exception as group:
            raise first_of(group) from group

    async def _beat(self) -> None:
        wanted = await self._bulletin.tell(self._outbox.planned, self._outbox.progressed, lasting=LASTS)
        if wanted and self._working and not self._stopped:
            self._stopped = True
            self._working.cancel()

    async def _recorded(self, work: Callable[[], Awaitable[Report]]) -> Report:
        began = perf_counter()
        await self._write()
        try:
            report = await self._stoppable(work, began)
        except asyncio.CancelledError:
            # Whoever started it has left; all who watch should know that it did not die.
            tell(RanOver("cancelled"))
            await self._write(self._cancelled(began))
            raise
        except Exception as error:
            known = as_known(first_of(error) if isinstance(error, ExceptionGroup) else error)
            tell(RanOver("failed"))
            log.warning("a run failed", run=self._run.id, error_id=known.id, cause=str(known))
            await self._write(error=f"{known.for_people} ({known.id})")
            raise
        tell(RanOver(report.outcome))
        await self._write(report)
        return report

    async def _stoppable(self, work: Callable[[], Awaitable[Report]], began: float) -> Report:
        self._working = asyncio.ensure_future(work())
        try:
            return await self._working
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._stopped and task and not task.cancelling():
                return self._cancelled(began)
            raise

    def _cancelled(self, began: float) -> Report:
        progress = self._outbox.progressed.progress if self._outbox.progressed else Progress()
        return Report(progress, perf_counter() - began, outcome="cancelled")

    async def _write(self, report: Report | None = None, error: str = "") -> None:
        await self._audit.write(Record(self._run, self._act, datetime.now(UTC), report, error))


def first_of(error: BaseException) -> Exception:
    """The error that ended a run; others in its group are what it caused."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, Exception)
    return error

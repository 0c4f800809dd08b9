"""Doing something to the posts under the lease: it is recorded, told to all processes, and can be stopped by them."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from time import perf_counter

import structlog
from redis.asyncio import Redis

from core.errors import RunInProgressError, to_footnoted_error
from core.indexing.audit import Act, Audit, AuditRecord
from core.indexing.event_buffer import EventBuffer
from core.indexing.progress import Progress, Report
from core.indexing.run_events import ReindexRun
from core.indexing.run_status import RunStatusStore, as_holder
from core.storage import keys
from core.storage.lease import TTL, LeaseHeldError, lease
from core.telemetry import RunFinished, emit

log = structlog.get_logger()


class LockedRun:
    """One run, from taking the lease to giving it back."""

    def __init__(self, redis: Redis, audit: Audit, run: ReindexRun, act: Act, outbox: EventBuffer) -> None:
        self._redis = redis
        self._audit = audit
        self._run = run
        self._act: Act = act
        self._outbox = outbox
        self._bulletin = RunStatusStore(redis, run)
        self._working: asyncio.Future[Report] | None = None
        self._stopped = False

    async def do(self, work: Callable[[], Awaitable[Report]]) -> Report:
        """What `work` reports, or that it was cancelled. Raises RunInProgressError, and what `work` raises.

        How it ended is recorded before the lease is free, so that whoever waits for that finds it.
        """
        try:
            async with lease(self._redis, keys.RUN_LEASE, as_holder(self._run), self._beat):
                return await self._recorded(work)
        except* LeaseHeldError as group:
            raise RunInProgressError from group
        except* Exception as group:
            raise first_of(group) from group

    async def _beat(self) -> None:
        wanted = await self._bulletin.tell(self._outbox.planned, self._outbox.progressed, lasting=TTL)
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
            emit(RunFinished("cancelled"))
            await self._write(self._cancelled(began))
            raise
        except Exception as error:
            known = to_footnoted_error(first_of(error) if isinstance(error, ExceptionGroup) else error)
            emit(RunFinished("failed"))
            log.warning("a run failed", run=self._run.id, error_id=known.id, cause=str(known))
            await self._write(error=f"{known.user_message} ({known.id})")
            raise
        emit(RunFinished(report.outcome))
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
        await self._audit.write(AuditRecord(self._run, self._act, datetime.now(UTC), report, error))


def first_of(error: BaseException) -> Exception:
    """The error that ended a run; others in its group are what it caused."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, Exception)
    return error

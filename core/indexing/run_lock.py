"""Run one job at a time across all processes."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from time import perf_counter

import structlog
from redis.asyncio import Redis

from core.errors import RunInProgressError, first_error, to_footnoted_error
from core.indexing.progress import Progress, Report
from core.indexing.run_events import EventBuffer, ReindexRun
from core.indexing.run_status import Action, AuditLog, AuditRecord, RunStatusStore, to_lock_token
from core.storage import keys
from core.storage.lease import TTL, LeaseHeldError, lease
from core.telemetry import RunFinished, emit

log = structlog.get_logger()


class LockedRun:
    """One run from taking the lock to releasing it: audited, published to other processes, cancellable by them."""

    def __init__(self, redis: Redis, audit: AuditLog, run: ReindexRun, action: Action, events: EventBuffer) -> None:
        self._redis = redis
        self._audit = audit
        self._run = run
        self._action: Action = action
        self._events = events
        self._status = RunStatusStore(redis, run)
        self._job: asyncio.Future[Report] | None = None
        self._cancelled = False

    async def execute(self, job: Callable[[], Awaitable[Report]]) -> Report:
        """Run a job under the lock and return its report, or one with the outcome "cancelled".

        The end is audited before the lock is released: a process that waits for the lock finds it. Raises
        RunInProgressError and whatever `job` raises.
        """
        try:
            async with lease(self._redis, keys.RUN_LEASE, to_lock_token(self._run), self._heartbeat):
                return await self._run_audited(job)
        except LeaseHeldError as error:
            raise RunInProgressError from error
        except ExceptionGroup as group:
            raise first_error(group) from group

    async def _heartbeat(self) -> None:
        cancel = await self._status.publish(self._events.planned, self._events.progressed, ttl=TTL)
        if cancel and self._job and not self._cancelled:
            self._cancelled = True
            self._job.cancel()

    async def _run_audited(self, job: Callable[[], Awaitable[Report]]) -> Report:
        began = perf_counter()
        await self._record()
        try:
            report = await self._run_cancellable(job, began)
        except asyncio.CancelledError:
            # The person who started it has left. Record that, so that watchers do not take it for dead.
            emit(RunFinished("cancelled"))
            await self._record(self._cancelled_report(began))
            raise
        except Exception as error:
            known = to_footnoted_error(first_error(error))
            emit(RunFinished("failed"))
            log.warning("reindex run failed", run=self._run.id, error_id=known.id, cause=str(known))
            await self._record(error=f"{known.user_message} ({known.id})")
            raise
        emit(RunFinished(report.outcome))
        await self._record(report)
        return report

    async def _run_cancellable(self, job: Callable[[], Awaitable[Report]], began: float) -> Report:
        self._job = asyncio.ensure_future(job())
        try:
            return await self._job
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._cancelled and task and not task.cancelling():
                return self._cancelled_report(began)
            raise

    def _cancelled_report(self, began: float) -> Report:
        progress = self._events.progressed.progress if self._events.progressed else Progress()
        return Report(progress, perf_counter() - began, outcome="cancelled")

    async def _record(self, report: Report | None = None, error: str = "") -> None:
        await self._audit.append(AuditRecord(self._run, self._action, datetime.now(UTC), report, error))

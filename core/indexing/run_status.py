"""The state of runs in Redis: the lock and live status of the current one, and an audit log of all."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any

import structlog
from pydantic import TypeAdapter
from redis.asyncio import Redis

from core.errors import RunInProgressError, to_footnoted_error
from core.exception_groups import first_error
from core.indexing.progress import Progress, Report
from core.indexing.run_events import Action, AuditRecord, EventBuffer, ReindexRun, RunPlanned, RunProgressed
from core.storage import keys
from core.storage.connection import as_text
from core.storage.lease import TTL, LeaseHeldError, lease
from core.telemetry import RunFinished, emit

log = structlog.get_logger()

CANCEL_TTL = timedelta(minutes=5)
"""A cancel request that no process picks up expires after this long."""

MAX_AUDIT_RECORDS = 1_000
"""A run writes two records; the oldest ones are trimmed."""

AUDIT_PAGE_SIZE = 50

MAX_TITLES = 50
"""Titles and failures of each kind that an audit record keeps."""

_run = TypeAdapter(ReindexRun)
_planned = TypeAdapter(RunPlanned)
_progressed = TypeAdapter(RunProgressed)


def to_lock_token(run: ReindexRun) -> str:
    """Serialize a run as the token with which it holds the run lock."""
    return _run.dump_json(run).decode()


def from_lock_token(token: str) -> ReindexRun:
    """Restore the run that holds the run lock."""
    return _run.validate_json(token)


class RunStatusStore:
    """The latest plan and progress of one run, for other processes, and their requests to cancel it."""

    def __init__(self, redis: Redis, run: ReindexRun) -> None:
        self._redis = redis
        self._status_key = keys.run_status(run.id)
        self._cancel_key = keys.cancel_request(run.id)

    async def publish(self, planned: RunPlanned | None, progressed: RunProgressed | None, ttl: timedelta) -> bool:
        """Publish plan and progress; return True if a cancel was requested."""
        async with self._redis.pipeline(transaction=False) as pipe:
            if planned:
                pipe.hset(self._status_key, "planned", _planned.dump_json(planned, by_alias=True))
            if progressed:
                pipe.hset(self._status_key, "progressed", _progressed.dump_json(progressed))
            pipe.pexpire(self._status_key, ttl)
            pipe.exists(self._cancel_key)
            return bool((await pipe.execute())[-1])

    async def read(self) -> tuple[RunPlanned | None, RunProgressed | None]:
        """Return the latest plan and progress, as far as they were published."""
        planned, progressed = await self._redis.hmget(self._status_key, "planned", "progressed")
        return (
            _planned.validate_json(planned) if planned else None,
            _progressed.validate_json(progressed) if progressed else None,
        )

    async def request_cancel(self) -> None:
        """Ask the process that runs it to stop at its next heartbeat."""
        await self._redis.set(self._cancel_key, "", px=CANCEL_TTL)


_record = TypeAdapter(AuditRecord)


class AuditLog:
    """An append-only stream of who changed the posts, when, and with which result."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def append(self, record: AuditRecord) -> None:
        """Add a record, with its report cut to `MAX_TITLES` per list."""
        report = record.report and record.report.shortened(MAX_TITLES)
        line = _record.dump_json(replace(record, report=report), by_alias=True)
        await self._redis.xadd(keys.AUDIT, {"record": line}, maxlen=MAX_AUDIT_RECORDS)

    async def latest(self, limit: int) -> tuple[AuditRecord, ...]:
        """Return the last record of each of the latest runs, newest first."""
        runs: dict[str, AuditRecord] = {}
        async for record in self._newest_first():
            if record.run.id not in runs and len(runs) == limit:
                break
            runs.setdefault(record.run.id, record)
        return tuple(runs.values())

    async def end_of(self, run: ReindexRun) -> AuditRecord | None:
        """Return how a run ended, or None if it has not."""
        async for record in self._newest_first():
            if record.run.id == run.id:
                return record if record.ended else None
        return None

    async def _newest_first(self) -> AsyncGenerator[AuditRecord, None]:
        before = "+"
        while True:
            page: list[Any] = await self._redis.xrevrange(keys.AUDIT, max=before, count=AUDIT_PAGE_SIZE) or []
            for _, fields in page:
                yield _record.validate_json(fields[b"record"])
            if len(page) < AUDIT_PAGE_SIZE:
                return
            before = f"({as_text(page[-1][0])}"


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

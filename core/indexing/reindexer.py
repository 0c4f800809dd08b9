"""The entry point to runs for all platforms: start or join one, cancel it, roll back."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence, Set
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from time import perf_counter

import structlog
from redis.asyncio import Redis

from core.domain import Person
from core.errors import (
    AdminRequiredError,
    NoPreviousVersionError,
    RunFailedError,
    RunInProgressError,
    UnknownSourceError,
)
from core.index.in_place import can_undo, undo
from core.index.publication import roll_back
from core.index.version import PostRecord, live_version
from core.indexing.options import ReindexOptions
from core.indexing.progress import Diff, PostTitle, Progress, Report
from core.indexing.run_events import (
    Action,
    AuditRecord,
    Emit,
    EventBuffer,
    ReindexEvent,
    ReindexRun,
    RunEnded,
    RunPlanned,
    RunProgressed,
    RunStarted,
    RunStatus,
)
from core.indexing.run_status import AuditLog, LockedRun, RunStatusStore, from_lock_token
from core.storage import keys
from core.storage.lease import holder_of

log = structlog.get_logger()

WATCH_INTERVAL = 0.25
"""Seconds between two looks at a run in another process."""

SCHEDULE_LOOKBACK = 50
"""Runs searched for the latest one of all sources."""

Job = Callable[[ReindexOptions, Emit], Awaitable[Report]]
"""Carries out a request. When cancelled, it leaves the live index as it was and keeps what was embedded."""


class Reindexer:
    """Lets admins run `job` and `roll_back`, one at a time across all processes.

    Closing the stream of a started run cancels it; closing the stream of a joined run only ends the watching.
    """

    def __init__(
        self, redis: Redis, sources: Sequence[str], job: Job, roll_back: Callable[[], Awaitable[Report]]
    ) -> None:
        self._redis = redis
        self._sources = sources
        self._job = job
        self._roll_back = roll_back
        self._audit = AuditLog(redis)

    async def reindex(self, options: ReindexOptions) -> AsyncGenerator[ReindexEvent, None]:
        """Start a run, or join the current one and take over if it dies.

        Raises AdminRequiredError, UnknownSourceError, RunFailedError when a joined run fails, and what `job` raises.
        """
        require_admin(options.person)
        if options.source and options.source not in self._sources:
            raise UnknownSourceError(options.source, self._sources)
        ended = False
        while not ended:
            running = None if options.dry_run else await self.running()
            events = self._watch(running) if running else self._start(options)
            try:
                async with aclosing(events):
                    async for event in events:
                        yield event
                        ended = isinstance(event, RunEnded)
            except RunInProgressError:
                continue  # another process took the lock first

    async def rollback(self, person: Person) -> Report:
        """Switch back to the previous posts.

        Raises AdminRequiredError, RunInProgressError and NoPreviousVersionError.
        """
        require_admin(person)
        return await self._execute(ReindexRun.start(person.name), "rollback", self._roll_back, EventBuffer())

    async def cancel(self, person: Person) -> bool:
        """Ask the current run to stop, in any process; return False if there is none. Raises AdminRequiredError."""
        require_admin(person)
        run = await self.running()
        if run is None:
            return False
        log.info("reindex cancel requested", run=run.id, by=person.name)
        await RunStatusStore(self._redis, run).request_cancel()
        return True

    async def running(self) -> ReindexRun | None:
        """Return the run that holds the lock, in any process."""
        token = await holder_of(self._redis, keys.RUN_LEASE)
        return from_lock_token(token) if token else None

    async def status(self) -> RunStatus | None:
        """Return the current run with its latest plan and progress, in any process; None if there is none."""
        run = await self.running()
        if run is None:
            return None
        planned, progressed = await RunStatusStore(self._redis, run).read()
        return RunStatus(run, planned.plan if planned else None, progressed.progress if progressed else None)

    async def due_in(self, every: timedelta) -> timedelta:
        """Return the time until the next scheduled run of all sources; zero or less when it is due.

        A run that broke off is repeated at once.
        """
        running = await self.running()
        for record in await self._audit.latest(SCHEDULE_LOOKBACK):
            if record.action == "reindex" and not record.run.source:
                if not record.ended and record.run != running:
                    return timedelta()
                return record.run.at + every - datetime.now(UTC)
        return timedelta()

    async def history(self, limit: int = 20) -> tuple[AuditRecord, ...]:
        """Return the latest runs, newest first."""
        return await self._audit.latest(limit)

    async def _watch(self, run: ReindexRun) -> AsyncGenerator[ReindexEvent, None]:
        """Yield the events of a run in another process. The stream lacks `RunEnded` if that process died."""
        yield RunStarted(run, joined=True)
        status, seen = RunStatusStore(self._redis, run), set[RunPlanned | RunProgressed | None]()
        while await self.running() == run:
            for event in await status.read():
                if event and event not in seen:
                    seen.add(event)
                    yield event
            await asyncio.sleep(WATCH_INTERVAL)
        end = await self._audit.end_of(run)
        if end and end.report:
            yield RunEnded(end.report)
        elif end:
            raise RunFailedError(end.error)

    async def _start(self, options: ReindexOptions) -> AsyncGenerator[ReindexEvent, None]:
        run, buffer = ReindexRun.start(options.person.name, options.source), EventBuffer()

        async def job() -> Report:
            buffer.put(RunStarted(run))
            return await self._job(options, buffer.put)

        task = asyncio.create_task(job() if options.dry_run else self._execute(run, "reindex", job, buffer))
        task.add_done_callback(lambda _: buffer.close())
        try:
            async for event in buffer:
                yield event
            yield RunEnded(await task)
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _execute(
        self, run: ReindexRun, action: Action, job: Callable[[], Awaitable[Report]], buffer: EventBuffer
    ) -> Report:
        return await LockedRun(self._redis, self._audit, run, action, buffer).execute(job)


def require_admin(person: Person) -> None:
    """Raise AdminRequiredError for anyone else."""
    if not person.admin:
        raise AdminRequiredError


async def roll_back_run(redis: Redis) -> Report:
    """Undo the last change in place, or else switch to the previous index version. Raises NoPreviousVersionError."""
    began = perf_counter()
    version = await live_version(redis)
    if version is None:
        raise NoPreviousVersionError
    if await can_undo(redis, version):
        replaced = await undo(redis, version)
        seconds = perf_counter() - began
        before = {url: post.after for url, post in replaced.items() if post.after}
        after = {url: post.before for url, post in replaced.items() if post.before}
    else:
        newer, version = version, await roll_back(redis)
        seconds = perf_counter() - began
        before, after = await newer.ledger(), await version.ledger()
    diff = _diff(before, after)
    progress = Progress(listing=False, new=len(diff.new), changed=len(diff.changed), removed=len(diff.removed))
    return Report(progress, seconds, outcome="rolled back", diff=diff, posts=await version.post_count())


def _diff(before: Mapping[str, PostRecord], after: Mapping[str, PostRecord]) -> Diff:
    kept = before.keys() & after.keys()
    return Diff(
        new=_titles(after, after.keys() - kept),
        changed=_titles(after, {url for url in kept if before[url].text_digest != after[url].text_digest}),
        removed=_titles(before, before.keys() - kept),
    )


def _titles(records: Mapping[str, PostRecord], urls: Set[str]) -> tuple[PostTitle, ...]:
    return tuple(PostTitle(record.title, url, record.source) for url, record in records.items() if url in urls)

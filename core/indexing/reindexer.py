"""The one way to have the sources read again: who may, one run at a time in any process, and how others see it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from redis.asyncio import Redis

from core.domain import Person
from core.errors import AdminRequiredError, RunFailedError, RunInProgressError, UnknownSourceError
from core.indexing.audit import Act, Audit, AuditRecord
from core.indexing.event_buffer import EventBuffer
from core.indexing.progress import Report
from core.indexing.run_events import ReindexEvent, ReindexRun, RunEnded, RunPlanned, RunProgressed, RunStarted, Tell
from core.indexing.run_lock import LockedRun
from core.indexing.run_status import RunStatusStore, from_holder
from core.storage import keys
from core.storage.lease import holder_of

log = structlog.get_logger()

LOOK_EVERY = 0.25
"""Seconds after which whoever watches somebody else's run looks again."""

LOOKED_BACK = 50
"""Runs among which the last one of all sources is looked for; others are of one source, or steps back."""


@dataclass(frozen=True, slots=True)
class ReindexRequest:
    """What somebody wants. `source` names one source, all are read when it is empty. A `dry_run` writes nothing;
    `force` publishes also what has lost more than half of the posts."""

    by: Person
    source: str = ""
    dry_run: bool = False
    force: bool = False


Work = Callable[[ReindexRequest, Tell], Awaitable[Report]]
"""Carries out an order. Cancelled, it leaves what is answered from as it was, and keeps what was embedded."""


class Reindexer:
    """Admits admins, holds the lease, tells and records. `work` and `roll_back` do what it is about.

    Whoever closes the stream of a run that they started stops the run, as `cancel` does: what was embedded is kept for
    the next one, and all who watch it are told. Closing the stream of a run that was joined only ends the watching.
    """

    def __init__(
        self, redis: Redis, sources: Sequence[str], work: Work, roll_back: Callable[[], Awaitable[Report]]
    ) -> None:
        self._redis = redis
        self._sources = sources
        self._work = work
        self._roll_back = roll_back
        self._audit = Audit(redis)

    async def reindex(self, order: ReindexRequest) -> AsyncGenerator[ReindexEvent, None]:
        """Starts a run, or joins the one that runs. A run that was joined and died is taken over.

        Raises AdminRequiredError, UnknownSourceError, RunFailedError when a run that was joined fails, and what
        `work` raises.
        """
        _admit(order.by)
        if order.source and order.source not in self._sources:
            raise UnknownSourceError(order.source, self._sources)
        ended = False
        while not ended:
            running = None if order.dry_run else await self.running()
            events = self._watch(running) if running else self._start(order)
            try:
                async with aclosing(events):
                    async for event in events:
                        yield event
                        ended = isinstance(event, RunEnded)
            except RunInProgressError:
                continue  # somebody was faster

    async def rollback(self, by: Person) -> Report:
        """Answers from the edition before again, in one step. Raises AdminRequiredError, RunInProgressError,
        NoPreviousVersionError."""
        _admit(by)
        run = ReindexRun.begun_by(by.name)
        return await self._held(run, "rollback", self._roll_back, EventBuffer())

    async def cancel(self, by: Person) -> bool:
        """Asks the run to stop, in whatever process it is; False when none runs. Raises AdminRequiredError."""
        _admit(by)
        run = await self.running()
        if run is None:
            return False
        log.info("a run is to stop", run=run.id, by=by.name)
        await RunStatusStore(self._redis, run).request_cancel()
        return True

    async def running(self) -> ReindexRun | None:
        """The run that holds the lease, in any process."""
        holder = await holder_of(self._redis, keys.RUN_LEASE)
        return from_holder(holder) if holder else None

    async def due_in(self, every: timedelta) -> timedelta:
        """How long it is until all sources should be read again, `every` so often; nothing, or less, when it is time.
        A run that broke off is to be made good at once."""
        running = await self.running()
        for record in await self._audit.newest(LOOKED_BACK):
            if record.act == "reindex" and not record.run.source:
                if not record.ended and record.run != running:
                    return timedelta()
                return record.run.at + every - datetime.now(UTC)
        return timedelta()

    async def history(self, most: int = 20) -> tuple[AuditRecord, ...]:
        """At most so many runs, the newest first."""
        return await self._audit.newest(most)

    async def _watch(self, run: ReindexRun) -> AsyncGenerator[ReindexEvent, None]:
        """Somebody else's run. Without `RunEnded`, it died."""
        yield RunStarted(run, joined=True)
        bulletin, told = RunStatusStore(self._redis, run), set[RunPlanned | RunProgressed | None]()
        while await self.running() == run:
            for news in await bulletin.read():
                if news and news not in told:
                    told.add(news)
                    yield news
            await asyncio.sleep(LOOK_EVERY)
        end = await self._audit.end_of(run)
        if end and end.report:
            yield RunEnded(end.report)
        elif end:
            raise RunFailedError(end.error)

    async def _start(self, order: ReindexRequest) -> AsyncGenerator[ReindexEvent, None]:
        run, outbox = ReindexRun.begun_by(order.by.name, order.source), EventBuffer()

        async def work() -> Report:
            outbox.put(RunStarted(run))
            return await self._work(order, outbox.put)

        doing = asyncio.create_task(work() if order.dry_run else self._held(run, "reindex", work, outbox))
        doing.add_done_callback(lambda _: outbox.close())
        try:
            async for event in outbox:
                yield event
            yield RunEnded(await doing)
        finally:
            doing.cancel()
            await asyncio.wait([doing])

    async def _held(
        self, run: ReindexRun, act: Act, work: Callable[[], Awaitable[Report]], outbox: EventBuffer
    ) -> Report:
        return await LockedRun(self._redis, self._audit, run, act, outbox).do(work)


def _admit(person: Person) -> None:
    if not person.admin:
        raise AdminRequiredError

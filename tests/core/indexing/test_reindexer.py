"""Starting, joining, watching and cancelling runs."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from core.domain import Person
from core.errors import (
    AdminRequiredError,
    PublicationRefusedError,
    RunFailedError,
    RunInProgressError,
    UnknownSourceError,
)
from core.indexing.options import ReindexOptions
from core.indexing.progress import Plan, Progress, Report
from core.indexing.reindexer import Reindexer
from core.indexing.run_events import (
    AuditRecord,
    Emit,
    ReindexEvent,
    ReindexRun,
    RunEnded,
    RunPlanned,
    RunProgressed,
    RunStarted,
)
from core.indexing.run_status import AuditLog, to_lock_token
from core.storage import keys
from core.storage import lease as leasing
from core.storage.connection import connect

ANNA = Person("U1", "Anna", admin=True)
BEN = Person("U2", "Ben", admin=True)
EVE = Person("U3", "Eve")
DONE = Report(Progress(listed=3, listing=False, new=3), 1.0)


class FakeJob:
    """A job that waits until the test lets it finish."""

    def __init__(self) -> None:
        self.begun = 0
        self.go_on = asyncio.Event()
        self.error: Exception | None = None
        self.cancelled = False

    async def __call__(self, options: ReindexOptions, emit: Emit) -> Report:
        self.begun += 1
        emit(RunPlanned(Plan(new=3)))
        for new in range(4):
            emit(RunProgressed(Progress(listed=3, new=new)))
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        if self.error:
            raise self.error
        return DONE


@pytest.fixture
def job() -> FakeJob:
    return FakeJob()


@pytest.fixture(autouse=True)
def short_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leasing, "TTL", timedelta(seconds=1.5))


def reindexer(redis: Redis, job: FakeJob) -> Reindexer:
    async def roll_back() -> Report:
        return replace(DONE, outcome="rolled back")

    return Reindexer(redis, ["blog", "notes"], job, roll_back)


async def next_event(stream: AsyncGenerator[ReindexEvent, None], until: Callable[[ReindexEvent], bool]) -> ReindexEvent:
    async for event in stream:
        if until(event):
            return event
    raise AssertionError("the stream ended")


async def all_of(stream: AsyncGenerator[ReindexEvent, None]) -> list[ReindexEvent]:
    async with aclosing(stream):
        return [event async for event in stream]


def started(event: ReindexEvent) -> bool:
    return isinstance(event, RunStarted)


def progressed(event: ReindexEvent) -> bool:
    return isinstance(event, RunProgressed)


async def test_a_run_emits_its_start_its_plan_its_progress_and_its_report(redis: Redis, job: FakeJob) -> None:
    job.go_on.set()
    events = await all_of(reindexer(redis, job).reindex(ReindexOptions(ANNA)))
    assert [type(event) for event in events] == [RunStarted, RunPlanned, RunProgressed, RunEnded]
    assert isinstance(events[0], RunStarted)
    assert (events[0].run.by, events[0].joined) == ("Anna", False)
    assert events[2] == RunProgressed(Progress(listed=3, new=3))
    assert events[-1] == RunEnded(DONE)


async def test_only_admins_may_run_commands_and_only_for_configured_sources(redis: Redis, job: FakeJob) -> None:
    bot = reindexer(redis, job)
    for refused in (all_of(bot.reindex(ReindexOptions(EVE))), bot.rollback(EVE), bot.cancel(EVE)):
        with pytest.raises(AdminRequiredError):
            await refused
    with pytest.raises(UnknownSourceError, match="blog, notes"):
        await all_of(bot.reindex(ReindexOptions(ANNA, source="diary")))
    assert (job.begun, await bot.history()) == (0, ())


async def test_a_second_request_joins_the_run_of_another_process(redis: Redis, redis_url: str, job: FakeJob) -> None:
    async with connect(redis_url) as elsewhere:
        other = FakeJob()
        async with aclosing(reindexer(redis, job).reindex(ReindexOptions(ANNA))) as own:
            await next_event(own, started)
            async with aclosing(reindexer(elsewhere, other).reindex(ReindexOptions(BEN))) as joined:
                first = await next_event(joined, started)
                assert isinstance(first, RunStarted)
                assert (first.run.by, first.joined) == ("Anna", True)
                assert await next_event(joined, progressed) == RunProgressed(Progress(listed=3, new=3))
                job.go_on.set()
                await all_of(own)
                assert (await all_of(joined))[-1] == RunEnded(DONE)
        assert other.begun == 0


async def test_a_dry_run_does_not_wait_for_the_current_run(redis: Redis, job: FakeJob) -> None:
    async with aclosing(reindexer(redis, job).reindex(ReindexOptions(ANNA))) as own:
        await next_event(own, started)
        dry = FakeJob()
        dry.go_on.set()
        events = await all_of(reindexer(redis, dry).reindex(ReindexOptions(BEN, dry_run=True)))
        assert (events[0], events[-1]) == (RunStarted(events[0].run), RunEnded(DONE))  # type: ignore[union-attr]
    assert [record.run.by for record in await reindexer(redis, job).history()] == ["Anna"]


async def test_cancelling_from_another_process_stops_the_run_and_informs_all_watchers(
    redis: Redis, redis_url: str, job: FakeJob
) -> None:
    async with connect(redis_url) as elsewhere:
        other = reindexer(elsewhere, job)
        assert not await other.cancel(BEN)
        running = asyncio.create_task(all_of(reindexer(redis, job).reindex(ReindexOptions(ANNA))))
        async with aclosing(other.reindex(ReindexOptions(BEN))) as joined:
            while not job.begun:
                await asyncio.sleep(0.01)
            await next_event(joined, started)
            assert await other.cancel(BEN)
            for last in ((await running)[-1], (await all_of(joined))[-1]):
                assert isinstance(last, RunEnded)
                assert (last.report.outcome, last.report.progress.new) == ("cancelled", 3)
    assert job.cancelled
    assert await reindexer(redis, job).running() is None


async def test_closing_the_stream_cancels_a_run_for_its_owner_but_not_for_watchers(redis: Redis, job: FakeJob) -> None:
    bot = reindexer(redis, job)
    own = bot.reindex(ReindexOptions(ANNA))
    await next_event(own, started)
    joined = bot.reindex(ReindexOptions(BEN))
    await next_event(joined, started)
    await joined.aclose()
    assert await bot.running()
    watching = asyncio.create_task(all_of(bot.reindex(ReindexOptions(BEN))))
    await asyncio.sleep(0)
    while not (await bot.history()):
        await asyncio.sleep(0.01)
    await own.aclose()
    assert job.cancelled
    assert await bot.running() is None
    last = (await watching)[-1]
    assert isinstance(last, RunEnded)
    assert last.report.outcome in {"cancelled", "published"}


async def test_a_watcher_takes_over_when_the_run_dies(redis: Redis, job: FakeJob) -> None:
    dead = ReindexRun.start("Anna")
    assert await redis.lock(keys.RUN_LEASE, timeout=0.5).acquire(blocking=False, token=to_lock_token(dead))
    job.go_on.set()
    events = await all_of(reindexer(redis, job).reindex(ReindexOptions(BEN)))
    assert events[0] == RunStarted(dead, joined=True)
    [restarted] = [event for event in events[1:] if isinstance(event, RunStarted)]
    assert (restarted.run.by, restarted.joined) == ("Ben", False)
    assert events[-1] == RunEnded(DONE)


async def test_an_error_is_raised_and_watchers_get_its_message(redis: Redis, job: FakeJob) -> None:
    bot = reindexer(redis, job)
    job.error = PublicationRefusedError(reason="two passages cannot be indexed")
    own = asyncio.create_task(all_of(bot.reindex(ReindexOptions(ANNA))))
    async with aclosing(bot.reindex(ReindexOptions(BEN))) as joined:
        while not job.begun:
            await asyncio.sleep(0.01)
        await next_event(joined, started)
        job.go_on.set()
        with pytest.raises(PublicationRefusedError):
            await own
        with pytest.raises(RunFailedError, match="I did not publish"):
            await all_of(joined)
    [record] = await bot.history()
    assert "two passages cannot be indexed" in record.error
    assert await bot.running() is None


async def test_a_rollback_is_refused_during_a_run_and_audited_otherwise(redis: Redis, job: FakeJob) -> None:
    bot = reindexer(redis, job)
    async with aclosing(bot.reindex(ReindexOptions(ANNA))) as own:
        await next_event(own, started)
        with pytest.raises(RunInProgressError):
            await bot.rollback(BEN)
    assert (await bot.rollback(BEN)).outcome == "rolled back"
    assert [(record.run.by, record.action) for record in await bot.history()] == [
        ("Ben", "rollback"),
        ("Anna", "reindex"),
    ]


async def test_the_schedule_counts_from_the_last_run_of_all_sources(redis: Redis, job: FakeJob) -> None:
    """Rollbacks and runs of one source do not count; a run that broke off is repeated at once."""
    bot, hour = reindexer(redis, job), timedelta(hours=1)
    assert await bot.due_in(hour) <= timedelta()
    job.go_on.set()
    await all_of(bot.reindex(ReindexOptions(ANNA)))
    left = await bot.due_in(hour)
    assert hour - timedelta(seconds=30) < left <= hour
    await all_of(bot.reindex(ReindexOptions(ANNA, source="blog")))
    await bot.rollback(ANNA)
    assert await bot.due_in(hour) < left
    broken = ReindexRun.start("killed")
    await AuditLog(redis).append(AuditRecord(broken, "reindex", broken.at))
    assert await bot.due_in(hour) <= timedelta()

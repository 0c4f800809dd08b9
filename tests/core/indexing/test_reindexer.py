"""Whoever orders a run: who may, what is told, and what happens when two order at once or somebody leaves."""

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
from core.indexing.run_events import Emit, ReindexEvent, ReindexRun, RunEnded, RunPlanned, RunProgressed, RunStarted
from core.indexing.run_status import AuditLog, AuditRecord, to_lock_token
from core.storage import keys
from core.storage import lease as leasing
from core.storage.connection import connect

ANNA = Person("U1", "Anna", admin=True)
BEN = Person("U2", "Ben", admin=True)
EVE = Person("U3", "Eve")
DONE = Report(Progress(listed=3, listing=False, new=3), 1.0)


class Work:
    """A run that is told when it may go on."""

    def __init__(self) -> None:
        self.begun = 0
        self.go_on = asyncio.Event()
        self.error: Exception | None = None
        self.cancelled = False

    async def __call__(self, order: ReindexOptions, tell: Emit) -> Report:
        self.begun += 1
        tell(RunPlanned(Plan(new=3)))
        for new in range(4):
            tell(RunProgressed(Progress(listed=3, new=new)))
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        if self.error:
            raise self.error
        return DONE


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leasing, "TTL", timedelta(seconds=1.5))


def reindexer(redis: Redis, work: Work) -> Reindexer:
    async def roll_back() -> Report:
        return replace(DONE, outcome="rolled back")

    return Reindexer(redis, ["blog", "notes"], work, roll_back)


async def heard(stream: AsyncGenerator[ReindexEvent, None], until: Callable[[ReindexEvent], bool]) -> ReindexEvent:
    async for event in stream:
        if until(event):
            return event
    raise AssertionError("the stream ended")


async def all_of(stream: AsyncGenerator[ReindexEvent, None]) -> list[ReindexEvent]:
    async with aclosing(stream):
        return [event async for event in stream]


def began(event: ReindexEvent) -> bool:
    return isinstance(event, RunStarted)


def progressed(event: ReindexEvent) -> bool:
    return isinstance(event, RunProgressed)


async def test_a_run_tells_that_it_began_what_it_will_do_how_far_it_is_and_how_it_ended(
    redis: Redis, work: Work
) -> None:
    work.go_on.set()
    events = await all_of(reindexer(redis, work).reindex(ReindexOptions(ANNA)))
    assert [type(event) for event in events] == [RunStarted, RunPlanned, RunProgressed, RunEnded]
    assert isinstance(events[0], RunStarted)
    assert (events[0].run.by, events[0].joined) == ("Anna", False)
    assert events[2] == RunProgressed(Progress(listed=3, new=3))
    assert events[-1] == RunEnded(DONE)


async def test_only_admins_may_and_only_for_sources_that_there_are(redis: Redis, work: Work) -> None:
    bot = reindexer(redis, work)
    for refused in (all_of(bot.reindex(ReindexOptions(EVE))), bot.rollback(EVE), bot.cancel(EVE)):
        with pytest.raises(AdminRequiredError):
            await refused
    with pytest.raises(UnknownSourceError, match="blog, notes"):
        await all_of(bot.reindex(ReindexOptions(ANNA, source="diary")))
    assert (work.begun, await bot.history()) == (0, ())


async def test_a_second_order_watches_the_run_that_runs_in_any_process(
    redis: Redis, redis_url: str, work: Work
) -> None:
    async with connect(redis_url) as elsewhere:
        other = Work()
        async with aclosing(reindexer(redis, work).reindex(ReindexOptions(ANNA))) as own:
            await heard(own, began)
            async with aclosing(reindexer(elsewhere, other).reindex(ReindexOptions(BEN))) as joined:
                first = await heard(joined, began)
                assert isinstance(first, RunStarted)
                assert (first.run.by, first.joined) == ("Anna", True)
                assert await heard(joined, progressed) == RunProgressed(Progress(listed=3, new=3))
                work.go_on.set()
                await all_of(own)
                assert (await all_of(joined))[-1] == RunEnded(DONE)
        assert other.begun == 0


async def test_a_dry_run_waits_for_nobody(redis: Redis, work: Work) -> None:
    async with aclosing(reindexer(redis, work).reindex(ReindexOptions(ANNA))) as own:
        await heard(own, began)
        dry = Work()
        dry.go_on.set()
        events = await all_of(reindexer(redis, dry).reindex(ReindexOptions(BEN, dry_run=True)))
        assert (events[0], events[-1]) == (RunStarted(events[0].run), RunEnded(DONE))  # type: ignore[union-attr]
    assert [record.run.by for record in await reindexer(redis, work).history()] == ["Anna"]


async def test_a_run_is_stopped_from_another_process_and_all_who_watch_are_told(
    redis: Redis, redis_url: str, work: Work
) -> None:
    async with connect(redis_url) as elsewhere:
        other = reindexer(elsewhere, work)
        assert not await other.cancel(BEN)
        running = asyncio.create_task(all_of(reindexer(redis, work).reindex(ReindexOptions(ANNA))))
        async with aclosing(other.reindex(ReindexOptions(BEN))) as joined:
            while not work.begun:
                await asyncio.sleep(0.01)
            await heard(joined, began)
            assert await other.cancel(BEN)
            for last in ((await running)[-1], (await all_of(joined))[-1]):
                assert isinstance(last, RunEnded)
                assert (last.report.outcome, last.report.progress.new) == ("cancelled", 3)
    assert work.cancelled
    assert await reindexer(redis, work).running() is None


async def test_whoever_leaves_their_run_stops_it_and_whoever_leaves_anothers_does_not(redis: Redis, work: Work) -> None:
    bot = reindexer(redis, work)
    own = bot.reindex(ReindexOptions(ANNA))
    await heard(own, began)
    joined = bot.reindex(ReindexOptions(BEN))
    await heard(joined, began)
    await joined.aclose()
    assert await bot.running()
    watching = asyncio.create_task(all_of(bot.reindex(ReindexOptions(BEN))))
    await asyncio.sleep(0)
    while not (await bot.history()):
        await asyncio.sleep(0.01)
    await own.aclose()
    assert work.cancelled
    assert await bot.running() is None
    last = (await watching)[-1]
    assert isinstance(last, RunEnded)
    assert last.report.outcome in {"cancelled", "published"}


async def test_a_run_that_died_is_taken_over_by_whoever_watched_it(redis: Redis, work: Work) -> None:
    dead = ReindexRun.start("Anna")
    assert await redis.lock(keys.RUN_LEASE, timeout=0.5).acquire(blocking=False, token=to_lock_token(dead))
    work.go_on.set()
    events = await all_of(reindexer(redis, work).reindex(ReindexOptions(BEN)))
    assert events[0] == RunStarted(dead, joined=True)
    [again] = [event for event in events[1:] if isinstance(event, RunStarted)]
    assert (again.run.by, again.joined) == ("Ben", False)
    assert events[-1] == RunEnded(DONE)


async def test_a_failure_is_raised_and_those_who_watch_are_told_the_sentence(redis: Redis, work: Work) -> None:
    bot = reindexer(redis, work)
    work.error = PublicationRefusedError("two passages cannot be indexed")
    own = asyncio.create_task(all_of(bot.reindex(ReindexOptions(ANNA))))
    async with aclosing(bot.reindex(ReindexOptions(BEN))) as joined:
        while not work.begun:
            await asyncio.sleep(0.01)
        await heard(joined, began)
        work.go_on.set()
        with pytest.raises(PublicationRefusedError):
            await own
        with pytest.raises(RunFailedError, match="I did not publish"):
            await all_of(joined)
    [record] = await bot.history()
    assert "two passages cannot be indexed" in record.error
    assert await bot.running() is None


async def test_going_back_waits_for_nobody_and_is_recorded(redis: Redis, work: Work) -> None:
    bot = reindexer(redis, work)
    async with aclosing(bot.reindex(ReindexOptions(ANNA))) as own:
        await heard(own, began)
        with pytest.raises(RunInProgressError):
            await bot.rollback(BEN)
    assert (await bot.rollback(BEN)).outcome == "rolled back"
    assert [(record.run.by, record.action) for record in await bot.history()] == [
        ("Ben", "rollback"),
        ("Anna", "reindex"),
    ]


async def test_the_clock_counts_from_the_last_run_of_all_sources(redis: Redis, work: Work) -> None:
    """A step back, and a run of one source, do not count; a run that broke off is due at once."""
    house, hour = reindexer(redis, work), timedelta(hours=1)
    assert await house.due_in(hour) <= timedelta()
    work.go_on.set()
    await all_of(house.reindex(ReindexOptions(ANNA)))
    left = await house.due_in(hour)
    assert hour - timedelta(seconds=30) < left <= hour
    await all_of(house.reindex(ReindexOptions(ANNA, source="blog")))
    await house.rollback(ANNA)
    assert await house.due_in(hour) < left
    broken = ReindexRun.start("somebody who was killed")
    await AuditLog(redis).append(AuditRecord(broken, "reindex", broken.at))
    assert await house.due_in(hour) <= timedelta()

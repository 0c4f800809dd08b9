"""A run of another person, as in another process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from bot.app import Bot
from core.domain import Person
from core.errors import NoPreviousVersionError
from core.indexing.options import ReindexOptions
from core.indexing.progress import Report
from core.indexing.reindexer import Reindexer
from core.indexing.run_events import Emit


async def nothing_before() -> Report:
    raise NoPreviousVersionError


@asynccontextmanager
async def held(bot: Bot) -> AsyncIterator[None]:
    """Carol's run, until it is cancelled."""
    begun = asyncio.Event()

    async def work(options: ReindexOptions, emit: Emit) -> Report:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError("only cancellation ends it")

    async def run() -> None:
        options = ReindexOptions(Person("1", "Carol", admin=True))
        async with aclosing(Reindexer(bot.redis, ["garden"], work, nothing_before).reindex(options)) as events:
            async for _ in events:
                pass

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run())
        await begun.wait()
        yield

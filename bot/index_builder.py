"""Reading the sources. The parsers of pages and feeds are imported with this module, and by nothing else."""

import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version

from rich.console import Console
from rich.text import Text

from bot.config.settings import Settings
from bot.index_dependencies import IndexDependencies
from core.index.schema import Algorithm
from core.indexing.executors import LocalExecutor, TaskExecutor, distributed_executor
from core.indexing.jobs import queue_for
from core.indexing.options import ReindexOptions
from core.indexing.pool import ParserPool
from core.indexing.progress import Report
from core.indexing.run import Needs, ReindexJob
from core.indexing.run_events import Tell
from core.indexing.worker import Worker
from core.ingestion.fetcher import USER_AGENT, Fetcher

VERSION = version("footnoted")
AGENT = USER_AGENT.format(version=VERSION)


async def read(means: IndexDependencies, wish: ReindexOptions, tell: Tell) -> Report:
    """Does what is wished for. Raises what `ReindexJob.run` raises."""
    async with Fetcher(AGENT) as fetcher, _hands(means) as hands:
        needs = Needs(
            means.redis,
            means.embedder,
            means.retriever,
            fetcher,
            hands,
            means.tokens,
            means.settings.precision,
            _algorithm(means.settings),
        )
        return await ReindexJob(needs, wish, tell).run()


async def work(means: IndexDependencies, console: Console) -> int:
    """Does jobs of runs in other processes until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with ParserPool() as parsers:
        queue = queue_for(VERSION, means.embedder.name)
        console.print(Text(f"Waiting for work, with the model {means.embedder.name}. Ctrl-C stops.", style="dim"))
        await Worker(means.redis, means.redis_url, queue, LocalExecutor(parsers, means.embedder)).work(stop)
    return 0


@asynccontextmanager
async def _hands(means: IndexDependencies) -> AsyncGenerator[TaskExecutor, None]:
    async with ParserPool() as parsers:
        own = LocalExecutor(parsers, means.embedder)
        if not means.redis_url:
            yield own
            return
        async with distributed_executor(
            means.redis, means.redis_url, queue_for(VERSION, means.embedder.name), own
        ) as hands:
            yield hands


def _algorithm(settings: Settings) -> Algorithm | None:
    match settings.vector_index:
        case "flat":
            return "FLAT"
        case "hnsw":
            return "HNSW"
        case "auto":
            return None

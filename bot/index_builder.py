"""Reindex runs and workers. Only this module imports the parsers of pages and feeds, which takes half a second."""

import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version

from rich.console import Console
from rich.text import Text

from core.indexing.executors import LocalExecutor, TaskExecutor, distributed_executor, queue_name
from core.indexing.options import IndexDependencies, ReindexOptions
from core.indexing.post_parser import ParserPool
from core.indexing.progress import Report
from core.indexing.reindex_job import run_reindex
from core.indexing.run_events import Emit
from core.indexing.worker import Worker
from core.ingestion.fetcher import USER_AGENT, Fetcher

VERSION = version("footnoted")
AGENT = USER_AGENT.format(version=VERSION)


async def reindex(dependencies: IndexDependencies, options: ReindexOptions, emit: Emit) -> Report:
    """Open the fetcher and the executor of one run, and run it. Raises what `run_reindex` raises."""
    async with Fetcher(AGENT) as fetcher, _executor(dependencies) as executor:
        return await run_reindex(dependencies, options, fetcher, executor, emit)


async def run_worker(dependencies: IndexDependencies, console: Console) -> int:
    """Do jobs of runs in other processes until SIGINT or SIGTERM; return the exit code."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    model = dependencies.embedder.name
    async with ParserPool() as parsers:
        console.print(Text(f"Waiting for work, with the model {model}. Press Ctrl-C to stop.", style="dim"))
        executor = LocalExecutor(parsers, dependencies.embedder)
        worker = Worker(dependencies.redis, dependencies.redis_url, queue_name(VERSION, model), executor)
        await worker.run(stop)
    return 0


@asynccontextmanager
async def _executor(dependencies: IndexDependencies) -> AsyncGenerator[TaskExecutor, None]:
    async with ParserPool() as parsers:
        local = LocalExecutor(parsers, dependencies.embedder)
        if not dependencies.redis_url:
            yield local
            return
        queue = queue_name(VERSION, dependencies.embedder.name)
        async with distributed_executor(dependencies.redis, dependencies.redis_url, queue, local) as executor:
            yield executor

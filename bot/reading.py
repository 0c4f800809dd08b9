"""Reading the sources. The parsers of pages and feeds are imported with this module, and by nothing else."""

import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version

from rich.console import Console
from rich.text import Text

from bot.means import Means
from bot.settings import Settings
from core.knowledge.schema import Algorithm
from core.reading.fetcher import USER_AGENT, Fetcher
from core.reindexing.events import Tell
from core.reindexing.jobs import queue_for
from core.reindexing.pool import Parsers
from core.reindexing.progress import Report
from core.reindexing.run import Needs, Reindexing
from core.reindexing.sharing import Hands, OwnHands, many_hands
from core.reindexing.wish import Wish
from core.reindexing.working import Worker

VERSION = version("footnoted")
AGENT = USER_AGENT.format(version=VERSION)


async def read(means: Means, wish: Wish, tell: Tell) -> Report:
    """Does what is wished for. Raises what `Reindexing.run` raises."""
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
        return await Reindexing(needs, wish, tell).run()


async def work(means: Means, console: Console) -> int:
    """Does jobs of runs in other processes until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with Parsers() as parsers:
        queue = queue_for(VERSION, means.embedder.name)
        console.print(Text(f"Waiting for work, with the model {means.embedder.name}. Ctrl-C stops.", style="dim"))
        await Worker(means.redis, means.redis_url, queue, OwnHands(parsers, means.embedder)).work(stop)
    return 0


@asynccontextmanager
async def _hands(means: Means) -> AsyncGenerator[Hands, None]:
    async with Parsers() as parsers:
        own = OwnHands(parsers, means.embedder)
        if not means.redis_url:
            yield own
            return
        async with many_hands(means.redis, means.redis_url, queue_for(VERSION, means.embedder.name), own) as hands:
            yield hands


def _algorithm(settings: Settings) -> Algorithm | None:
    match settings.vector_index:
        case "flat":
            return "FLAT"
        case "hnsw":
            return "HNSW"
        case "auto":
            return None

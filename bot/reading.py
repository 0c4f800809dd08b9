"""Reading the sources. The parsers of pages and feeds are imported with this module, and by nothing else."""

from importlib.metadata import version

from redis.asyncio import Redis

from bot.settings import Settings
from core.knowledge.retriever import Retriever
from core.knowledge.schema import Algorithm
from core.models.protocols import Embedder
from core.reading.fetcher import USER_AGENT, Fetcher
from core.reindexing.events import Planned, Progressed, Tell
from core.reindexing.progress import Plan, Progress, Report
from core.reindexing.reindexer import Order
from core.reindexing.run import Reindexing
from core.tokens import Tokens

AGENT = USER_AGENT.format(version=version("footnoted"))


async def read(
    settings: Settings, redis: Redis, embedder: Embedder, retriever: Retriever, tokens: Tokens, order: Order, tell: Tell
) -> Report:
    """Carries out an order. Raises what `Reindexing.run` raises."""
    if order.dry_run:
        tell(Planned(Plan()))
        return Report(Progress(), 0.0, outcome="planned")
    async with Fetcher(AGENT) as fetcher:
        reindexing = Reindexing(redis, embedder, retriever, fetcher, tokens, settings.precision, _algorithm(settings))
        return await reindexing.run(settings.all_sources, lambda progress: tell(Progressed(progress)))


def _algorithm(settings: Settings) -> Algorithm | None:
    match settings.vector_index:
        case "flat":
            return "FLAT"
        case "hnsw":
            return "HNSW"
        case "auto":
            return None

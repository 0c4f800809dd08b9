"""Reading the sources. The parsers of pages and feeds are imported with this module, and by nothing else."""

from importlib.metadata import version

from redis.asyncio import Redis

from bot.settings import Settings
from core.knowledge.retriever import Retriever
from core.knowledge.schema import Algorithm
from core.models.protocols import Embedder
from core.reading.fetcher import USER_AGENT, Fetcher
from core.reindexing.events import Tell
from core.reindexing.pool import Parsers
from core.reindexing.progress import Report
from core.reindexing.run import Needs, Reindexing
from core.reindexing.wish import Wish
from core.tokens import Tokens

AGENT = USER_AGENT.format(version=version("footnoted"))


async def read(
    settings: Settings, redis: Redis, embedder: Embedder, retriever: Retriever, tokens: Tokens, wish: Wish, tell: Tell
) -> Report:
    """Does what is wished for. Raises what `Reindexing.run` raises."""
    async with Fetcher(AGENT) as fetcher, Parsers() as parsers:
        needs = Needs(redis, embedder, retriever, fetcher, parsers, tokens, settings.precision, _algorithm(settings))
        return await Reindexing(needs, wish, tell).run()


def _algorithm(settings: Settings) -> Algorithm | None:
    match settings.vector_index:
        case "flat":
            return "FLAT"
        case "hnsw":
            return "HNSW"
        case "auto":
            return None

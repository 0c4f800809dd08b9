"""What the sources are read with; beside `bot.index_builder`, whose parsers take half a second to import."""

from dataclasses import dataclass

from redis.asyncio import Redis

from bot.config.settings import Settings
from core.models.protocols import Embedder
from core.retrieval.retriever import Retriever
from core.tokens import TokenCounter


@dataclass(frozen=True, slots=True)
class IndexDependencies:
    """`redis_url` is where `redis` is, for those who need connections of their own; empty
    where workers cannot be reached."""

    settings: Settings
    redis: Redis
    redis_url: str
    embedder: Embedder
    retriever: Retriever
    tokens: TokenCounter

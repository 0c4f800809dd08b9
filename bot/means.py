"""What the sources are read with; beside `bot.reading`, whose parsers take half a second to import."""

from dataclasses import dataclass

from redis.asyncio import Redis

from bot.settings import Settings
from core.knowledge.retriever import Retriever
from core.models.protocols import Embedder
from core.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Means:
    """`redis_url` is where `redis` is, for those who need connections of their own; empty
    where workers cannot be reached."""

    settings: Settings
    redis: Redis
    redis_url: str
    embedder: Embedder
    retriever: Retriever
    tokens: Tokens

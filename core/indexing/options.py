"""What a reindex run is asked to do, and what it works with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from core.domain import Person, Source
from core.index.schema import Algorithm, Precision
from core.models.protocols import Embedder
from core.tokens import TokenCounter


@dataclass(frozen=True, slots=True)
class ReindexOptions:
    """A person's request for a run.

    `source` names the one source to read; empty means all of them. `dry_run` writes nothing. `force` publishes even
    when more than half of the posts would be lost.
    """

    person: Person
    source: str = ""
    dry_run: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True)
class IndexDependencies:
    """What every run of a process shares.

    `sources` are all configured sources. `metadata` is stored with an index version built from all of them.
    `algorithm` is None when the number of passages decides. `redis_url` is empty where workers cannot be reached.
    """

    redis: Redis
    embedder: Embedder
    tokens: TokenCounter
    sources: Sequence[Source] = ()
    metadata: Mapping[str, str] | None = None
    precision: Precision = "FLOAT32"
    algorithm: Algorithm | None = None
    redis_url: str = ""

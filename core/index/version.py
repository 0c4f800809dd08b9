"""An edition: all passages read with one embedding model, their index, and the ledger of what was read."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import TypeAdapter
from redis.asyncio import Redis

from core.domain import Passage
from core.errors import EmbeddingMismatchError
from core.index.schema import (
    HASH_FIELDS,
    HNSW_FROM,
    Algorithm,
    Precision,
    VectorSpec,
    create_index,
    from_hash,
    index_info,
    live_index,
    point_alias,
)
from core.ingestion.fetch_result import Validators
from core.models.protocols import Embedder
from core.storage import keys
from core.storage.connection import as_text

AT_ONCE = 500
"""Posts that are read or written in one round trip."""


@dataclass(frozen=True, slots=True)
class PostRecord:
    """The ledger's line for one post: where it came from, how it looked, and how to ask whether it still does.

    `raw_digest` and `text_digest` are of what came and of the text found in it; `made` says with which settings.
    `listing`, `modified` and `published` are what its source said of it, `listed` the address that it has there, where
    that is another. `paged` when it was read from its page: at `moved`, if it went there for good, with `validators`.
    `also` are all other addresses that lead to it. `missing` counts the runs in a row in which its page was not there.
    """

    title: str
    source: str
    raw_digest: str = ""
    text_digest: str = ""
    passages: int = 0
    made: str = ""
    listing: str = ""
    listed: str = ""
    modified: str = ""
    published: str = ""
    paged: bool = False
    moved: str = ""
    validators: Validators | None = None
    also: tuple[str, ...] = ()
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """What the pages of one source's listing said of their state, in their order; `made` says with which settings they
    were read. `moved` is where the first of them lies now."""

    made: str
    pages: tuple[tuple[str, Validators], ...] = ()
    moved: str = ""


T = TypeVar("T")

_record = TypeAdapter(PostRecord)
_listing = TypeAdapter(Listing)


class IndexVersion:
    """The passages under one number. Questions reach it by the alias, whatever its number is."""

    def __init__(self, redis: Redis, number: int, vector_spec: VectorSpec, index: str = "") -> None:
        self._redis = redis
        self.number = number
        self.index = index
        self.vector_spec = vector_spec

    async def ledger(self) -> dict[str, PostRecord]:
        """Every post that was read, by its address."""
        lines = await self._redis.hgetall(keys.ledger(self.number))
        return {as_text(url): _record.validate_json(line) for url, line in lines.items()}

    async def record(self, url: str) -> PostRecord | None:
        """What was read of one post."""
        line = await self._redis.hget(keys.ledger(self.number), url)
        return _record.validate_json(line) if line else None

    async def post_count(self) -> int:
        """How many posts were read."""
        return int(await self._redis.hlen(keys.ledger(self.number)))

    async def listings(self) -> dict[str, Listing]:
        """What is known of the sources' own listings, by the sources' names."""
        lines = await self._redis.hgetall(keys.listings(self.number))
        return {as_text(name): _listing.validate_json(line) for name, line in lines.items()}

    async def passages(self, posts: Mapping[str, int]) -> list[Passage]:
        """The passages of some posts, of which it is known how many each has, in their order."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for url, count in posts.items():
                for position in range(count):
                    pipe.hmget(keys.passage(self.number, url, position), HASH_FIELDS)
            return [passage for row in await pipe.execute() if (passage := from_hash(row))]

    async def write_records(self, records: Mapping[str, PostRecord]) -> None:
        """Writes lines of the ledger."""
        for some in batched(list(records.items())):
            lines = [part for url, record in some for part in (url, encode_record(record))]
            await self._redis.hset(keys.ledger(self.number), items=lines)

    async def replace_listings(self, listings: Mapping[str, Listing]) -> None:
        """Writes what the sources' listings said, in the place of what was known; it has to be true of what is in the
        ledger by then."""
        lines = [part for name, listing in listings.items() for part in (name, _listing.dump_json(listing))]
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(keys.listings(self.number))
            if lines:
                pipe.hset(keys.listings(self.number), items=lines)
            await pipe.execute()

    async def set_metadata(self, facts: Mapping[str, str]) -> None:
        """Keeps facts about the edition beside its model and dimensions."""
        await self._redis.hset(keys.version(self.number), items=[part for pair in facts.items() for part in pair])

    async def wait_until_indexed(self) -> int:
        """Waits until the index has taken in all passages; how many it has. Raises EmbeddingMismatchError when it
        could not
        take some."""
        while True:
            info = await index_info(self._redis, self.index)
            if float(str(info["percent_indexed"])) >= 1 and not int(str(info["indexing"])):
                break
            await asyncio.sleep(0.02)
        failures = int(str(info["hash_indexing_failures"]))
        if failures:
            raise EmbeddingMismatchError(f"Redis could not index {failures} passages")
        return int(str(info["num_docs"]))

    async def fit_algorithm(self, wanted: Algorithm | None) -> None:
        """Moves to the index that suits the number of passages, unless one is `wanted`. Readers notice nothing: the new
        index fills while the old one answers, and `posts` moves from one to the other in one step."""
        passages = int(str((await index_info(self._redis, self.index))["num_docs"]))
        algorithm = choose_algorithm(passages, wanted)
        if self.index == keys.index(self.number, algorithm):
            return
        old, live = self.index, await live_index(self._redis)
        self.index = await create_index(self._redis, self.number, self.vector_spec, algorithm)
        await self.wait_until_indexed()
        if live == old:
            await point_alias(self._redis, self.index)
        await self._redis.ft(old).dropindex(delete_documents=False)

    async def posts_with_missing_passages(self, ledger: Mapping[str, PostRecord]) -> set[str]:
        """Posts of the ledger whose passages are not all there, because somebody else has deleted some."""
        indexed = int(str((await index_info(self._redis, self.index))["num_docs"]))
        if indexed == sum(record.passages for record in ledger.values()):
            return set()
        lost: set[str] = set()
        for some in batched(list(ledger.items())):
            async with self._redis.pipeline(transaction=False) as pipe:
                for url, record in some:
                    pipe.exists(*(keys.passage(self.number, url, position) for position in range(record.passages)))
                counts = await pipe.execute()
            lost |= {url for (url, record), count in zip(some, counts, strict=True) if count != record.passages}
        return lost


def choose_algorithm(passages: int, wanted: Algorithm | None) -> Algorithm:
    """The kind of index for so many passages."""
    return wanted or ("HNSW" if passages >= HNSW_FROM else "FLAT")


def encode_record(record: PostRecord) -> bytes:
    """A record as the ledger holds it."""
    return _record.dump_json(record, exclude_defaults=True)


def batched(items: list[T], size: int = AT_ONCE) -> Iterable[list[T]]:
    """The items in lists of at most `size`."""
    return (items[start : start + size] for start in range(0, len(items), size))


async def live_version(redis: Redis) -> IndexVersion | None:
    """The edition that is answered from, or None when nothing has been read yet."""
    index = await live_index(redis)
    if index is None:
        return None
    number = keys.version_of(index)
    return IndexVersion(redis, number, vector_spec_from(await read_metadata(redis, number)), index)


async def vector_spec_for(embedder: Embedder, precision: Precision, live: IndexVersion | None) -> VectorSpec:
    """What an embedder's vectors have in common. The model is not asked for their length where the live edition says
    it: a model of the same name gives the same vectors, and asking costs a request each time."""
    known = embedder.known_dimensions
    if known is None and live is not None and live.vector_spec.model == embedder.name:
        known = live.vector_spec.dimensions
    return VectorSpec(embedder.name, known or await embedder.dimensions(), precision)


async def read_metadata(redis: Redis, number: int) -> dict[str, str]:
    """What an edition's hash says."""
    facts = await redis.hgetall(keys.version(number))
    return {as_text(name): as_text(value) for name, value in facts.items()}


def vector_spec_from(facts: Mapping[str, str]) -> VectorSpec:
    """An edition's shape, from what its hash says."""
    precision: Precision = "FLOAT16" if facts.get("precision") == "FLOAT16" else "FLOAT32"
    return VectorSpec(facts.get("model", ""), int(facts.get("dimensions", 0)), precision)

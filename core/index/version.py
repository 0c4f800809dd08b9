"""An index version: passages embedded with one model, their search index, and the ledger of indexed posts."""

import asyncio
from collections import Counter
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
    UNKNOWN_LANGUAGE,
    Algorithm,
    Precision,
    VectorSpec,
    create_index,
    from_hash,
    index_info,
    live_index,
    live_index_info,
    point_alias,
    source_filter,
)
from core.ingestion.fetch_result import Validators
from core.models.protocols import Embedder
from core.storage import keys
from core.storage.connection import as_text

BATCH_SIZE = 500
"""Posts that are read or written in one round trip."""


@dataclass(frozen=True, slots=True)
class PostRecord:
    """The ledger's entry for one post: its origin, its state, and how to ask whether it has changed.

    `raw_digest` and `text_digest` are of the response and of the text extracted from it; `made` identifies the settings
    used. `listing`, `modified` and `published` are as its source listed it, `listed` is its URL there if that differs.
    `paged`: the text comes from its page, at `moved` after a permanent redirect, with `validators`. `also` holds all
    other URLs that lead to it. `missing` counts the consecutive runs that did not find its page. The field names are
    the stored names.
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
    """The validators of a source's listing pages, in order. `made` identifies the settings they were read with;
    `moved` is the new URL of the first page."""

    made: str
    pages: tuple[tuple[str, Validators], ...] = ()
    moved: str = ""


T = TypeVar("T")

_record = TypeAdapter(PostRecord)
_listing = TypeAdapter(Listing)


class IndexVersion:
    """The passages under one version number. Searches reach the live version through the alias."""

    def __init__(self, redis: Redis, number: int, vector_spec: VectorSpec, index: str = "") -> None:
        self._redis = redis
        self.number = number
        self.index = index
        self.vector_spec = vector_spec

    async def ledger(self) -> dict[str, PostRecord]:
        """Return the records of all posts by URL."""
        lines = await self._redis.hgetall(keys.ledger(self.number))
        return {as_text(url): _record.validate_json(line) for url, line in lines.items()}

    async def record(self, url: str) -> PostRecord | None:
        line = await self._redis.hget(keys.ledger(self.number), url)
        return _record.validate_json(line) if line else None

    async def post_count(self) -> int:
        return int(await self._redis.hlen(keys.ledger(self.number)))

    async def listings(self) -> dict[str, Listing]:
        """Return the sources' listings by source name."""
        lines = await self._redis.hgetall(keys.listings(self.number))
        return {as_text(name): _listing.validate_json(line) for name, line in lines.items()}

    async def passages(self, posts: Mapping[str, int]) -> list[Passage]:
        """Return the passages of posts in order, given the number of passages of each."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for url, count in posts.items():
                for position in range(count):
                    pipe.hmget(keys.passage(self.number, url, position), HASH_FIELDS)
            return [passage for row in await pipe.execute() if (passage := from_hash(row))]

    async def write_records(self, records: Mapping[str, PostRecord]) -> None:
        for batch in batched(list(records.items())):
            lines = [part for url, record in batch for part in (url, encode_record(record))]
            await self._redis.hset(keys.ledger(self.number), items=lines)

    async def replace_listings(self, listings: Mapping[str, Listing]) -> None:
        """Replace all listings. Call it after `write_records`: listings must describe what the ledger contains."""
        lines = [part for name, listing in listings.items() for part in (name, _listing.dump_json(listing))]
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(keys.listings(self.number))
            if lines:
                pipe.hset(keys.listings(self.number), items=lines)
            await pipe.execute()

    async def set_metadata(self, metadata: Mapping[str, str]) -> None:
        await self._redis.hset(keys.version(self.number), items=[part for pair in metadata.items() for part in pair])

    async def wait_until_indexed(self) -> int:
        """Wait until the index contains all passages, and return their number.

        Raises EmbeddingMismatchError if the index could not take some.
        """
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
        """Switch to the `wanted` kind of index, or to the one that suits the number of passages.

        Searches are not interrupted: the new index fills while the old one answers, and the alias moves atomically.
        """
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
        """Return the posts of the ledger whose passages were partly deleted from outside."""
        indexed = int(str((await index_info(self._redis, self.index))["num_docs"]))
        if indexed == sum(record.passages for record in ledger.values()):
            return set()
        incomplete: set[str] = set()
        for batch in batched(list(ledger.items())):
            async with self._redis.pipeline(transaction=False) as pipe:
                for url, record in batch:
                    pipe.exists(*(keys.passage(self.number, url, position) for position in range(record.passages)))
                counts = await pipe.execute()
            incomplete |= {url for (url, record), count in zip(batch, counts, strict=True) if count != record.passages}
        return incomplete


def choose_algorithm(passages: int, wanted: Algorithm | None) -> Algorithm:
    """Return the kind of index for this number of passages."""
    return wanted or ("HNSW" if passages >= HNSW_FROM else "FLAT")


def encode_record(record: PostRecord) -> bytes:
    """Encode a record for the ledger."""
    return _record.dump_json(record, exclude_defaults=True)


def batched(items: list[T], size: int = BATCH_SIZE) -> Iterable[list[T]]:
    """Split items into lists of at most `size`."""
    return (items[start : start + size] for start in range(0, len(items), size))


@dataclass(frozen=True, slots=True)
class LiveIndex:
    """The published version with its metadata, the number of its passages, and their languages: an empty string if that
    of some is unknown, none at all before they are analysed."""

    version: IndexVersion
    metadata: Mapping[str, str]
    passages: int
    languages: tuple[str, ...]


async def read_live(redis: Redis) -> LiveIndex | None:
    """Read the published version, or None before the first publication."""
    info = await live_index_info(redis)
    if info is None:
        return None
    index = str(info["index_name"])
    number = keys.version_of(index)
    async with redis.pipeline(transaction=False) as pipe:
        pipe.hgetall(keys.version(number))
        pipe.execute_command("FT.TAGVALS", index, "language")
        raw, values = await pipe.execute(raise_on_error=False)
    if isinstance(raw, Exception):
        raise raw
    known = (
        () if isinstance(values, Exception) else map(as_text, values)
    )  # indexes of older releases have no such field
    languages = tuple(sorted("" if value == UNKNOWN_LANGUAGE else value for value in known))
    metadata = {as_text(name): as_text(value) for name, value in raw.items()}
    version = IndexVersion(redis, number, vector_spec_from(metadata), index)
    return LiveIndex(version, metadata, int(str(info["num_docs"])), languages)


async def count_languages(redis: Redis, source: str) -> Counter[str]:
    """Count the published passages of a source by language, without those of unknown language."""
    live = await read_live(redis)
    languages = list(filter(None, live.languages)) if live else []
    async with redis.pipeline(transaction=False) as pipe:
        for language in languages:
            clause = f"{source_filter([source])} @language:{{{language}}}"
            pipe.execute_command("FT.SEARCH", keys.POSTS, clause, "LIMIT", 0, 0, "DIALECT", 2)
        counts = {language: reply[0] for language, reply in zip(languages, await pipe.execute(), strict=True)}
    return Counter({language: count for language, count in counts.items() if count})


async def live_version(redis: Redis) -> IndexVersion | None:
    """Return the published version, or None before the first publication."""
    live = await read_live(redis)
    return live.version if live else None


async def vector_spec_for(embedder: Embedder, precision: Precision, live: IndexVersion | None) -> VectorSpec:
    """Return the spec of an embedder's vectors.

    The dimensions come from the live version if its model has the same name: asking the model costs a request.
    """
    known = embedder.known_dimensions
    if known is None and live is not None and live.vector_spec.model == embedder.name:
        known = live.vector_spec.dimensions
    return VectorSpec(embedder.name, known or await embedder.dimensions(), precision)


async def read_metadata(redis: Redis, number: int) -> dict[str, str]:
    """Return a version's metadata."""
    metadata = await redis.hgetall(keys.version(number))
    return {as_text(name): as_text(value) for name, value in metadata.items()}


def vector_spec_from(metadata: Mapping[str, str]) -> VectorSpec:
    """Return the vector spec from a version's metadata."""
    precision: Precision = "FLOAT16" if metadata.get("precision") == "FLOAT16" else "FLOAT32"
    return VectorSpec(metadata.get("model", ""), int(metadata.get("dimensions", 0)), precision)

"""An edition: all passages read with one embedding model, their index, and the ledger of what was read."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import ResponseError

from core.errors import WrongEmbeddings
from core.knowledge.schema import (
    HNSW_FROM,
    Algorithm,
    Precision,
    Shape,
    as_text,
    create_index,
    index_info,
    live_index,
    point_alias,
    to_hash,
)
from core.memory import keys
from core.models.protocols import Vectors
from core.vocabulary import Passage

DELETED_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Record:
    """The ledger's line for one post: where it came from, how it looked before and after extraction, and how many
    passages it was cut into."""

    title: str
    source: str
    raw_digest: str
    text_digest: str
    passages: int


class Edition:
    """The passages under one number. Questions reach it by the alias, whatever its number is."""

    def __init__(self, redis: Redis, number: int, shape: Shape, index: str) -> None:
        self._redis = redis
        self.number = number
        self.index = index
        self.shape = shape

    async def ledger(self) -> dict[str, Record]:
        """Every post that was read, by its address."""
        lines = await self._redis.hgetall(keys.ledger(self.number))
        return {as_text(url): Record(**json.loads(line)) for url, line in lines.items()}

    async def record(self, url: str) -> Record | None:
        """What was read of one post."""
        line = await self._redis.hget(keys.ledger(self.number), url)
        return Record(**json.loads(line)) if line else None

    async def posts(self) -> int:
        """How many posts were read."""
        return int(await self._redis.hlen(keys.ledger(self.number)))

    async def put(self, passages: Sequence[Passage], vectors: Vectors, record: Record, before: int) -> None:
        """Replaces a post. Its passages change in one step; `before` is how many it had.

        The ledger's line is written last: after a crash between the two the post is simply read again.
        Raises WrongEmbeddings, before anything is written, for vectors that do not fit the index.
        """
        if vectors.shape != (len(passages), self.shape.dimensions):
            raise WrongEmbeddings(
                f"vectors of shape {vectors.shape}, where the index takes {self.shape.dimensions} dimensions"
            )
        url = passages[0].url
        async with self._redis.pipeline(transaction=True) as pipe:
            _delete(pipe, self.number, url, before)
            for passage, vector in zip(passages, vectors, strict=True):
                pipe.hset(
                    keys.passage(self.number, url, passage.position), mapping=to_hash(passage, vector, self.shape)
                )
            await pipe.execute()
        await self.note(url, record)

    async def note(self, url: str, record: Record) -> None:
        """Writes a post's line in the ledger."""
        line = json.dumps(asdict(record), ensure_ascii=False)
        await self._redis.hset(keys.ledger(self.number), url, line)

    async def remove(self, url: str, passages: int) -> None:
        """Takes a post out."""
        async with self._redis.pipeline(transaction=True) as pipe:
            _delete(pipe, self.number, url, passages)
            await pipe.execute()
        await self._redis.hdel(keys.ledger(self.number), url)

    async def describe(self, facts: Mapping[str, str]) -> None:
        """Keeps facts about the edition beside its model and dimensions."""
        await self._redis.hset(keys.edition(self.number), items=[part for pair in facts.items() for part in pair])

    async def settled(self) -> None:
        """Waits until the index has taken in all passages. Raises WrongEmbeddings when it could not take some."""
        while True:
            info = await index_info(self._redis, self.index)
            if float(str(info["percent_indexed"])) >= 1 and not int(str(info["indexing"])):
                break
            await asyncio.sleep(0.02)
        failures = int(str(info["hash_indexing_failures"]))
        if failures:
            raise WrongEmbeddings(f"Redis could not index {failures} passages")

    async def fit_algorithm(self, wanted: Algorithm | None) -> None:
        """Moves to the index that suits the number of passages, unless one is `wanted`. Readers notice nothing: the new
        index fills while the old one answers, and `posts` moves from one to the other in one step."""
        passages = int(str((await index_info(self._redis, self.index))["num_docs"]))
        algorithm: Algorithm = wanted or ("HNSW" if passages >= HNSW_FROM else "FLAT")
        if self.index == keys.index(self.number, algorithm):
            return
        old, live = self.index, await live_index(self._redis)
        self.index = await create_index(self._redis, self.number, self.shape, algorithm)
        await self.settled()
        if live == old:
            await point_alias(self._redis, self.index)
        await self._redis.ft(old).dropindex(delete_documents=False)


async def current(redis: Redis) -> Edition | None:
    """The edition that is answered from, or None when nothing has been read yet."""
    index = await live_index(redis)
    if index is None:
        return None
    number = keys.edition_of(index)
    facts = await facts_of(redis, number)
    precision: Precision = "FLOAT16" if facts.get("precision") == "FLOAT16" else "FLOAT32"
    return Edition(redis, number, Shape(facts.get("model", ""), int(facts.get("dimensions", 0)), precision), index)


async def facts_of(redis: Redis, number: int) -> dict[str, str]:
    """What an edition's hash says."""
    facts = await redis.hgetall(keys.edition(number))
    return {as_text(name): as_text(value) for name, value in facts.items()}


async def begin(redis: Redis, shape: Shape, algorithm: Algorithm) -> Edition:
    """A new, empty edition with its index; `posts` does not mean it yet."""
    number = int(await redis.incr(keys.EDITION_NUMBER))
    edition = Edition(redis, number, shape, await create_index(redis, number, shape, algorithm))
    await edition.describe({"model": shape.model, "dimensions": str(shape.dimensions), "precision": shape.precision})
    # Passages written while a new index still looks for some would be counted twice, which spoils how rare words are.
    await edition.settled()
    return edition


async def publish(redis: Redis, edition: Edition) -> None:
    """Makes `posts` mean this edition, in one step."""
    await point_alias(redis, edition.index)


async def drop(redis: Redis, number: int) -> None:
    """Removes an edition: its indexes by their own names (dropping an alias drops what is live), then its keys."""
    for algorithm in ("FLAT", "HNSW"):
        try:
            await redis.ft(keys.index(number, algorithm)).dropindex(delete_documents=False)
        except ResponseError:
            continue  # it never had this one
    batch: list[bytes] = []
    async for key in redis.scan_iter(f"{keys.prefix(number)}*", count=DELETED_AT_ONCE):
        batch.append(key)
        if len(batch) == DELETED_AT_ONCE:
            await _unlink(redis, batch)
            batch = []
    await _unlink(redis, [*batch, keys.ledger(number).encode(), keys.edition(number).encode()])


async def sweep(redis: Redis, live: Edition | None) -> None:
    """Removes what a run left behind that broke off: all editions and indexes but the live one. Only whoever holds the
    lease may do it."""
    for name in map(as_text, await redis.execute_command("FT._LIST")):
        if not keys.is_index(name) or (live and name == live.index):
            continue
        if live and keys.edition_of(name) == live.number:
            await redis.ft(name).dropindex(delete_documents=False)
        else:
            await drop(redis, keys.edition_of(name))


async def _unlink(redis: Redis, names: Iterable[bytes]) -> None:
    # One command a key: on a cluster they live on many nodes.
    async with redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.unlink(name)
        await pipe.execute()


def _delete(pipe: Pipeline, number: int, url: str, passages: int) -> None:
    for position in range(passages):
        pipe.unlink(keys.passage(number, url, position))

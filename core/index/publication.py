"""Making a draft the edition that is answered from, and going back to the one before."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field

import structlog
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from core.errors import EmbeddingMismatchError, NoPreviousVersionError
from core.index.draft import Draft, list_versions
from core.index.schema import Algorithm, create_index, live_index, point_alias
from core.index.version import IndexVersion, Listing, PostRecord, batched, live_version, read_metadata, vector_spec_from
from core.storage import keys
from core.storage.connection import as_text

log = structlog.get_logger()

DELETED_AT_ONCE = 1_000
COPIED_AT_ONCE = 50
"""Posts; each is some six commands for the server, which answers questions between two batches."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a draft makes of the edition before, by the posts' addresses: posts that are `kept`, with the lines that
    the ledger is to have for them; those that the draft brings; and those of the edition before that go."""

    kept: Mapping[str, PostRecord] = field(default_factory=dict)
    upserted: Mapping[str, PostRecord] = field(default_factory=dict)
    removed: Mapping[str, PostRecord] = field(default_factory=dict)
    listings: Mapping[str, Listing] = field(default_factory=dict)

    @property
    def passages(self) -> int:
        """How many there are in all, afterwards."""
        return sum(record.passages for record in (*self.kept.values(), *self.upserted.values()))


async def build_version(
    redis: Redis, draft: Draft, before: IndexVersion | None, change: Change, algorithm: Algorithm
) -> IndexVersion:
    """The draft as a whole edition with its index, which `posts` does not mean yet. What is kept is copied within
    Redis. Raises EmbeddingMismatchError when the index cannot take it all in."""
    await _clean(redis, draft, change)
    if before is not None and before.vector_spec == draft.vector_spec:
        for some in batched(list(change.kept.items()), COPIED_AT_ONCE):
            await _copy(redis, before, draft, dict(some))
    await draft.write_records(change.kept)
    await draft.write_records(change.upserted)
    await draft.replace_listings(change.listings)
    index = await create_index(redis, draft.number, draft.vector_spec, algorithm)
    edition = IndexVersion(redis, draft.number, draft.vector_spec, index)
    indexed = await edition.wait_until_indexed()
    if indexed != change.passages:
        raise EmbeddingMismatchError(f"the index has {indexed} passages of {change.passages}")
    return edition


async def publish(redis: Redis, edition: IndexVersion) -> None:
    """Point the alias at this version, atomically. The previous version is kept for `roll_back`."""
    live = await live_index(redis)
    before = keys.version_of(live) if live else None
    if before is not None and before != edition.number:
        await edition.set_metadata({"before": str(before)})
    await point_alias(redis, edition.index)
    await redis.hdel(keys.version(edition.number), "draft")


async def roll_back(redis: Redis) -> IndexVersion:
    """Answers from the edition before, in one step; what was answered from stays until the next publication, for its
    vectors. Raises NoPreviousVersionError."""
    live = await live_version(redis)
    facts = await read_metadata(redis, live.number) if live else {}
    before = await find_version(redis, int(facts["before"])) if "before" in facts else None
    if before is None:
        raise NoPreviousVersionError
    await point_alias(redis, before.index)
    if "sources" in facts:
        # Else the next start would find that other sources were read, and read them again at once.
        await before.set_metadata({"sources": facts["sources"]})
    return before


async def find_version(redis: Redis, number: int) -> IndexVersion | None:
    """The edition of a number, if it is whole."""
    names = [keys.index(number, algorithm) for algorithm in ("FLAT", "HNSW")]
    found = [name for name in map(as_text, await redis.execute_command("FT._LIST")) if name in names]
    return (
        IndexVersion(redis, number, vector_spec_from(await read_metadata(redis, number)), found[0]) if found else None
    )


async def delete_stale_versions(redis: Redis) -> None:
    """Drops every edition, draft and index but the live one and the one before it. Only whoever holds the lease may."""
    live = await live_version(redis)
    if live is None:
        return
    facts = await read_metadata(redis, live.number)
    kept = {live.number, int(facts.get("before", live.number))}
    names = [name for name in map(as_text, await redis.execute_command("FT._LIST")) if keys.is_index(name)]
    for name in names:
        if keys.version_of(name) == live.number and name != live.index:
            await redis.ft(name).dropindex(delete_documents=False)
    known = {number for number, _ in await list_versions(redis)}
    for number in sorted((known | set(map(keys.version_of, names))) - kept):
        await delete_version(redis, number)
    for number in kept - {live.number}:
        # Nobody goes back two steps.
        await _drop_replaced(redis, number)


async def delete_version(redis: Redis, number: int) -> None:
    """Removes an edition: its indexes by their own names (dropping an alias drops what is live), then its keys, also
    those that no index had taken in."""
    for algorithm in ("FLAT", "HNSW"):
        try:
            await redis.ft(keys.index(number, algorithm)).dropindex(delete_documents=False)
        except ResponseError:
            continue  # it never had this one
    async for batch in _found(redis, f"{keys.passage_prefix(number)}*"):
        await _unlink(redis, batch)
    await _drop_replaced(redis, number)
    await _unlink(redis, _names(number))
    await redis.srem(keys.VERSIONS, number)


async def _drop_replaced(redis: Redis, number: int) -> None:
    if await redis.exists(keys.undo(number)):
        async for batch in _found(redis, f"{keys.undo(number)}:*"):
            await _unlink(redis, batch)
        await redis.delete(keys.undo(number))


async def delete_draft(redis: Redis, draft: Draft) -> None:
    """Removes a draft. It says itself where its passages lie, so that not all of Redis has to be looked through."""
    places = [as_text(place) for place in await redis.hvals(keys.digests(draft.number))]
    for some in batched(places, DELETED_AT_ONCE):
        await _unlink(redis, [(keys.passage_prefix(draft.number) + place).encode() for place in some])
    await _unlink(redis, _names(draft.number))
    await redis.srem(keys.VERSIONS, draft.number)


async def _clean(redis: Redis, draft: Draft, change: Change) -> None:
    """Takes out of a draft what another run has left there that broke off, and this one has not brought again."""
    for algorithm in ("FLAT", "HNSW"):
        try:
            await redis.ft(keys.index(draft.number, algorithm)).dropindex(delete_documents=False)
        except ResponseError:
            continue
    wanted = {
        keys.passage(draft.number, url, position).encode()
        for url, record in change.upserted.items()
        for position in range(record.passages)
    }
    async for batch in _found(redis, f"{keys.passage_prefix(draft.number)}*"):
        await _unlink(redis, [key for key in batch if key not in wanted])
    await redis.delete(keys.ledger(draft.number))


async def _copy(redis: Redis, before: IndexVersion, draft: Draft, posts: Mapping[str, PostRecord]) -> None:
    places = [(url, position) for url, record in posts.items() for position in range(record.passages)]
    async with redis.pipeline(transaction=False) as pipe:
        for url, position in places:
            source = keys.passage(before.number, url, position)
            pipe.copy(source, keys.passage(draft.number, url, position), replace=True)
            pipe.hget(source, "digest")
        replies = await pipe.execute()
    digests = {
        digest: keys.passage(draft.number, url, position).removeprefix(keys.passage_prefix(draft.number))
        for (url, position), digest in zip(places, replies[1::2], strict=True)
        if digest
    }
    if digests:
        await redis.hset(keys.digests(draft.number), mapping=digests)


def _names(number: int) -> list[bytes]:
    names = (keys.ledger, keys.listings, keys.digests, keys.calibration_vectors, keys.undo, keys.version)
    return [name(number).encode() for name in names]


async def _found(redis: Redis, pattern: str) -> AsyncGenerator[list[bytes], None]:
    batch: list[bytes] = []
    async for key in redis.scan_iter(pattern, count=DELETED_AT_ONCE):
        batch.append(key)
        if len(batch) == DELETED_AT_ONCE:
            yield batch
            batch = []
    yield batch


async def _unlink(redis: Redis, names: list[bytes]) -> None:
    # One command a key: on a cluster they live on many nodes. There redis-py's pipelines have DEL, and lose UNLINK.
    async with redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.delete(name)
        await pipe.execute()

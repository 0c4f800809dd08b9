"""Publication: turn a draft into the live index version, roll back to the previous one, delete the others."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from core.errors import EmbeddingMismatchError, NoPreviousVersionError
from core.index.draft import Draft, list_versions
from core.index.schema import ANALYSIS, Algorithm, create_index, live_index, no_such_index, point_alias
from core.index.version import IndexVersion, Listing, PostRecord, batched, live_version, read_metadata, vector_spec_from
from core.storage import keys
from core.storage.connection import as_text

DELETE_BATCH = 1_000
COPY_BATCH = 50
"""Posts; each takes about six commands, and the server answers questions between two batches."""


@dataclass(frozen=True, slots=True)
class Change:
    """The difference between a draft and the live version, as records by URL: posts that are `kept`, perhaps with a new
    record, those that the draft adds or replaces, and those that are removed."""

    kept: Mapping[str, PostRecord] = field(default_factory=dict)
    upserted: Mapping[str, PostRecord] = field(default_factory=dict)
    removed: Mapping[str, PostRecord] = field(default_factory=dict)
    listings: Mapping[str, Listing] = field(default_factory=dict)

    @property
    def passages(self) -> int:
        """The number of passages after the change."""
        return sum(record.passages for record in (*self.kept.values(), *self.upserted.values()))


async def build_version(
    redis: Redis, draft: Draft, live: IndexVersion | None, change: Change, algorithm: Algorithm
) -> IndexVersion:
    """Complete a draft with the kept posts, which are copied within Redis, and build its index, without publishing it.

    Raises EmbeddingMismatchError if the index does not contain all passages.
    """
    await _remove_leftovers(redis, draft, change)
    if live is not None and live.vector_spec == draft.vector_spec:
        for batch in batched(list(change.kept.items()), COPY_BATCH):
            await _copy(redis, live, draft, dict(batch))
    await draft.write_records(change.kept)
    await draft.write_records(change.upserted)
    await draft.replace_listings(change.listings)
    index = await create_index(redis, draft.number, draft.vector_spec, algorithm)
    version = IndexVersion(redis, draft.number, draft.vector_spec, index)
    await version.set_metadata({"analysis": ANALYSIS})
    indexed = await version.wait_until_indexed()
    if indexed != change.passages:
        raise EmbeddingMismatchError(f"the index has {indexed} passages of {change.passages}")
    return version


async def publish(redis: Redis, version: IndexVersion) -> None:
    """Point the alias at this version, atomically. The previous version is kept for `roll_back`."""
    live = await live_index(redis)
    before = keys.version_of(live) if live else None
    if before is not None and before != version.number:
        await version.set_metadata({"before": str(before)})
    await point_alias(redis, version.index)
    await redis.hdel(keys.version(version.number), "draft")


async def roll_back(redis: Redis) -> IndexVersion:
    """Point the alias at the previous version, atomically. Raises NoPreviousVersionError.

    The current one stays until the next publication, so that its vectors can be reused.
    """
    live = await live_version(redis)
    metadata = await read_metadata(redis, live.number) if live else {}
    before = await find_version(redis, int(metadata["before"])) if "before" in metadata else None
    if before is None:
        raise NoPreviousVersionError
    await point_alias(redis, before.index)
    if "sources" in metadata:
        # Otherwise the next start would see different sources and reindex at once.
        await before.set_metadata({"sources": metadata["sources"]})
    return before


async def find_version(redis: Redis, number: int) -> IndexVersion | None:
    """Return the version with this number if it has an index."""
    names = [keys.index(number, algorithm) for algorithm in ("FLAT", "HNSW")]
    found = [name for name in map(as_text, await redis.execute_command("FT._LIST")) if name in names]
    if not found:
        return None
    return IndexVersion(redis, number, vector_spec_from(await read_metadata(redis, number)), found[0])


async def delete_stale_versions(redis: Redis) -> None:
    """Delete all versions, drafts and indexes except the live version and the previous one.

    Only the holder of the run lock may call it.
    """
    live = await live_version(redis)
    if live is None:
        return
    metadata = await read_metadata(redis, live.number)
    retained = {live.number, int(metadata.get("before", live.number))}
    names = [name for name in map(as_text, await redis.execute_command("FT._LIST")) if keys.is_index(name)]
    for name in names:
        if keys.version_of(name) == live.number and name != live.index:
            await redis.ft(name).dropindex(delete_documents=False)
    known = {number for number, _ in await list_versions(redis)}
    for number in sorted((known | set(map(keys.version_of, names))) - retained):
        await delete_version(redis, number)
    for number in retained - {live.number}:
        # Rollback goes back one step only.
        await _delete_undo_log(redis, number)


async def delete_version(redis: Redis, number: int) -> None:
    """Delete a version: its indexes by name (dropping an alias would drop the live index), then all its keys, indexed
    or not."""
    await _drop_indexes(redis, number)
    async for batch in _scan(redis, f"{keys.passage_prefix(number)}*"):
        await _delete(redis, batch)
    await _delete_undo_log(redis, number)
    await _delete(redis, _metadata_keys(number))
    await redis.srem(keys.VERSIONS, number)


async def _delete_undo_log(redis: Redis, number: int) -> None:
    if await redis.exists(keys.undo(number)):
        async for batch in _scan(redis, f"{keys.undo(number)}:*"):
            await _delete(redis, batch)
        await redis.delete(keys.undo(number))


async def delete_draft(redis: Redis, draft: Draft) -> None:
    """Delete a draft. Its digests name its passages, so no scan of Redis is needed."""
    locations = [as_text(location) for location in await redis.hvals(keys.digests(draft.number))]
    for batch in batched(locations, DELETE_BATCH):
        await _delete(redis, [(keys.passage_prefix(draft.number) + location).encode() for location in batch])
    await _delete(redis, _metadata_keys(draft.number))
    await redis.srem(keys.VERSIONS, draft.number)


async def _drop_indexes(redis: Redis, number: int) -> None:
    for algorithm in ("FLAT", "HNSW"):
        try:
            await redis.ft(keys.index(number, algorithm)).dropindex(delete_documents=False)
        except ResponseError as error:
            if not no_such_index(error):
                raise


async def _remove_leftovers(redis: Redis, draft: Draft, change: Change) -> None:
    """Remove from a draft what an interrupted run left and this one has not staged again."""
    await _drop_indexes(redis, draft.number)
    wanted = {
        keys.passage(draft.number, url, position).encode()
        for url, record in change.upserted.items()
        for position in range(record.passages)
    }
    async for batch in _scan(redis, f"{keys.passage_prefix(draft.number)}*"):
        await _delete(redis, [key for key in batch if key not in wanted])
    await redis.delete(keys.ledger(draft.number))


async def _copy(redis: Redis, live: IndexVersion, draft: Draft, posts: Mapping[str, PostRecord]) -> None:
    passages = [(url, position) for url, record in posts.items() for position in range(record.passages)]
    async with redis.pipeline(transaction=False) as pipe:
        for url, position in passages:
            source = keys.passage(live.number, url, position)
            pipe.copy(source, keys.passage(draft.number, url, position), replace=True)
            pipe.hget(source, "digest")
        replies = await pipe.execute()
    digests = {
        digest: keys.passage(draft.number, url, position).removeprefix(keys.passage_prefix(draft.number))
        for (url, position), digest in zip(passages, replies[1::2], strict=True)
        if digest
    }
    if digests:
        await redis.hset(keys.digests(draft.number), mapping=digests)


def _metadata_keys(number: int) -> list[bytes]:
    names = (keys.ledger, keys.listings, keys.digests, keys.calibration_vectors, keys.undo, keys.version)
    return [name(number).encode() for name in names]


async def _scan(redis: Redis, pattern: str) -> AsyncGenerator[list[bytes], None]:
    batch: list[bytes] = []
    async for key in redis.scan_iter(pattern, count=DELETE_BATCH):
        batch.append(key)
        if len(batch) == DELETE_BATCH:
            yield batch
            batch = []
    yield batch


async def _delete(redis: Redis, names: list[bytes]) -> None:
    # One command per key: on a cluster they are on many nodes, where redis-py's pipelines support DEL but lose UNLINK.
    async with redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.delete(name)
        await pipe.execute()

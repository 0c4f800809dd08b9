"""A draft: an edition in the making. Its passages lie where no index looks, until it is published or thrown away."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from redis.asyncio import Redis

from core.domain import Passage
from core.errors import EmbeddingMismatchError
from core.index.schema import VectorSpec, digest_of, to_hash
from core.index.version import IndexVersion, read_metadata, vector_spec_from
from core.models.protocols import Vectors
from core.storage import keys
from core.storage.connection import as_text


class Draft(IndexVersion):
    """Takes passages with their vectors, and finds vectors that were paid for before: its own, when a run that broke
    off has left some, and those of the `others`, which have the same model and dimensions."""

    def __init__(self, redis: Redis, number: int, shape: VectorSpec, others: Sequence[IndexVersion] = ()) -> None:
        super().__init__(redis, number, shape)
        self._sources: tuple[IndexVersion, ...] = (self, *others)

    async def known_vectors(self, digests: Sequence[str]) -> dict[str, Vectors]:
        """Vectors of texts, by the digests of those, as far as there are any."""
        found: dict[str, Vectors] = {}
        for source in self._sources:
            missing = [digest for digest in digests if digest not in found]
            if missing:
                found |= await self._found(source, missing)
        return found

    async def _found(self, source: IndexVersion, digests: Sequence[str]) -> dict[str, Vectors]:
        places = await self._redis.hmget(keys.digests(source.number), digests)
        named = [(digest, as_text(place)) for digest, place in zip(digests, places, strict=True) if place]
        if not named:
            return {}
        async with self._redis.pipeline(transaction=False) as pipe:
            for _, place in named:
                pipe.hmget(keys.passage_prefix(source.number) + place, "digest", "embedding")
            rows = await pipe.execute()
        # What the place holds now may be another passage, or none.
        return {
            digest: source.vector_spec.vector(blob)
            for (digest, _), (holds, blob) in zip(named, rows, strict=True)
            if blob and holds == digest.encode()
        }

    async def stage(self, passages: Sequence[Passage], vectors: Vectors) -> None:
        """Writes passages; doing it twice is doing it once. Raises EmbeddingMismatchError, before anything is
        written, for
        vectors that do not fit."""
        if vectors.shape != (len(passages), self.vector_spec.dimensions):
            raise EmbeddingMismatchError(
                f"vectors of shape {vectors.shape}, where the index takes {self.vector_spec.dimensions} dimensions"
            )
        if not np.isfinite(vectors).all():
            raise EmbeddingMismatchError("a vector holds values that are no numbers")
        places: dict[Any, Any] = {}
        async with self._redis.pipeline(transaction=False) as pipe:
            for passage, vector in zip(passages, vectors, strict=True):
                key = keys.passage(self.number, passage.url, passage.position)
                pipe.hset(key, mapping=to_hash(passage, vector, self.vector_spec))
                places[digest_of(passage)] = key.removeprefix(keys.passage_prefix(self.number))
            if places:
                pipe.hset(keys.digests(self.number), mapping=places)
            await pipe.execute()


async def begin_draft(redis: Redis, shape: VectorSpec) -> Draft:
    """A draft of this shape: the one that a run has left that broke off, or a new one. Only whoever holds the lease
    may write to it."""
    draft = await find_draft(redis, shape)
    if draft.number:
        return draft
    number = int(await redis.incr(keys.VERSION_COUNTER))
    await redis.sadd(keys.VERSIONS, number)
    begun = Draft(redis, number, shape, await _related(redis, shape, number))
    await begun.set_metadata({**vector_spec_metadata(shape), "draft": "1"})
    return begun


async def find_draft(redis: Redis, shape: VectorSpec) -> Draft:
    """The draft that a run has left that broke off; one with the number 0, which only can be asked, without such."""
    drafts = [
        number for number, facts in await list_versions(redis) if "draft" in facts and vector_spec_from(facts) == shape
    ]
    number = max(drafts, default=0)
    return Draft(redis, number, shape, await _related(redis, shape, number))


async def load_draft(redis: Redis, number: int) -> Draft | None:
    """The draft of this number, None when it is none, or none any more."""
    facts = await read_metadata(redis, number)
    if "draft" not in facts:
        return None
    shape = vector_spec_from(facts)
    return Draft(redis, number, shape, await _related(redis, shape, number))


def vector_spec_metadata(shape: VectorSpec) -> dict[str, str]:
    """A shape, as an edition's hash says it; the reverse of `vector_spec_from`."""
    return {"model": shape.model, "dimensions": str(shape.dimensions), "precision": shape.precision}


async def list_versions(redis: Redis) -> Iterable[tuple[int, Mapping[str, str]]]:
    """All editions and drafts that there are, with what their hashes say."""
    numbers = sorted(int(number) for number in await redis.smembers(keys.VERSIONS))
    return [(number, await read_metadata(redis, number)) for number in numbers]


async def _related(redis: Redis, shape: VectorSpec, but: int) -> list[IndexVersion]:
    """Editions whose vectors can be used, the newest first."""
    found = [
        IndexVersion(redis, number, other)
        for number, facts in await list_versions(redis)
        if number != but
        and ((other := vector_spec_from(facts)).model, other.dimensions) == (shape.model, shape.dimensions)
    ]
    return found[::-1]

"""A draft: an index version under construction, whose passages are outside any search index until it is published."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from redis.asyncio import Redis

from core.domain import Passage
from core.errors import EmbeddingMismatchError
from core.index.schema import Fields, VectorSpec, digest_of, to_hash
from core.index.version import IndexVersion, count_languages, read_metadata, vector_spec_from
from core.models.protocols import Vectors
from core.storage import keys
from core.storage.connection import as_text


class Draft(IndexVersion):
    """Collects passages with their vectors, and reuses vectors already computed: those left by an interrupted run, and
    those of `others`, versions with the same model and dimensions."""

    def __init__(self, redis: Redis, number: int, spec: VectorSpec, others: Sequence[IndexVersion] = ()) -> None:
        super().__init__(redis, number, spec)
        self._sources: tuple[IndexVersion, ...] = (self, *others)
        self._languages: defaultdict[str, Counter[str]] = defaultdict(Counter)

    async def known_vectors(self, digests: Sequence[str]) -> dict[str, Vectors]:
        """Return the vectors that are already known, by digest of their text."""
        found: dict[str, Vectors] = {}
        for source in self._sources:
            missing = [digest for digest in digests if digest not in found]
            if missing:
                found |= await self._found(source, missing)
        return found

    async def _found(self, source: IndexVersion, digests: Sequence[str]) -> dict[str, Vectors]:
        locations = await self._redis.hmget(keys.digests(source.number), digests)
        named = [(digest, as_text(location)) for digest, location in zip(digests, locations, strict=True) if location]
        if not named:
            return {}
        async with self._redis.pipeline(transaction=False) as pipe:
            for _, location in named:
                pipe.hmget(keys.passage_prefix(source.number) + location, "digest", "embedding")
            rows = await pipe.execute()
        # The passage under that key may have been replaced or deleted since.
        return {
            digest: source.vector_spec.vector(blob)
            for (digest, _), (holds, blob) in zip(named, rows, strict=True)
            if blob and holds == digest.encode()
        }

    async def stage(self, passages: Sequence[Passage], vectors: Vectors) -> None:
        """Write passages; idempotent. Raises EmbeddingMismatchError, before writing, for vectors that do not fit."""
        if vectors.shape != (len(passages), self.vector_spec.dimensions):
            raise EmbeddingMismatchError(
                f"vectors of shape {vectors.shape}, where the index takes {self.vector_spec.dimensions} dimensions"
            )
        if not np.isfinite(vectors).all():
            raise EmbeddingMismatchError("a vector contains values that are not finite")
        passages = await self._with_languages(passages)
        # Analysing a batch takes long enough to hold up answers.
        hashes = await asyncio.to_thread(self._hashes, passages, vectors)
        locations: dict[Any, Any] = {}
        async with self._redis.pipeline(transaction=False) as pipe:
            for passage, fields in zip(passages, hashes, strict=True):
                key = keys.passage(self.number, passage.url, passage.position)
                pipe.hset(key, mapping=fields)
                locations[digest_of(passage)] = key.removeprefix(keys.passage_prefix(self.number))
            if locations:
                pipe.hset(keys.digests(self.number), mapping=locations)
            await pipe.execute()

    async def _with_languages(self, passages: Sequence[Passage]) -> Sequence[Passage]:
        """Assume the most frequent language of its source for a passage whose post is too short to tell."""
        for passage in filter(lambda passage: passage.language, passages):
            self._languages[passage.source][passage.language] += 1
        for source in {passage.source for passage in passages if not passage.language} - self._languages.keys():
            self._languages[source] = await count_languages(self._redis, source)
        usual = {source: next(iter(counts.most_common(1)), ("", 0))[0] for source, counts in self._languages.items()}
        return [
            passage if passage.language else replace(passage, language=usual[passage.source]) for passage in passages
        ]

    def _hashes(self, passages: Sequence[Passage], vectors: Vectors) -> list[Fields]:
        return [to_hash(passage, vector, self.vector_spec) for passage, vector in zip(passages, vectors, strict=True)]


async def begin_draft(redis: Redis, spec: VectorSpec) -> Draft:
    """Resume the draft that an interrupted run left, or create one. Only the holder of the run lock may write to it."""
    draft = await find_draft(redis, spec)
    if draft.number:
        return draft
    number = int(await redis.incr(keys.VERSION_COUNTER))
    await redis.sadd(keys.VERSIONS, number)
    begun = Draft(redis, number, spec, await _related(redis, spec, number))
    await begun.set_metadata({**vector_spec_metadata(spec), "draft": "1"})
    return begun


async def find_draft(redis: Redis, spec: VectorSpec) -> Draft:
    """Return the draft that an interrupted run left, or a read-only one with number 0."""
    versions = await list_versions(redis)
    drafts = [number for number, metadata in versions if "draft" in metadata and vector_spec_from(metadata) == spec]
    number = max(drafts, default=0)
    return Draft(redis, number, spec, await _related(redis, spec, number))


async def load_draft(redis: Redis, number: int) -> Draft | None:
    """Return the draft with this number, or None if it is published or deleted."""
    metadata = await read_metadata(redis, number)
    if "draft" not in metadata:
        return None
    spec = vector_spec_from(metadata)
    return Draft(redis, number, spec, await _related(redis, spec, number))


def vector_spec_metadata(spec: VectorSpec) -> dict[str, str]:
    """Return a spec as version metadata; the inverse of `vector_spec_from`."""
    return {"model": spec.model, "dimensions": str(spec.dimensions), "precision": spec.precision}


async def list_versions(redis: Redis) -> Iterable[tuple[int, Mapping[str, str]]]:
    """Return the numbers of all versions and drafts with their metadata, oldest first."""
    numbers = sorted(int(number) for number in await redis.smembers(keys.VERSIONS))
    return [(number, await read_metadata(redis, number)) for number in numbers]


async def _related(redis: Redis, spec: VectorSpec, excluded: int) -> list[IndexVersion]:
    """Return versions whose vectors can be reused, newest first."""
    found = [
        IndexVersion(redis, number, other)
        for number, metadata in await list_versions(redis)
        if number != excluded
        and ((other := vector_spec_from(metadata)).model, other.dimensions) == (spec.model, spec.dimensions)
    ]
    return found[::-1]

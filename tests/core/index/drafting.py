"""Drafts and versions for tests, with unit vectors that are easy to tell apart."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from redis.asyncio import Redis

from core.domain import Passage
from core.index.draft import Draft, begin_draft
from core.index.publication import Change, build_version, delete_stale_versions, publish
from core.index.schema import VectorSpec
from core.index.version import IndexVersion, PostRecord, live_version
from core.models.protocols import Vectors
from core.storage import keys
from core.storage.connection import as_text

SHAPE = VectorSpec("model", 4)


def record_of(texts: Sequence[str]) -> PostRecord:
    return PostRecord("Title", "blog", "raw", f"digest of {texts}", len(texts))


def passages_of(url: str, texts: Sequence[str]) -> list[Passage]:
    first = Passage(url, "Title", "Heading", "", "blog")
    return [replace(first, text=text, position=position) for position, text in enumerate(texts)]


def vectors(rows: int, dimensions: int = 4) -> Vectors:
    return np.eye(rows, dimensions, dtype=np.float32)


async def drafted(redis: Redis, posts: Mapping[str, Sequence[str]], shape: VectorSpec = SHAPE) -> Draft:
    """Create a draft of posts: the texts of their passages by URL."""
    draft = await begin_draft(redis, shape)
    for url, texts in posts.items():
        await draft.stage(passages_of(url, texts), vectors(len(texts), shape.dimensions))
        await draft.write_records({url: record_of(texts)})
    return draft


async def whole(redis: Redis, posts: Mapping[str, Sequence[str]], change: Change | None = None) -> IndexVersion:
    """Publish a version of new posts and the ones that a change keeps."""
    draft = await drafted(redis, posts)
    live = await live_version(redis)
    fresh = {url: record_of(texts) for url, texts in posts.items()}
    version = await build_version(redis, draft, live, replace(change or Change(), upserted=fresh), "FLAT")
    await publish(redis, version)
    await delete_stale_versions(redis)
    return version


async def texts_in(redis: Redis, version: IndexVersion) -> dict[str, list[str]]:
    """Return the texts of a version's passages by URL."""
    ledger = await version.ledger()
    return {
        url: [passage.text for passage in await version.passages({url: record.passages})]
        for url, record in ledger.items()
    }


async def every_key(redis: Redis, pattern: str = "*") -> set[str]:
    return set(map(as_text, await redis.keys(pattern)))


async def passage_keys(redis: Redis, number: int) -> set[str]:
    return await every_key(redis, f"{keys.passage_prefix(number)}*")

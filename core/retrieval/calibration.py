"""Calibration: how close an index's own posts come to each other, which vector matches are held against."""

from statistics import fmean, pstdev

import numpy as np
from redis.asyncio import Redis

from core.index.publication import Change
from core.index.version import IndexVersion
from core.retrieval.relevance import Chance
from core.retrieval.search import count_passages, sample_vectors, vector_search
from core.storage import keys

SAMPLE = 100
"""Passages that are compared with the nearest one of another post."""

MAX_DRIFT = 0.1
"""Share of changed passages after which a version is calibrated again."""


async def calibrate(redis: Redis, version: IndexVersion) -> None:
    """Calibrate a version with a sample of its own vectors; nothing is embedded."""
    total = await count_passages(redis, version.index)
    places = sorted({int(place) for place in np.linspace(0, total - 1, SAMPLE)}) if total else []
    sample = await sample_vectors(redis, version.index, places)
    rankings = await vector_search(redis, version.index, list(sample.values())) if sample else []
    cosines = [_nearest_elsewhere(key, ranking) for key, ranking in zip(sample, rankings, strict=True)]
    known = [cosine for cosine in cosines if cosine is not None]
    if known:
        await version.set_metadata({"chance": Chance(fmean(known), pstdev(known)).to_json()})


async def recalibrate_after_drift(redis: Redis, live: IndexVersion, change: Change) -> None:
    """Calibrate again if many passages have changed in place since the last time."""
    changed = sum(record.passages for record in (*change.upserted.values(), *change.removed.values()))
    drift = await redis.hincrby(keys.version(live.number), "drift", changed)
    if drift > MAX_DRIFT * change.passages:
        await calibrate(redis, live)
        await live.set_metadata({"drift": "0"})


def _nearest_elsewhere(key: str, ranking: dict[str, float]) -> float | None:
    """Return the best cosine with a passage of another post."""
    post = keys.post_of(key)
    return max((cosine for other, cosine in ranking.items() if keys.post_of(other) != post), default=None)

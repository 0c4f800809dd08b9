"""An index is calibrated with unrelated questions."""

from redis.asyncio import Redis

from core.index.version import live_version, read_metadata
from core.models.offline_embedder import OfflineEmbedder
from core.retrieval.calibration import QUESTIONS, calibrate
from core.retrieval.relevance import Calibration
from core.retrieval.retriever import Retriever
from tests.posts import new_version, published


def test_calibration_questions_are_many_and_distinct() -> None:
    assert len(QUESTIONS) >= 90
    assert len(set(QUESTIONS)) == len(QUESTIONS)


async def test_calibration_is_stored_with_the_version(redis: Redis, embedder: OfflineEmbedder) -> None:
    version = await published(redis, embedder)
    calibration = Calibration.from_json((await read_metadata(redis, version.number))["calibration"])
    assert 0 < calibration.mean.cosine < 1
    assert calibration.spread.cosine > 0


async def test_empty_version_can_be_calibrated(redis: Redis, embedder: OfflineEmbedder) -> None:
    version = await new_version(redis, embedder)
    await calibrate(redis, Retriever(redis, embedder), version)
    calibration = Calibration.from_json((await read_metadata(redis, version.number))["calibration"])
    assert calibration.mean.cosine == 0


async def test_calibration_keeps_other_metadata(redis: Redis, embedder: OfflineEmbedder) -> None:
    version = await published(redis, embedder)
    await calibrate(redis, Retriever(redis, embedder), version)
    live = await live_version(redis)
    assert live is not None
    assert live.vector_spec == version.vector_spec


async def test_most_calibration_questions_are_not_relevant(blog: Redis, embedder: OfflineEmbedder) -> None:
    retriever = Retriever(blog, embedder)
    refused = [(await retriever.search(question)).confidence == "none" for question in QUESTIONS]
    assert sum(refused) > 0.9 * len(QUESTIONS)

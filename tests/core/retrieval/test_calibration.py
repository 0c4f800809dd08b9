"""An index is calibrated with questions that it does not answer."""

from redis.asyncio import Redis

from core.index.version import live_version, read_metadata
from core.models.offline_embedder import OfflineEmbedder
from core.retrieval.calibration import QUESTIONS, calibrate
from core.retrieval.relevance import Calibration
from core.retrieval.retriever import Retriever
from tests.posts import new_version, published, put_posts


def test_the_questions_are_many_and_none_stands_twice() -> None:
    assert len(QUESTIONS) >= 90
    assert len(set(QUESTIONS)) == len(QUESTIONS)


async def test_the_calibration_is_kept_with_the_edition(redis: Redis, embedder: OfflineEmbedder) -> None:
    edition = await published(redis, embedder)
    calibration = Calibration.from_json((await read_metadata(redis, edition.number))["calibration"])
    assert 0 < calibration.mean.cosine < 1
    assert calibration.spread.cosine > 0


async def test_an_empty_edition_can_be_calibrated(redis: Redis, embedder: OfflineEmbedder) -> None:
    edition = await new_version(redis, embedder)
    await calibrate(redis, Retriever(redis, embedder), edition)
    calibration = Calibration.from_json((await read_metadata(redis, edition.number))["calibration"])
    assert calibration.mean.cosine == 0
    await put_posts(redis, edition, embedder)


async def test_calibrating_keeps_the_other_facts(redis: Redis, embedder: OfflineEmbedder) -> None:
    edition = await published(redis, embedder)
    await calibrate(redis, Retriever(redis, embedder), edition)
    live = await live_version(redis)
    assert live is not None
    assert live.vector_spec == edition.vector_spec


async def test_most_of_the_questions_are_refused_on_the_index_that_they_calibrated(
    redis: Redis, embedder: OfflineEmbedder
) -> None:
    await published(redis, embedder)
    retriever = Retriever(redis, embedder)
    refused = [not (await retriever.search(question)).relevant for question in QUESTIONS]
    assert sum(refused) > 0.9 * len(QUESTIONS)

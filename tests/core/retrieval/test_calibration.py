"""An index is calibrated with its own vectors."""

from redis.asyncio import Redis

from core.index.version import live_version, read_metadata
from core.models.offline_embedder import OfflineEmbedder
from core.retrieval.calibration import calibrate
from core.retrieval.relevance import Chance
from tests.posts import POSTS, new_version, published, put_posts


async def test_cosines_between_posts_are_stored_with_the_version(redis: Redis, embedder: OfflineEmbedder) -> None:
    version = await published(redis, embedder)
    chance = Chance.from_json((await read_metadata(redis, version.number))["chance"])
    assert 0 < chance.mean < 0.5
    assert chance.spread > 0
    live = await live_version(redis)
    assert live is not None
    assert live.vector_spec == version.vector_spec


async def test_index_without_two_posts_is_not_calibrated(redis: Redis, embedder: OfflineEmbedder) -> None:
    version = await new_version(redis, embedder)
    await calibrate(redis, version)
    await put_posts(redis, version, embedder, {"bees": POSTS["bees"]})
    await calibrate(redis, version)
    assert "chance" not in await read_metadata(redis, version.number)

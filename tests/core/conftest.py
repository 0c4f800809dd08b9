"""Published posts for tests that only ask."""

from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis

from core.models.offline_embedder import OfflineEmbedder
from tests.core.published_redis import published_redis, shared
from tests.posts import published


@pytest.fixture(scope="session")
def blog_url(tmp_path_factory: pytest.TempPathFactory, embedder: OfflineEmbedder) -> Iterator[str]:
    with published_redis(tmp_path_factory.mktemp("blog"), lambda redis: published(redis, embedder)) as url:
        yield url


@pytest.fixture
async def blog(blog_url: str) -> AsyncIterator[Redis]:
    """A client of a Redis in which the posts are live; only for tests that leave the index as it is."""
    async with shared(blog_url) as redis:
        yield redis

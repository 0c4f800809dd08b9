"""A loopback blog that can misbehave, and a fetcher."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from core.ingestion.crawl_policy import CrawlPolicy
from core.ingestion.fetcher import USER_AGENT, Fetcher
from tests.servers.blog import Blog, Post
from tests.servers.hostile import HostileSite

PARAGRAPH = "<p>Redis keeps vectors beside the posts, so that a question finds what means the same, in other words.</p>"

POLICY = CrawlPolicy(backoff=timedelta(milliseconds=10))
"""Backs off for milliseconds instead of seconds."""


@pytest.fixture
def posts() -> list[Post]:
    """Twelve posts, the newest last."""
    return [
        Post(f"post-{n}", f"Post {n}", f"<p>Number {n}.</p>{PARAGRAPH * 3}", f"2026-01-{n:02}") for n in range(1, 13)
    ]


@pytest.fixture
async def blog(posts: list[Post]) -> AsyncIterator[Blog]:
    async with Blog(posts, per_page=5) as served:
        yield served


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    async with Fetcher(USER_AGENT.format(version="1"), POLICY) as fetcher:
        yield fetcher


@pytest.fixture
async def site() -> AsyncIterator[HostileSite]:
    async with HostileSite() as served:
        yield served


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "posts"
    place.mkdir()
    return place

"""The catalog counts posts, reads them, and suggests questions and titles."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from core.domain import Passage
from core.index.catalog import Catalog, IndexStats
from core.index.draft import Draft
from core.models.offline_embedder import OfflineEmbedder
from tests.core.published_redis import published_redis, shared
from tests.posts import POSTS, published, url_of

LONG = "# Notes on tea\n\n" + "\n\n".join(
    f"## How long does tea number {number} steep?\n\n" + f"Tea {number} steeps for {number} minutes. " * 30
    for number in range(4)
)


@pytest.fixture(scope="module")
def tea_url(tmp_path_factory: pytest.TempPathFactory, embedder: OfflineEmbedder) -> Iterator[str]:
    posts = {**POSTS, "tea": LONG}
    with published_redis(tmp_path_factory.mktemp("tea"), lambda redis: published(redis, embedder, posts)) as url:
        yield url


@pytest.fixture
async def catalog(tea_url: str) -> AsyncIterator[Catalog]:
    """The catalog of the usual posts and a long one."""
    async with shared(tea_url) as redis:
        yield Catalog(redis)


async def test_empty_index_has_an_empty_catalog(redis: Redis) -> None:
    catalog = Catalog(redis)
    assert await catalog.stats() == IndexStats()
    assert await catalog.example_questions(5) == []
    assert await catalog.post("https://blog/a") is None
    assert await catalog.latest_post_date() is None


async def test_posts_and_passages_are_counted(catalog: Catalog) -> None:
    stats = await catalog.stats()
    assert stats.posts == len(POSTS) + 1
    assert await catalog.posts_by_source() == {"blog": len(POSTS) + 1}
    assert stats.passages > stats.posts
    assert stats.bytes > 0


async def test_latest_post_date_is_the_date_of_the_newest_post(redis: Redis, embedder: OfflineEmbedder) -> None:
    edition = await published(redis, embedder)
    assert await Catalog(redis).latest_post_date() is None, "none has a date"
    passages = [
        Passage(f"https://blog/{year}", "Tea", "", "Tea steeps.", "blog", published=datetime(year, 1, 2, tzinfo=UTC))
        for year in (2024, 2026, 2025)
    ]
    draft = Draft(redis, edition.number, edition.vector_spec)
    await draft.stage(passages, await embedder.embed([passage.embedding_text for passage in passages]))
    await edition.wait_until_indexed()
    assert await Catalog(redis).latest_post_date() == datetime(2026, 1, 2, tzinfo=UTC)


async def test_headings_that_are_questions_are_the_first_examples(catalog: Catalog) -> None:
    examples = await catalog.example_questions(3)
    assert len(examples) == 3
    assert examples[0].startswith("How long does tea")
    assert all(example.endswith("?") for example in examples)
    assert len(await catalog.example_questions(100)) == len(POSTS) + 1


async def test_whole_post_can_be_read(catalog: Catalog) -> None:
    post = await catalog.post(url_of("tea"))
    assert post is not None
    assert (post.title, post.source) == ("Notes on tea", "blog")
    assert post.text.split() == LONG.split()


async def test_unknown_post_is_not_found(catalog: Catalog) -> None:
    assert await catalog.post("https://elsewhere/") is None


@pytest.mark.parametrize("typed", ["note", "notes on", "NOTES on te", "tea"])
async def test_titles_are_found_while_typing(typed: str, catalog: Catalog) -> None:
    assert await catalog.search_titles(typed, 5, frozenset({"blog"})) == ["Notes on tea"]
    assert await catalog.search_titles(typed, 5, frozenset({"elsewhere"})) == []


@pytest.mark.parametrize("typed", ["", "?!", "zz", "t", "(tea|", "@title:{x}", "a* -b"])
async def test_any_typed_text_is_searched_without_an_error(typed: str, redis: Redis, catalog: Catalog) -> None:
    assert await Catalog(redis).search_titles(typed, 5) == []
    assert set(await catalog.search_titles(typed, 5)) <= {"Notes on tea"}

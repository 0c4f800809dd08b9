"""What is known can be counted, looked at, and asked for examples."""

from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from core.domain import Passage
from core.index.catalog import Catalog, IndexStats
from core.index.draft import Draft
from core.models.offline_embedder import OfflineEmbedder
from tests.posts import POSTS, published, url_of

LONG = "# Notes on tea\n\n" + "\n\n".join(
    f"## How long does tea number {number} steep?\n\n" + f"Tea {number} steeps for {number} minutes. " * 30
    for number in range(4)
)


async def test_before_anything_was_read_there_is_nothing(redis: Redis) -> None:
    library = Catalog(redis)
    assert await library.stats() == IndexStats()
    assert await library.example_questions(5) == []
    assert await library.post("https://blog/a") is None
    assert await library.latest_post_date() is None


async def test_posts_and_passages_are_counted(redis: Redis, embedder: OfflineEmbedder) -> None:
    await published(redis, embedder, {**POSTS, "tea": LONG})
    holdings = await Catalog(redis).stats()
    assert holdings.posts == len(POSTS) + 1
    assert await Catalog(redis).posts_by_source() == {"blog": len(POSTS) + 1}
    assert holdings.passages > holdings.posts
    assert holdings.bytes > 0


async def test_the_newest_post_is_known_by_its_date(redis: Redis, embedder: OfflineEmbedder) -> None:
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


async def test_headings_that_are_questions_are_the_first_examples(redis: Redis, embedder: OfflineEmbedder) -> None:
    await published(redis, embedder, {**POSTS, "tea": LONG})
    examples = await Catalog(redis).example_questions(3)
    assert len(examples) == 3
    assert examples[0].startswith("How long does tea")
    assert all(example.endswith("?") for example in examples)
    assert len(await Catalog(redis).example_questions(100)) == len(POSTS) + 1


async def test_a_post_can_be_read_whole(redis: Redis, embedder: OfflineEmbedder) -> None:
    await published(redis, embedder, {"tea": LONG})
    post = await Catalog(redis).post(url_of("tea"))
    assert post is not None
    assert (post.title, post.source) == ("Notes on tea", "blog")
    assert post.text.split() == LONG.split()


async def test_a_post_that_is_not_there_is_none(redis: Redis, embedder: OfflineEmbedder) -> None:
    await published(redis, embedder)
    assert await Catalog(redis).post("https://elsewhere/") is None


@pytest.mark.parametrize("typed", ["note", "notes on", "NOTES on te", "tea"])
async def test_titles_are_found_while_somebody_types(typed: str, redis: Redis, embedder: OfflineEmbedder) -> None:
    await published(redis, embedder, {**POSTS, "tea": LONG})
    library = Catalog(redis)
    assert await library.search_titles(typed, 5, frozenset({"blog"})) == ["Notes on tea"]
    assert await library.search_titles(typed, 5, frozenset({"elsewhere"})) == []


@pytest.mark.parametrize("typed", ["", "?!", "zz", "t", "(tea|", "@title:{x}", "a* -b"])
async def test_whatever_is_typed_is_no_error(typed: str, redis: Redis, embedder: OfflineEmbedder) -> None:
    assert await Catalog(redis).search_titles(typed, 5) == []
    await published(redis, embedder, {"tea": LONG})
    assert set(await Catalog(redis).search_titles(typed, 5)) <= {"Notes on tea"}

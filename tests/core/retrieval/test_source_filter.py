"""A search restricted to sources finds their posts and nothing else."""

from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis

from core.domain import SearchResults
from core.index.catalog import Catalog
from core.index.schema import source_filter
from core.language.terms import query_words
from core.models.offline_embedder import OfflineEmbedder
from core.retrieval.retriever import Retriever
from core.retrieval.search import bm25_search, term_idf, vector_search
from tests.core.index.shelves import ODD_NAMES, address, shelved
from tests.core.published_redis import published_redis, shared
from tests.posts import POSTS

BEES = "How do bees get through the winter?"
PUBLIC = {"bees": POSTS["bees"], "backups": POSTS["backups"]}
RESTRICTED = {
    "bees": POSTS["bees"].replace("honey", "secret sugar"),
    "salaries": "# What we earn\n\nThe queen earns most.",
}


@pytest.fixture(scope="module")
def shelves_url(tmp_path_factory: pytest.TempPathFactory, embedder: OfflineEmbedder) -> Iterator[str]:
    shelves = {"blog": PUBLIC, "board": RESTRICTED}
    with published_redis(tmp_path_factory.mktemp("shelves"), lambda redis: shelved(redis, embedder, shelves)) as url:
        yield url


@pytest.fixture
async def shelves(shelves_url: str) -> AsyncIterator[Redis]:
    """A client of a Redis with a public and a restricted source."""
    async with shared(shelves_url) as redis:
        yield redis


@pytest.fixture
def retriever(shelves: Redis, embedder: OfflineEmbedder) -> Retriever:
    return Retriever(shelves, embedder)


def sources_of(results: SearchResults) -> set[str]:
    return {hit.passage.source for hit in results.hits}


@pytest.mark.parametrize("source", ["blog", "board"])
@pytest.mark.parametrize("question", [BEES, "What does the queen earn?", "secret sugar", "the a of", "🐝", "kubernets"])
async def test_search_finds_nothing_of_other_sources(retriever: Retriever, source: str, question: str) -> None:
    assert sources_of(await retriever.search(question, sources=frozenset({source}))) <= {source}
    assert sources_of(await retriever.search(question, previous=BEES, sources=frozenset({source}))) <= {source}


async def test_search_finds_the_posts_of_its_sources(retriever: Retriever) -> None:
    for sources in ({"blog"}, {"board"}, {"board", "blog"}, {"board", "not there"}):
        results = await retriever.search(BEES, sources=frozenset(sources))
        assert results.confidence != "none"
        assert sources_of(results) == sources - {"not there"}
    assert sources_of(await retriever.search(BEES)) == {"blog", "board"}


@pytest.mark.parametrize("sources", [frozenset(), frozenset({"not there"}), frozenset({""}), frozenset({"b*"})])
async def test_sources_without_posts_have_no_hits(retriever: Retriever, sources: frozenset[str]) -> None:
    results = await retriever.search(BEES, sources=sources)
    assert results.hits == ()
    assert results.confidence == "none"


async def test_idf_is_counted_only_filter__the_sources(retriever: Retriever, shelves: Redis) -> None:
    [[term]] = await term_idf(shelves, "posts", [query_words("salaries", ["en", ""])], source_filter(["blog"]))
    [[unfiltered]] = await term_idf(shelves, "posts", [query_words("secret", ["en", ""])], source_filter(["board"]))
    [[everywhere]] = await term_idf(shelves, "posts", [query_words("secret", ["en", ""])])
    assert term.idf > 0
    assert unfiltered.idf < everywhere.idf


async def test_small_source_does_not_rank_before_a_large_one(redis: Redis, embedder: OfflineEmbedder) -> None:
    pad = "It is about soil and rain and sun and wind."
    large = {f"p{number}": f"# Soil {number}\n\n{pad}" for number in range(60)}
    large["best"] = f"# Hives\n\nHives, hives and hives. {pad}"
    edition = await shelved(
        redis, embedder, {"large": large, "small": {"worse": f"# Notes\n\nOne of the hives. {pad}"}}
    )
    filter_ = source_filter(["large", "small"])
    terms = await term_idf(redis, edition.index, [query_words("hives", ["en", ""])], filter_)
    [free], [kept] = (
        await bm25_search(redis, edition.index, terms),
        await bm25_search(redis, edition.index, terms, filter_),
    )
    assert len(kept) == 2
    assert max(kept.values()) == pytest.approx(max(free.values()))
    assert min(kept.values()) <= min(free.values())


@pytest.fixture(scope="module")
def oddly_named_url(tmp_path_factory: pytest.TempPathFactory, embedder: OfflineEmbedder) -> Iterator[str]:
    posts = {name: f"{POSTS['bees']}{' They hum.' * number}" for number, name in enumerate(ODD_NAMES)}
    shelves = {name: {"bees": text} for name, text in posts.items()}
    with published_redis(tmp_path_factory.mktemp("odd"), lambda redis: shelved(redis, embedder, shelves)) as url:
        yield url


@pytest.fixture
async def oddly_named(oddly_named_url: str) -> AsyncIterator[Redis]:
    """A client of a Redis with one source per odd name; their posts differ only in length."""
    async with shared(oddly_named_url) as redis:
        yield redis


async def test_source_with_any_name_is_found_and_nothing_else(oddly_named: Redis, embedder: OfflineEmbedder) -> None:
    retriever, catalog = Retriever(oddly_named, embedder), Catalog(oddly_named)
    [vector] = await embedder.embed([BEES])
    for name in ODD_NAMES:
        filter_ = source_filter([name])
        [found] = await vector_search(oddly_named, "posts", [vector.astype("<f4").tobytes()], filter_)
        assert len(found) == 1, ascii(name)
        terms = await term_idf(oddly_named, "posts", [query_words("bees in winter", ["en", ""])], filter_)
        [worded] = await bm25_search(oddly_named, "posts", terms, filter_)
        assert worded.keys() == found.keys(), ascii(name)
        assert sources_of(await retriever.search(BEES, sources=frozenset({name}))) == {name}, ascii(name)
        assert await catalog.example_questions(5, frozenset({name})) == [
            "What do the posts say about “Wintering bees on a roof”?"
        ], ascii(name)
        assert await catalog.posts_by_source(frozenset({name})) == {name: 1}


async def test_several_sources_with_odd_names_are_found_together(oddly_named: Redis, embedder: OfflineEmbedder) -> None:
    retriever = Retriever(oddly_named, embedder)
    for some in (ODD_NAMES[:20], ODD_NAMES[20:], ODD_NAMES[::3], ODD_NAMES):
        results = await retriever.search(BEES, sources=frozenset(some))
        assert sources_of(results) <= set(some)
        assert len(results.hits) == min(len(some), 24)


async def test_post_of_another_source_is_not_shown(retriever: Retriever, shelves: Redis) -> None:
    catalog = Catalog(shelves)
    assert await catalog.post(address("board", "salaries"), frozenset({"blog"})) is None
    assert await catalog.post(address("board", "salaries"), frozenset()) is None
    shown = await catalog.post(address("board", "salaries"), frozenset({"board", "blog"}))
    assert shown is not None
    assert shown.title == "What we earn"


async def test_example_questions_come_only_from_the_sources(retriever: Retriever, shelves: Redis) -> None:
    catalog = Catalog(shelves)
    assert not any("earn" in example for example in await catalog.example_questions(10, frozenset({"blog"})))
    assert any("earn" in example for example in await catalog.example_questions(10, frozenset({"board"})))
    assert any("earn" in example for example in await catalog.example_questions(10))
    assert await catalog.example_questions(10, frozenset()) == []
    assert await catalog.posts_by_source(frozenset({"board"})) == {"board": 2}
    assert await catalog.posts_by_source(frozenset()) == {}

"""A search that keeps to some sources finds what stands there, and nothing that stands elsewhere."""

import pytest
from redis.asyncio import Redis

from core.domain import SearchResults
from core.index.catalog import Catalog
from core.index.schema import source_filter
from core.models.offline_embedder import OfflineEmbedder
from core.retrieval.retriever import Retriever
from core.retrieval.search import bm25_search, term_idf, vector_search
from tests.core.index.shelves import ODD_NAMES, address, shelved
from tests.posts import POSTS

BEES = "How do bees get through the winter?"
EVERYBODY = {"bees": POSTS["bees"], "backups": POSTS["backups"]}
FEW = {"bees": POSTS["bees"].replace("honey", "secret sugar"), "salaries": "# What we earn\n\nThe queen earns most."}


@pytest.fixture
async def retriever(redis: Redis, embedder: OfflineEmbedder) -> Retriever:
    await shelved(redis, embedder, {"blog": EVERYBODY, "board": FEW})
    return Retriever(redis, embedder)


def sources_of(findings: SearchResults) -> set[str]:
    return {match.passage.source for match in findings.hits}


@pytest.mark.parametrize("source", ["blog", "board"])
@pytest.mark.parametrize("question", [BEES, "What does the queen earn?", "secret sugar", "the a of", "🐝", "kubernets"])
async def test_a_search_brings_nothing_of_other_sources(retriever: Retriever, source: str, question: str) -> None:
    assert sources_of(await retriever.search(question, sources=frozenset({source}))) <= {source}
    assert sources_of(await retriever.search(question, previous=BEES, sources=frozenset({source}))) <= {source}


async def test_a_search_brings_what_stands_in_its_sources(retriever: Retriever) -> None:
    for sources in ({"blog"}, {"board"}, {"board", "blog"}, {"board", "not there"}):
        findings = await retriever.search(BEES, sources=frozenset(sources))
        assert findings.relevant
        assert sources_of(findings) == sources - {"not there"}
    assert sources_of(await retriever.search(BEES)) == {"blog", "board"}


@pytest.mark.parametrize("sources", [frozenset(), frozenset({"not there"}), frozenset({""}), frozenset({"b*"})])
async def test_sources_without_posts_bring_nothing(retriever: Retriever, sources: frozenset[str]) -> None:
    findings = await retriever.search(BEES, sources=sources)
    assert findings.hits == ()
    assert not findings.relevant


async def test_how_rare_a_word_is_is_counted_in_the_sources_alone(retriever: Retriever, redis: Redis) -> None:
    [[term]] = await term_idf(redis, "posts", ["salaries"], source_filter(["blog"]))
    [[unfiltered]] = await term_idf(redis, "posts", ["secret"], source_filter(["board"]))
    [[everywhere]] = await term_idf(redis, "posts", ["secret"])
    assert term.idf > 0
    assert unfiltered.idf < everywhere.idf


async def test_a_small_source_is_not_put_before_a_large_one(redis: Redis, embedder: OfflineEmbedder) -> None:
    """How rare a source is says nothing about its posts."""
    pad = "It is about soil and rain and sun and wind."
    large = {f"p{number}": f"# Soil {number}\n\n{pad}" for number in range(60)}
    large["best"] = f"# Hives\n\nHives, hives and hives. {pad}"
    edition = await shelved(
        redis, embedder, {"large": large, "small": {"worse": f"# Notes\n\nOne of the hives. {pad}"}}
    )
    within = source_filter(["large", "small"])
    terms = await term_idf(redis, edition.index, ["hives"], within)
    [free], [kept] = (
        await bm25_search(redis, edition.index, terms),
        await bm25_search(redis, edition.index, terms, within),
    )
    assert len(kept) == 2
    assert max(kept.values()) == pytest.approx(max(free.values()))
    assert min(kept.values()) <= min(free.values())


@pytest.fixture
async def oddly_named(redis: Redis, embedder: OfflineEmbedder) -> Redis:
    """As many sources as there are odd names, with one post each; the posts differ in length alone."""
    posts = {name: f"{POSTS['bees']}{' They hum.' * number}" for number, name in enumerate(ODD_NAMES)}
    await shelved(redis, embedder, {name: {"bees": text} for name, text in posts.items()})
    return redis


async def test_whatever_a_source_is_called_it_is_found_and_nothing_else(
    oddly_named: Redis, embedder: OfflineEmbedder
) -> None:
    retriever, library = Retriever(oddly_named, embedder), Catalog(oddly_named)
    [vector] = await embedder.embed([BEES])
    for name in ODD_NAMES:
        within = source_filter([name])
        [found] = await vector_search(oddly_named, "posts", [vector.astype("<f4").tobytes()], within)
        assert len(found) == 1, ascii(name)
        terms = await term_idf(oddly_named, "posts", ["bees in winter"], within)
        [worded] = await bm25_search(oddly_named, "posts", terms, within)
        assert worded.keys() == found.keys(), ascii(name)
        assert sources_of(await retriever.search(BEES, sources=frozenset({name}))) == {name}, ascii(name)
        assert await library.example_questions(5, frozenset({name})) == ["What is “Wintering bees on a roof” about?"], (
            ascii(name)
        )
        assert await library.posts_by_source(frozenset({name})) == {name: 1}


async def test_several_odd_names_at_once_are_found(oddly_named: Redis, embedder: OfflineEmbedder) -> None:
    retriever = Retriever(oddly_named, embedder)
    for some in (ODD_NAMES[:20], ODD_NAMES[20:], ODD_NAMES[::3], ODD_NAMES):
        findings = await retriever.search(BEES, sources=frozenset(some))
        assert sources_of(findings) <= set(some)
        assert len(findings.hits) == min(len(some), 24)


async def test_a_post_of_another_source_is_not_shown(retriever: Retriever, redis: Redis) -> None:
    library = Catalog(redis)
    assert await library.post(address("board", "salaries"), frozenset({"blog"})) is None
    assert await library.post(address("board", "salaries"), frozenset()) is None
    shown = await library.post(address("board", "salaries"), frozenset({"board", "blog"}))
    assert shown is not None
    assert shown.title == "What we earn"


async def test_examples_are_taken_from_the_sources_alone(retriever: Retriever, redis: Redis) -> None:
    library = Catalog(redis)
    assert not any("earn" in example for example in await library.example_questions(10, frozenset({"blog"})))
    assert any("earn" in example for example in await library.example_questions(10, frozenset({"board"})))
    assert any("earn" in example for example in await library.example_questions(10))
    assert await library.example_questions(10, frozenset()) == []
    assert await library.posts_by_source(frozenset({"board"})) == {"board": 2}
    assert await library.posts_by_source(frozenset()) == {}

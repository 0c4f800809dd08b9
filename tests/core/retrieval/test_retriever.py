"""The right post is found whatever the question contains, and unrelated questions are not relevant."""

import asyncio
from collections.abc import Sequence

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from core.domain import Passage, ScoredPassage, SearchResults
from core.errors import ModelUnreachableError
from core.index.publication import delete_version, publish
from core.models.offline_embedder import OfflineEmbedder
from core.models.openai_embedder import OpenAIEmbedder
from core.models.protocols import Vectors
from core.retrieval.retriever import Retriever
from core.storage.connection import connect
from tests.core.models.openai_parts import client_of, tokens
from tests.posts import POSTS, new_version, published, put_posts, url_of
from tests.servers.loopback import Status
from tests.servers.openai import NaN, OpenAIServer, WrongLength


class Unreachable:
    """An embedder that fails."""

    limitations = ()

    def __init__(self, name: str) -> None:
        self.name = name
        self.known_dimensions: int | None = None

    async def dimensions(self) -> int:
        raise ModelUnreachableError("connection refused")

    async def embed(self, texts: Sequence[str]) -> Vectors:
        raise ModelUnreachableError("connection refused")


@pytest.fixture
def retriever(blog: Redis, embedder: OfflineEmbedder) -> Retriever:
    return Retriever(blog, embedder)


@pytest.mark.parametrize(
    ("question", "slug"),
    [
        ("How do bees get through the winter?", "bees"),
        ("Why did you leave Kubernetes?", "kubernetes"),
        ("At which temperature do I bake a loaf?", "sourdough"),
        ("Do you ever rehearse a restore?", "backups"),
        ("the carriage of my Olympia is stuck", "typewriter"),
        ("is the append-only file synced", "redis"),
        ("What should I wear for cycling when it is wet?", "bicycle"),
        ("kubernets", "kubernetes"),
    ],
)
async def test_right_post_is_found_first(retriever: Retriever, question: str, slug: str) -> None:
    results = await retriever.search(question)
    assert results.hits[0].passage.url == url_of(slug)
    assert results.confidence != "none"
    assert not results.lexical_only


@pytest.mark.parametrize(
    "question",
    [
        "Who won the football world cup in 1998?",
        "What is the boiling point of tungsten?",
        "Translate good morning into Portuguese",
        "the a of and",
        "How are you?",
        "who are you, and what can you do for me?",
    ],
)
async def test_unrelated_question_is_not_relevant(retriever: Retriever, question: str) -> None:
    results = await retriever.search(question)
    assert results.confidence == "none"
    assert results.relevance < 0.5


@pytest.mark.parametrize(
    "question",
    [
        "what's (new", "@source:{x}", "*=>[KNN", "_", "__ _", "🐝", "🐝🐝 bees", "inf", "nan", "-bees", "~%%|", '"',
        "a" * 10_000, "bees " * 2_000, "what is it?", "$vector", "{$param}", "bees'); DROP", "\0", "\\",
        "%kubernets%", "100% | 50%", "ß", "İ", "٣", "漢字はどこ", "e=mc²", "C++ vs C#?", "w'o'r'd", "1e999", "ｆｕｌｌ",
    ],
    ids=lambda question: ascii(question[:12]),
)  # fmt: skip
async def test_any_input_is_searched_without_an_error(retriever: Retriever, question: str) -> None:
    results = await retriever.search(question)
    assert 0 <= results.relevance <= 1
    assert all(0 <= hit.score <= 1 for hit in results.hits)


@pytest.mark.parametrize("question", ["", "   ", "\n"])
async def test_blank_question_has_no_hits(retriever: Retriever, question: str) -> None:
    assert await retriever.search(question) == SearchResults((), 0.0, "none")


async def test_empty_index_has_no_hits(redis: Redis, embedder: OfflineEmbedder) -> None:
    assert await Retriever(redis, embedder).search("bees") == SearchResults((), 0.0, "none")


async def test_follow_up_is_searched_with_the_previous_question(retriever: Retriever) -> None:
    alone = await retriever.search("And what do they eat?")
    following = await retriever.search("And what do they eat?", previous="How do bees get through the winter?")
    assert alone.confidence == "none"
    assert following.hits[0].passage.url == url_of("bees")
    assert following.relevance > alone.relevance


async def test_addresses_in_a_question_are_not_searched(retriever: Retriever) -> None:
    address = "https://wiki.example.com/spaces/football/pages/1998/tungsten?version=12&focus=portuguese"
    with_address = await retriever.search(f"I read {address} but how do bees get through the winter?")
    assert with_address == await retriever.search("I read but how do bees get through the winter?")
    assert with_address.confidence != "none"


async def test_hits_are_ordered_and_the_best_has_the_relevance_as_score(retriever: Retriever) -> None:
    results = await retriever.search("How do bees get through the winter?")
    scores = [hit.score for hit in results.hits]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx(results.relevance, abs=1e-3)
    assert len(results.posts) == len({hit.passage.url for hit in results.hits})


@pytest.mark.parametrize(("min_score", "confidence"), [(0.0, "sure"), (1.0, "none")])
async def test_operator_sets_the_relevance_threshold(
    blog: Redis, embedder: OfflineEmbedder, min_score: float, confidence: str
) -> None:
    results = await Retriever(blog, embedder, min_score=min_score).search(
        "How do the hives of bees on a roof get through the winter?"
    )
    assert results.confidence == confidence


async def test_post_is_found_by_words_when_embedding_fails(blog: Redis, embedder: OfflineEmbedder) -> None:
    with capture_logs() as logs:
        results = await Retriever(blog, Unreachable(embedder.name)).search("How do bees get through the winter?")
    assert results.hits[0].passage.url == url_of("bees")
    assert results.lexical_only
    assert results.confidence != "none"
    [line] = logs
    assert line["event"] == "vector search skipped"
    assert line["cause"] == "connection refused"


@pytest.mark.parametrize("reply", [Status(401), NaN(), WrongLength(8)], ids=lambda reply: type(reply).__name__)
async def test_question_without_a_usable_vector_is_searched_by_words(
    redis: Redis, reply: Status | NaN | WrongLength
) -> None:
    async with OpenAIServer(dimensions=64) as server, client_of(server) as client:
        openai_embedder = OpenAIEmbedder(client, "text-embedding-3-small", tokens)
        await published(redis, openai_embedder)
        server.enqueue_embedding(reply)
        results = await Retriever(redis, openai_embedder).search("bees in winter")
    assert results.lexical_only
    assert results.hits[0].passage.url == url_of("bees")


async def test_index_of_another_model_is_searched_by_words(blog: Redis, embedder: OfflineEmbedder) -> None:
    async with OpenAIServer() as server, client_of(server) as client:
        retriever = Retriever(blog, OpenAIEmbedder(client, "text-embedding-3-small", tokens))
        with capture_logs() as logs:
            results = await retriever.search("bees in winter")
        assert server.embeddings == []
    assert results.lexical_only
    assert embedder.name in logs[0]["reason"]


async def test_new_version_is_searched_as_soon_as_it_is_published(redis: Redis, embedder: OfflineEmbedder) -> None:
    old = await published(redis, embedder)
    retriever = Retriever(redis, embedder)
    assert (await retriever.search("bees in winter")).hits
    new = await new_version(redis, embedder)
    await put_posts(redis, new, embedder, {"redis": POSTS["redis"]})
    await publish(redis, new)
    await delete_version(redis, old.number)
    results = await retriever.search("bees in winter")
    assert {hit.passage.url for hit in results.hits} == {url_of("redis")}


async def test_search_continues_when_the_index_algorithm_changes(redis: Redis, embedder: OfflineEmbedder) -> None:
    edition = await published(redis, embedder)
    retriever = Retriever(redis, embedder)
    assert (await retriever.search("bees in winter")).hits
    await edition.fit_algorithm("HNSW")
    assert (await retriever.search("bees in winter")).hits[0].passage.url == url_of("bees")


async def test_unreachable_redis_raises_a_connection_error(embedder: OfflineEmbedder) -> None:
    async with connect("redis://127.0.0.1:1") as unreachable:
        with pytest.raises(RedisConnectionError):
            await Retriever(unreachable, embedder).search("bees")


async def test_concurrent_questions_are_all_answered(retriever: Retriever) -> None:
    found = await asyncio.gather(*(retriever.search("How do bees get through the winter?") for _ in range(50)))
    assert {results.hits[0].passage.url for results in found} == {url_of("bees")}


def hit_of(url: str, position: int, score: float) -> ScoredPassage:
    return ScoredPassage(Passage(url, url, "", f"{url}{position}", "blog", position), score)


def selected(retriever: Retriever, hits: Sequence[ScoredPassage], limit: int = 5) -> list[str]:
    chosen = retriever.select(SearchResults(tuple(hits), 1.0, "sure"), limit)
    return [hit.passage.text for hit in chosen]


def test_neighbours_are_merged_in_the_order_of_the_post(retriever: Retriever) -> None:
    hits = [hit_of("a", 2, 0.9), hit_of("b", 0, 0.8), hit_of("a", 1, 0.7)]
    assert selected(retriever, hits) == ["a1\n\na2", "b0"]
    [first, _] = retriever.select(SearchResults(tuple(hits), 1.0, "sure"), 5)
    assert (first.score, first.passage.position) == (0.9, 1)


def test_at_most_three_passages_per_post_are_selected(retriever: Retriever) -> None:
    hits = [hit_of("a", place * 2, 1 - place / 10) for place in range(5)]
    assert selected(retriever, [*hits, hit_of("b", 0, 0.1)]) == ["a0", "a2", "a4", "b0"]


def test_no_more_passages_are_selected_than_the_limit(retriever: Retriever) -> None:
    hits = [hit_of(name, 0, 0.5) for name in "abcdefgh"]
    assert selected(retriever, hits, limit=3) == ["a0", "b0", "c0"]

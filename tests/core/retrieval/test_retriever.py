"""The right post is found, whatever stands in the question, and questions about something else are refused."""

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
    """An embedding model on a bad day."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.known_dimensions: int | None = None

    async def dimensions(self) -> int:
        raise ModelUnreachableError("connection refused")

    async def embed(self, texts: Sequence[str]) -> Vectors:
        raise ModelUnreachableError("connection refused")


@pytest.fixture
async def retriever(redis: Redis, embedder: OfflineEmbedder) -> Retriever:
    await published(redis, embedder)
    return Retriever(redis, embedder)


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
async def test_the_right_post_stands_first(retriever: Retriever, question: str, slug: str) -> None:
    findings = await retriever.search(question)
    assert findings.hits[0].passage.url == url_of(slug)
    assert findings.relevant
    assert not findings.lexical_only


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
async def test_a_question_about_something_else_is_refused(retriever: Retriever, question: str) -> None:
    findings = await retriever.search(question)
    assert not findings.relevant
    assert findings.relevance < 0.5


@pytest.mark.parametrize(
    "question",
    [
        "what's (new", "@source:{x}", "*=>[KNN", "_", "__ _", "🐝", "🐝🐝 bees", "inf", "nan", "-bees", "~%%|", '"',
        "a" * 10_000, "bees " * 2_000, "what is it?", "$vector", "{$param}", "bees'); DROP", "\0", "\\",
        "%kubernets%", "100% | 50%", "ß", "İ", "٣", "漢字はどこ", "e=mc²", "C++ vs C#?", "w'o'r'd", "1e999", "ｆｕｌｌ",
    ],
    ids=lambda question: ascii(question[:12]),
)  # fmt: skip
async def test_whatever_people_type_is_searched_without_an_error(retriever: Retriever, question: str) -> None:
    findings = await retriever.search(question)
    assert 0 <= findings.relevance <= 1
    assert all(0 <= match.score <= 1 for match in findings.hits)


@pytest.mark.parametrize("question", ["", "   ", "\n"])
async def test_nothing_asked_finds_nothing(retriever: Retriever, question: str) -> None:
    assert await retriever.search(question) == SearchResults((), 0.0, relevant=False)


async def test_before_anything_was_read_nothing_is_found(redis: Redis, embedder: OfflineEmbedder) -> None:
    assert await Retriever(redis, embedder).search("bees") == SearchResults((), 0.0, relevant=False)


async def test_a_follow_up_is_understood_from_the_question_before_it(retriever: Retriever) -> None:
    alone = await retriever.search("And what do they eat?")
    following = await retriever.search("And what do they eat?", previous="How do bees get through the winter?")
    assert not alone.relevant
    assert following.hits[0].passage.url == url_of("bees")
    assert following.relevance > alone.relevance


async def test_matches_are_ordered_and_their_best_says_how_relevant_they_are(retriever: Retriever) -> None:
    findings = await retriever.search("How do bees get through the winter?")
    scores = [match.score for match in findings.hits]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx(findings.relevance, abs=1e-3)
    assert len(findings.posts) == len({match.passage.url for match in findings.hits})


@pytest.mark.parametrize(("least", "relevant"), [(0.0, True), (1.0, False)])
async def test_the_operator_decides_what_is_relevant(
    redis: Redis, embedder: OfflineEmbedder, least: float, relevant: bool
) -> None:
    await published(redis, embedder)
    findings = await Retriever(redis, embedder, min_score=least).search("How do bees get through the winter?")
    assert findings.relevant is relevant


async def test_without_the_embedding_model_words_alone_find_the_post(redis: Redis, embedder: OfflineEmbedder) -> None:
    await published(redis, embedder)
    with capture_logs() as logs:
        findings = await Retriever(redis, Unreachable(embedder.name)).search("How do bees get through the winter?")
    assert findings.hits[0].passage.url == url_of("bees")
    assert findings.lexical_only
    assert findings.relevant
    [line] = logs
    assert line["event"] == "vector search skipped"
    assert line["cause"] == "connection refused"


@pytest.mark.parametrize("reply", [Status(401), NaN(), WrongLength(8)], ids=lambda reply: type(reply).__name__)
async def test_a_question_whose_vector_is_unfit_is_searched_by_its_words(
    redis: Redis, reply: Status | NaN | WrongLength
) -> None:
    async with OpenAIServer(dimensions=64) as server, client_of(server) as client:
        openai_embedder = OpenAIEmbedder(client, "text-embedding-3-small", tokens)
        await published(redis, openai_embedder)
        server.enqueue_embedding(reply)
        findings = await Retriever(redis, openai_embedder).search("bees in winter")
    assert findings.lexical_only
    assert findings.hits[0].passage.url == url_of("bees")


async def test_posts_of_another_embedding_model_are_searched_by_words(redis: Redis, embedder: OfflineEmbedder) -> None:
    await published(redis, embedder)
    async with OpenAIServer() as server, client_of(server) as client:
        retriever = Retriever(redis, OpenAIEmbedder(client, "text-embedding-3-small", tokens))
        with capture_logs() as logs:
            findings = await retriever.search("bees in winter")
        assert server.embeddings == []
    assert findings.lexical_only
    assert embedder.name in logs[0]["reason"]


async def test_a_new_edition_takes_over_in_the_midst_of_questions(redis: Redis, embedder: OfflineEmbedder) -> None:
    old = await published(redis, embedder)
    retriever = Retriever(redis, embedder)
    assert (await retriever.search("bees in winter")).hits
    new = await new_version(redis, embedder)
    await put_posts(redis, new, embedder, {"redis": POSTS["redis"]})
    await publish(redis, new)
    await delete_version(redis, old.number)
    findings = await retriever.search("bees in winter")
    assert {match.passage.url for match in findings.hits} == {url_of("redis")}


async def test_a_changed_index_is_searched_in_the_midst_of_questions(redis: Redis, embedder: OfflineEmbedder) -> None:
    edition = await published(redis, embedder)
    retriever = Retriever(redis, embedder)
    assert (await retriever.search("bees in winter")).hits
    await edition.fit_algorithm("HNSW")
    assert (await retriever.search("bees in winter")).hits[0].passage.url == url_of("bees")


async def test_a_redis_that_is_not_there_is_told_as_such(embedder: OfflineEmbedder) -> None:
    async with connect("redis://127.0.0.1:1") as nowhere:
        with pytest.raises(RedisConnectionError):
            await Retriever(nowhere, embedder).search("bees")


async def test_many_questions_at_once_are_all_answered(retriever: Retriever) -> None:
    found = await asyncio.gather(*(retriever.search("How do bees get through the winter?") for _ in range(50)))
    assert {findings.hits[0].passage.url for findings in found} == {url_of("bees")}


def match_of(url: str, position: int, score: float) -> ScoredPassage:
    return ScoredPassage(Passage(url, url, "", f"{url}{position}", "blog", position), score)


def selected(retriever: Retriever, matches: Sequence[ScoredPassage], most: int = 5) -> list[str]:
    chosen = retriever.select(SearchResults(tuple(matches), 1.0, relevant=True), most)
    return [match.passage.text for match in chosen]


async def test_neighbours_become_one_passage_in_the_order_of_the_post(retriever: Retriever) -> None:
    matches = [match_of("a", 2, 0.9), match_of("b", 0, 0.8), match_of("a", 1, 0.7)]
    assert selected(retriever, matches) == ["a1\n\na2", "b0"]
    [first, _] = retriever.select(SearchResults(tuple(matches), 1.0, relevant=True), 5)
    assert (first.score, first.passage.position) == (0.9, 1)


async def test_at_most_three_passages_come_from_one_post(retriever: Retriever) -> None:
    matches = [match_of("a", place * 2, 1 - place / 10) for place in range(5)]
    assert selected(retriever, [*matches, match_of("b", 0, 0.1)]) == ["a0", "a2", "a4", "b0"]


async def test_no_more_passages_are_chosen_than_asked_for(retriever: Retriever) -> None:
    matches = [match_of(name, 0, 0.5) for name in "abcdefgh"]
    assert selected(retriever, matches, most=3) == ["a0", "b0", "c0"]

"""Dates of posts reach the prompt and the sources, and questions about dates are answered by them."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from core.answering.prompts import Instructions, build_prompt, number_posts
from core.answering.question_search import QuestionSearch
from core.answering.rag import nearest_posts
from core.chat.answer_details import date_of
from core.domain import Passage, Post, Question, Scope, ScoredPassage, SearchResults
from core.i18n import LANGUAGES, translating_into
from core.index.draft import Draft
from core.index.publication import publish
from core.index.version import PostRecord
from core.ingestion.chunker import chunk
from core.models.offline_embedder import OfflineEmbedder
from core.retrieval.calibration import calibrate
from core.retrieval.retriever import Retriever
from tests.core.published_redis import published_redis, shared
from tests.posts import POSTS, new_version

HONEY = "# {}\n\nHoney is harvested in July. The frames are spun, and the honey is sieved twice."
DATED = {
    "honey-new": (HONEY.format("Honey"), datetime(2026, 7, 1, tzinfo=UTC)),
    "honey-old": (HONEY.format("Honey"), datetime(2021, 7, 1, tzinfo=UTC)),
    "honey-undated": (HONEY.format("Honey"), None),
    "bees": (POSTS["bees"], datetime(2023, 3, 5, tzinfo=UTC)),
    "redis": (POSTS["redis"], datetime(2024, 2, 1, tzinfo=UTC)),
    "backups": (POSTS["backups"], datetime(2026, 9, 1, tzinfo=UTC)),
}


async def dated_posts(redis: Redis, embedder: OfflineEmbedder) -> None:
    version = await new_version(redis, embedder)
    draft = Draft(redis, version.number, version.vector_spec)
    for slug, (text, published) in DATED.items():
        post = Post(slug, text.splitlines()[0].removeprefix("# "), text, "blog", published, "en")
        passages = chunk(post)
        await draft.stage(passages, await embedder.embed([passage.embedding_text for passage in passages]))
        await draft.write_records({slug: PostRecord(post.title, "blog", slug, slug, len(passages))})
    await version.wait_until_indexed()
    await calibrate(redis, version)
    await publish(redis, version)


@pytest.fixture(scope="module")
def dated_url(tmp_path_factory: pytest.TempPathFactory, embedder: OfflineEmbedder) -> Iterator[str]:
    with published_redis(tmp_path_factory.mktemp("dated"), lambda redis: dated_posts(redis, embedder)) as url:
        yield url


@pytest.fixture
async def searcher(dated_url: str, embedder: OfflineEmbedder) -> AsyncIterator[QuestionSearch]:
    async with shared(dated_url) as redis:
        yield QuestionSearch(Retriever(redis, embedder), None)


async def found(searcher: QuestionSearch, text: str) -> list[str]:
    return [hit.passage.url for hit in (await searcher.search(Question(text))).results.posts]


async def test_newer_of_equal_posts_comes_first(searcher: QuestionSearch) -> None:
    assert (await found(searcher, "When is honey harvested?"))[:3] == ["honey-new", "honey-old", "honey-undated"]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What's new?", ["backups", "honey-new", "redis", "bees", "honey-old"]),
        ("What's new since January 2024?", ["backups", "honey-new", "redis"]),
        ("Which articles were published in 2023?", ["bees"]),
        ("posts before 2022", ["honey-old"]),
    ],
)
async def test_posts_of_a_time_are_listed_newest_first(
    searcher: QuestionSearch, question: str, expected: list[str]
) -> None:
    search = await searcher.search(Question(question))
    assert [hit.passage.url for hit in search.results.hits] == expected
    assert search.results.confidence == "sure"


async def test_latest_post_on_a_topic_is_about_the_topic(searcher: QuestionSearch) -> None:
    assert (await found(searcher, "What's the latest post on honey?"))[0] == "honey-new"
    assert (await found(searcher, "What's the latest post on Redis?"))[0] == "redis"


async def test_topic_and_time_restrict_the_posts_together(searcher: QuestionSearch) -> None:
    assert await found(searcher, "articles on honey before 2022") == ["honey-old"]


async def test_question_for_a_time_without_posts_is_searched_as_any_other(searcher: QuestionSearch) -> None:
    assert "honey-new" in await found(searcher, "articles about honey since 2030-01-01")


async def test_posts_of_a_time_are_those_of_the_scope(searcher: QuestionSearch) -> None:
    scope = Scope(frozenset({"board"}))
    assert (await searcher.search(Question("What's new?", scope=scope))).results.hits == ()


def test_prompt_tells_author_date_and_today() -> None:
    passage = Passage("https://blog.example/bees", "Bees", "", "Words.", published=DATED["bees"][1], author="Ada")
    numbered = number_posts([ScoredPassage(passage, 0.9)])
    prompt = build_prompt(Instructions(), Question("When?"), numbered, 4_000, len)
    assert "[1] Bees (https://blog.example/bees), by Ada, published 2023-03-05\n" in prompt.request
    assert f"Today is {datetime.now(UTC):%Y-%m-%d}." in prompt.request


def test_prompt_without_dates_does_not_tell_today() -> None:
    numbered = number_posts([ScoredPassage(Passage("https://blog.example/bees", "Bees", "", "Words."), 0.9)])
    assert "Today" not in build_prompt(Instructions(), Question("When?"), numbered, 4_000, len).request


def test_source_shows_month_and_year_in_the_language_of_the_reader() -> None:
    hits = (
        ScoredPassage(Passage(url, "Bees", "", "", published=DATED[url][1]), 0.9) for url in ("bees", "honey-undated")
    )
    dated, undated = nearest_posts(SearchResults(tuple(hits), 0.9, "sure"))
    texts = {}
    for language in LANGUAGES:
        with translating_into(language):
            texts[language] = date_of(dated)
    assert texts["en"] == " · March 2023"
    assert (texts["de"], texts["es"], texts["ja"]) == (" · März 2023", " · marzo de 2023", " · 2023年3月")
    assert all("2023" in text for text in texts.values())
    assert date_of(undated) == ""

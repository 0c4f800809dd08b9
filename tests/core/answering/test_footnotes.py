"""The footnotes of an answer: numbered by their first use, checked against their posts, announced before their text."""

import pytest
from redis.asyncio import Redis

from core.answerer import Cited, Wrote
from core.answering.rag import RagAnswerer
from core.domain import Question
from core.models.extractive_chat import ExtractiveChatModel
from core.models.offline_embedder import OfflineEmbedder
from core.models.openai_chat import OpenAIChatModel
from tests.core.answering.collected import ABOUT_BEES, Collected, collect, rag_answerer
from tests.posts import published, url_of
from tests.servers.openai import OpenAIServer, Text

HONEY = "In winter the bees keep their queen warm and eat twenty kilograms of honey"
IMPORTED = "The monks of the abbey imported the bees from Slovenia in the year 1912"


@pytest.fixture
def answerer(blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel) -> RagAnswerer:
    return rag_answerer(blog, embedder, model)


def cited(collected: Collected) -> list[tuple[int, str]]:
    return [(footnote.number, footnote.url) for footnote in collected.answer.footnotes]


async def test_footnotes_are_numbered_by_their_first_use(answerer: RagAnswerer, server: OpenAIServer) -> None:
    server.enqueue(Text("Yes [3]. No [1], maybe [3]."))
    collected = await collect(answerer, ABOUT_BEES)
    assert collected.text == collected.answer.text == "Yes [1]. No [2], maybe [1]."
    given = [hit.passage.url for hit in collected.trace.given]
    assert cited(collected) == [(1, given[2]), (2, url_of("bees"))]


async def test_post_is_announced_before_the_text_that_cites_it(answerer: RagAnswerer, server: OpenAIServer) -> None:
    server.enqueue(Text("Yes [3]. No [1], maybe [3]."))
    collected = await collect(answerer, ABOUT_BEES)
    known: set[int] = set()
    for event in collected.events:
        if isinstance(event, Cited):
            known.add(event.footnote.number)
        if isinstance(event, Wrote):
            assert all(number in known for number in (1, 2) if f"[{number}]" in event.text)
    assert known == {1, 2}


async def test_wrong_footnote_is_corrected(answerer: RagAnswerer, server: OpenAIServer) -> None:
    server.enqueue(Text(f"{HONEY} [2]."))
    collected = await collect(answerer, ABOUT_BEES)
    assert collected.text == f"{HONEY} [1]."
    assert cited(collected) == [(1, url_of("bees"))]
    support = collected.answer.footnotes[0].support
    assert support is not None
    assert support > 0.6


async def test_answer_that_no_post_supports_is_a_no(answerer: RagAnswerer, server: OpenAIServer) -> None:
    server.enqueue(Text(f"{IMPORTED} [1]."))
    collected = await collect(answerer, ABOUT_BEES)
    assert collected.text == f"{IMPORTED}."
    assert not collected.answer.grounded
    assert collected.answer.confidence == "none"
    assert collected.answer.footnotes == ()
    assert collected.answer.nearest[0].url == url_of("bees")


async def test_footnotes_stay_unchecked_without_verification(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, server: OpenAIServer
) -> None:
    server.enqueue(Text(f"{IMPORTED} [1]."))
    collected = await collect(rag_answerer(blog, embedder, model, verify_citations=False), ABOUT_BEES)
    assert cited(collected) == [(1, url_of("bees"))]
    assert collected.answer.footnotes[0].support is None


async def test_offline_answer_begins_with_footnote_one(redis: Redis, embedder: OfflineEmbedder) -> None:
    posts = {
        "weight": "# Weight of hives\n\nHives, hives and the weight of hives: a scale is under each of the hives.",
        "shade": "# Hives\n\nA hive needs shade in summer because wax melts at 62 degrees, so we paint it white.",
    }
    await published(redis, embedder, posts)
    answerer = rag_answerer(redis, embedder, ExtractiveChatModel(embedder))
    for text in ("Why does a hive need shade in summer?", "What is under the hives?"):
        collected = await collect(answerer, Question(text))
        assert collected.text.index("[1]") == collected.text.index("[")
        assert [number for number, _ in cited(collected)] == list(range(1, len(collected.answer.footnotes) + 1))

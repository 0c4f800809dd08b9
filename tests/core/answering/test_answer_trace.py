"""An answer carries its trace: the question as understood, the passages used, and those left out."""

from redis.asyncio import Redis

from core.answerer import Found
from core.answering.rag import MAX_LEFT_OUT, Limits
from core.domain import Question, Turn
from core.models.offline_embedder import OfflineEmbedder
from core.models.openai_chat import OpenAIChatModel
from tests.core.answering.collected import ABOUT_BEES, OFF_TOPIC, collect, rag_answerer
from tests.posts import POSTS, published, url_of
from tests.servers.openai import ContextTooLong, OpenAIServer, Text

LONG = "# All about bees\n\n" + "\n\n".join(
    f"## Bees in winter, part {number}\n\n" + f"In winter, bees of hive {number} eat honey and shiver. " * 25
    for number in range(20)
)


async def test_trace_divides_hits_into_used_and_left_out(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel
) -> None:
    collected = await collect(rag_answerer(blog, embedder, model, limits=Limits(top_k=2)), ABOUT_BEES)
    trace = collected.trace
    assert isinstance(collected.events[1], Found)
    assert trace.given == collected.events[1].hits
    assert trace.given[0].passage.url == url_of("bees")
    assert trace.understood == ABOUT_BEES.text
    assert 0.5 < trace.relevance <= 1
    urls = [hit.passage.url for hit in (*trace.given, *trace.left_out)]
    assert sorted(urls) == sorted(url_of(slug) for slug in POSTS)
    scores = [hit.score for hit in trace.left_out]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= hit.vector_score <= 1 and 0 <= hit.text_score <= 1 for hit in (*trace.given, *trace.left_out))


async def test_merged_neighbours_are_not_listed_as_left_out(
    redis: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel
) -> None:
    await published(redis, embedder, {**POSTS, "long": LONG})
    trace = (await collect(rag_answerer(redis, embedder, model), ABOUT_BEES)).trace
    given = "\n\n".join(hit.passage.text for hit in trace.given if hit.passage.url == url_of("long"))
    assert "part" in "".join(hit.passage.heading for hit in trace.given)
    assert len(trace.left_out) == MAX_LEFT_OUT
    assert not any(hit.passage.text in given for hit in trace.left_out if hit.passage.url == url_of("long"))


async def test_passages_dropped_from_the_second_prompt_are_left_out(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, server: OpenAIServer
) -> None:
    server.enqueue(ContextTooLong(), Text("Honey [1]."))
    trace = (await collect(rag_answerer(blog, embedder, model), ABOUT_BEES)).trace
    assert len(trace.given) == server.chats[1].prompt.count("<passage>")
    assert len(trace.given) + len(trace.left_out) == len(POSTS)


async def test_unanswered_question_lists_the_nearest_posts(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel
) -> None:
    collected = await collect(rag_answerer(blog, embedder, model), OFF_TOPIC)
    trace = collected.trace
    assert trace.given == ()
    assert trace.relevance < 0.5
    assert trace.left_out[0].passage.url == collected.answer.nearest[0].url


async def test_follow_up_shows_what_it_was_understood_as(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, server: OpenAIServer
) -> None:
    answerer = rag_answerer(blog, embedder, model)
    found = await collect(answerer, Question("What do bees on a roof eat?", history=(Turn("user", ABOUT_BEES.text),)))
    assert found.trace.understood == f"What do bees on a roof eat? (after: {ABOUT_BEES.text})"
    server.enqueue(Text(ABOUT_BEES.text), Text("They shiver [1]."))
    rewritten = await collect(answerer, Question("And then?", history=(Turn("user", "Hello there!"),)))
    assert rewritten.trace.understood == ABOUT_BEES.text

"""An answer tells how it was made: the question as understood, the passages that it was made from, and the others."""

from redis.asyncio import Redis

from core.answerer import Found
from core.answering.rag import LEFT_OUT, Limits
from core.domain import AnswerTrace, Question, Turn
from core.models.offline_embedder import OfflineEmbedder
from core.models.openai_chat import OpenAIChatModel
from tests.core.answering.asking import ABOUT_BEES, OFF_TOPIC, Heard, answerer_of, heard
from tests.posts import POSTS, published, url_of
from tests.servers import ContextTooLong, Text
from tests.servers.openai import OpenAIServer

LONG = "# All about bees\n\n" + "\n\n".join(
    f"## Bees in winter, part {number}\n\n" + f"In winter, bees of hive {number} eat honey and shiver. " * 25
    for number in range(20)
)


def workings_of(said: Heard) -> AnswerTrace:
    assert said.answer.trace is not None
    return said.answer.trace


async def test_what_was_given_is_what_was_found_and_the_rest_was_left_out(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel
) -> None:
    said = await heard(answerer_of(blog, embedder, model, limits=Limits(top_k=2)), ABOUT_BEES)
    workings = workings_of(said)
    assert isinstance(said.events[1], Found)
    assert workings.given == said.events[1].hits
    assert workings.given[0].passage.url == url_of("bees")
    assert workings.understood == ABOUT_BEES.text
    assert 0.5 < workings.relevance <= 1
    urls = [match.passage.url for match in (*workings.given, *workings.left_out)]
    assert sorted(urls) == sorted(url_of(slug) for slug in POSTS)
    scores = [match.score for match in workings.left_out]
    assert scores == sorted(scores, reverse=True)
    assert all(
        0 <= match.vector_score <= 1 and 0 <= match.text_score <= 1 for match in (*workings.given, *workings.left_out)
    )


async def test_neighbours_that_were_made_into_one_passage_were_not_left_out(
    redis: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel
) -> None:
    await published(redis, embedder, {**POSTS, "long": LONG})
    workings = workings_of(await heard(answerer_of(redis, embedder, model), ABOUT_BEES))
    given = "\n\n".join(match.passage.text for match in workings.given if match.passage.url == url_of("long"))
    assert "part" in "".join(match.passage.heading for match in workings.given)
    assert len(workings.left_out) == LEFT_OUT
    assert not any(match.passage.text in given for match in workings.left_out if match.passage.url == url_of("long"))


async def test_what_the_second_prompt_had_no_room_for_was_left_out(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, server: OpenAIServer
) -> None:
    server.enqueue(ContextTooLong(), Text("Honey [1]."))
    workings = workings_of(await heard(answerer_of(blog, embedder, model), ABOUT_BEES))
    assert len(workings.given) == server.chats[1].prompt.count("<passage>")
    assert len(workings.given) + len(workings.left_out) == len(POSTS)


async def test_a_refused_question_tells_what_came_nearest(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel
) -> None:
    said = await heard(answerer_of(blog, embedder, model), OFF_TOPIC)
    workings = workings_of(said)
    assert workings.given == ()
    assert workings.relevance < 0.5
    assert workings.left_out[0].passage.url == said.answer.nearest[0].url


async def test_a_follow_up_tells_what_it_was_understood_as(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, server: OpenAIServer
) -> None:
    answerer = answerer_of(blog, embedder, model)
    found = await heard(answerer, Question("What do bees on a roof eat?", history=(Turn("user", ABOUT_BEES.text),)))
    assert workings_of(found).understood == f"What do bees on a roof eat? (after: {ABOUT_BEES.text})"
    server.enqueue(Text(ABOUT_BEES.text), Text("They shiver [1]."))
    rewritten = await heard(answerer, Question("And then?", history=(Turn("user", "Hello there!"),)))
    assert workings_of(rewritten).understood == ABOUT_BEES.text

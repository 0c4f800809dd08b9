"""A follow-up that leans on the conversation is rewritten while it is searched; unclear questions are asked back."""

import asyncio

import pytest
from redis.asyncio import Redis

from core.answering.rag import MAY_NOT_ANSWER, NOT_IN_POSTS, WHICH_POST, RagAnswerer
from core.domain import Question, Turn
from core.models.extractive_chat import ExtractiveChatModel
from core.models.offline_embedder import OfflineEmbedder
from core.models.openai_chat import OpenAIChatModel
from tests.core.answering.collected import ABOUT_BEES, OFF_TOPIC, collect, rag_answerer
from tests.posts import url_of
from tests.servers.loopback import Status
from tests.servers.openai import OpenAIServer, Text

PARTLY = Question("What does honey from the supermarket cost in Portugal?")


@pytest.fixture
def answerer(blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel) -> RagAnswerer:
    return rag_answerer(blog, embedder, model)


@pytest.fixture
def offline(blog: Redis, embedder: OfflineEmbedder) -> RagAnswerer:
    return rag_answerer(blog, embedder, ExtractiveChatModel(embedder))


def follow_up(text: str, before: str = "Is the roof cold for the hives?") -> Question:
    return Question(text, history=(Turn("user", before), Turn("assistant", "It is.")))


async def test_follow_up_that_leans_on_the_conversation_is_also_searched_as_rewritten(
    answerer: RagAnswerer, server: OpenAIServer
) -> None:
    server.enqueue(Text(ABOUT_BEES.text), Text("They shiver [1]."))
    collected = await collect(answerer, follow_up("And then?", before="Hello there!"))
    rewriting, answering = server.chats
    assert "Rewrite the last question" in rewriting.prompt
    assert "Question: And then?" in answering.prompt
    assert collected.answer.footnotes[0].url == url_of("bees")
    assert collected.trace.understood == ABOUT_BEES.text


async def test_follow_up_that_stands_alone_is_not_rewritten(answerer: RagAnswerer, server: OpenAIServer) -> None:
    await collect(answerer, follow_up(ABOUT_BEES.text))
    assert len(server.chats) == 1


async def test_first_question_is_not_rewritten(answerer: RagAnswerer, server: OpenAIServer) -> None:
    await collect(answerer, OFF_TOPIC)
    assert server.chats == []


async def test_operator_turns_rewriting_off(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, server: OpenAIServer
) -> None:
    await collect(rag_answerer(blog, embedder, model, rewrite=False), follow_up("And then?", before="Hello there!"))
    assert server.chats == []


@pytest.mark.parametrize("reply", [Status(401), Text("word " * 200)], ids=["failure", "essay"])
async def test_failed_rewriting_keeps_the_original_question(
    answerer: RagAnswerer, server: OpenAIServer, reply: Status | Text
) -> None:
    server.enqueue(reply)
    collected = await collect(answerer, follow_up("And then?", before="Hello there!"))
    assert collected.error is None
    assert collected.text == NOT_IN_POSTS
    assert len(server.chats) == 1


async def test_slow_rewriting_is_given_up(
    answerer: RagAnswerer, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.answering.question_search.REWRITING_SECONDS", 0.2)
    server.enqueue(Text("word " * 50, tokens_per_second=5))
    collected = await collect(answerer, follow_up("And then?", before="Hello there!"))
    assert collected.text == NOT_IN_POSTS
    [chat] = server.chats
    await asyncio.wait_for(chat.finished.wait(), 5)
    assert chat.cancelled


async def test_rewritten_question_is_not_rewritten_again(answerer: RagAnswerer, server: OpenAIServer) -> None:
    server.enqueue(Text(OFF_TOPIC.text))
    collected = await collect(answerer, follow_up("And then?", before="Hello there!"))
    assert collected.text.startswith(NOT_IN_POSTS)
    assert len(server.chats) == 1


async def test_thoughts_are_not_searched(answerer: RagAnswerer, server: OpenAIServer) -> None:
    for thought in ("<think>Football? Trains? Pumpkins?</think>", "Football? Trains?\n</think>\n"):
        server.enqueue(Text(thought + ABOUT_BEES.text), Text("They shiver [1]."))
        collected = await collect(answerer, follow_up("And then?", before="Hello there!"))
        assert collected.trace.understood == ABOUT_BEES.text


async def test_model_decides_about_an_unsure_question(answerer: RagAnswerer, server: OpenAIServer) -> None:
    server.enqueue(Text("The posts do not say."), Text("Honey is left for the bees [1]."))
    refused, answered = await collect(answerer, PARTLY), await collect(answerer, PARTLY)
    assert (refused.answer.confidence, answered.answer.confidence) == ("none", "unsure")
    assert (bool(refused.answer.nearest), bool(answered.answer.nearest)) == (True, False)
    assert answered.text == "Honey is left for the bees [1]."


@pytest.mark.parametrize("known", [None, frozenset({"en"})], ids=["many languages", "English alone"])
async def test_model_decides_about_a_question_in_another_language_than_the_posts(
    answerer: RagAnswerer, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch, known: frozenset[str] | None
) -> None:
    monkeypatch.setattr("core.retrieval.language_fit.known_languages", lambda _: known)
    server.enqueue(Text("Das steht nicht in den Beiträgen."))
    answer = (await collect(answerer, Question("Warum ist der Himmel eigentlich blau?"))).answer
    assert (answer.confidence, len(server.chats)) == ("none", 1 if known is None else 0)


async def test_unsure_question_is_quoted_offline_with_a_reservation(offline: RagAnswerer) -> None:
    collected = await collect(offline, PARTLY)
    assert collected.is_in_order
    assert collected.text.startswith(f"{MAY_NOT_ANSWER}\n\n> ")
    assert collected.answer.text == collected.text
    assert (collected.answer.grounded, collected.answer.confidence) == (True, "unsure")


async def test_question_of_the_model_is_no_refusal(answerer: RagAnswerer, server: OpenAIServer) -> None:
    server.enqueue(Text("Do you mean the loaf or the starter?"))
    answer = (await collect(answerer, PARTLY)).answer
    assert (answer.asks_back, answer.confidence, answer.nearest) == (True, "unsure", ())


async def test_posts_are_offered_offline_when_nobody_could_know_what_is_meant(offline: RagAnswerer) -> None:
    collected = await collect(offline, Question("Is it warm?"))
    assert collected.text == WHICH_POST
    assert collected.answer.asks_back
    assert 2 <= len(collected.answer.nearest) <= 3
    assert url_of("bicycle") in {post.url for post in collected.answer.nearest}

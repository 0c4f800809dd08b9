"""A follow-up that finds nothing is rewritten by the model, once."""

from core.answering.rag import NOT_IN_POSTS, RagAnswerer
from core.domain import Question, Turn
from tests.core.answering.collected import ABOUT_BEES, OFF_TOPIC, collect
from tests.posts import url_of
from tests.servers.loopback import Status
from tests.servers.openai import OpenAIServer, Text


def follow_up(text: str, before: str = "Is the roof cold for the hives?") -> Question:
    return Question(text, history=(Turn("user", before), Turn("assistant", "It is.")))


async def test_follow_up_without_hits_is_rewritten_once(answerer: RagAnswerer, server: OpenAIServer) -> None:
    server.enqueue(Text(ABOUT_BEES.text), Text("They shiver [1]."))
    collected = await collect(answerer, follow_up("And then?", before="Hello there!"))
    rewriting, answering = server.chats
    assert "Rewrite the last question" in rewriting.prompt
    assert "Question: And then?" in answering.prompt
    assert collected.answer.footnotes[0].url == url_of("bees")


async def test_follow_up_with_hits_is_not_rewritten(answerer: RagAnswerer, server: OpenAIServer) -> None:
    await collect(answerer, follow_up(ABOUT_BEES.text))
    assert len(server.chats) == 1


async def test_first_question_is_not_rewritten(answerer: RagAnswerer, server: OpenAIServer) -> None:
    await collect(answerer, OFF_TOPIC)
    assert server.chats == []


async def test_failed_rewriting_keeps_the_original_question(answerer: RagAnswerer, server: OpenAIServer) -> None:
    server.enqueue(Status(401))
    collected = await collect(answerer, follow_up("And then?", before="Hello there!"))
    assert collected.error is None
    assert collected.text.startswith(NOT_IN_POSTS)
    assert len(server.chats) == 1


async def test_follow_up_is_rewritten_only_once(answerer: RagAnswerer, server: OpenAIServer) -> None:
    server.enqueue(Text(OFF_TOPIC.text))
    collected = await collect(answerer, follow_up("And then?", before="Hello there!"))
    assert collected.text.startswith(NOT_IN_POSTS)
    assert len(server.chats) == 1


async def test_thoughts_are_not_searched(answerer: RagAnswerer, server: OpenAIServer) -> None:
    for thought in ("<think>Football? Trains? Pumpkins?</think>", "Football? Trains?\n</think>\n"):
        server.enqueue(Text(thought + ABOUT_BEES.text), Text("They shiver [1]."))
        collected = await collect(answerer, follow_up("And then?", before="Hello there!"))
        assert collected.trace.understood == ABOUT_BEES.text

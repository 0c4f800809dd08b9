"""The answerer between a real Redis and a loopback OpenAI: order of events, honest footnotes, every kind of failure."""

import asyncio
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from core.answerer import Found, Wrote
from core.answering.prompts import Instructions
from core.answering.rag import NOT_IN_POSTS, Limits, RagAnswerer
from core.domain import Question, Turn
from core.errors import (
    AnswerInterruptedError,
    ContentFilteredError,
    FootnotedError,
    ModelAccessError,
    ModelBusyError,
    ModelQuotaExceededError,
    ModelTimeoutError,
    ModelUnreachableError,
)
from core.errors import ContextTooLongError as TooLongForTheModel
from core.models.extractive_chat import ExtractiveChatModel
from core.models.offline_embedder import OfflineEmbedder
from core.models.openai_chat import OpenAIChatModel
from tests.core.answering.asking import ABOUT_BEES, OFF_TOPIC, answerer_of, heard
from tests.posts import url_of
from tests.servers.loopback import Status
from tests.servers.openai import (
    Broken,
    ContentFilter,
    ContextTooLong,
    Empty,
    Garbage,
    OpenAIServer,
    Refusal,
    Reply,
    Silence,
    Stall,
    Text,
    Truncated,
)

TRIED = 3
SHORT = Limits(first_token=timedelta(seconds=0.3), whole_answer=timedelta(seconds=0.6))


@pytest.fixture
def answerer(blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel) -> RagAnswerer:
    return answerer_of(blog, embedder, model)


async def test_an_answer_cites_the_post_that_it_comes_from(answerer: RagAnswerer, server: OpenAIServer) -> None:
    server.enqueue(Text("The cluster shivers [1]. They eat honey [1]."))
    said = await heard(answerer, ABOUT_BEES)
    assert said.error is None
    assert said.is_in_order
    assert said.text == said.answer.text == "The cluster shivers [1]. They eat honey [1]."
    [footnote] = said.answer.footnotes
    assert (footnote.number, footnote.url, footnote.title) == (1, url_of("bees"), "Wintering bees on a roof")
    assert said.answer.grounded
    assert said.answer.nearest == ()
    assert said.answer.tokens > 50
    assert set(said.answer.timings_ms) == {"found", "first_token", "total"}
    assert sorted(said.answer.timings_ms.values()) == list(said.answer.timings_ms.values())


async def test_a_number_that_points_nowhere_is_no_footnote(answerer: RagAnswerer, server: OpenAIServer) -> None:
    server.enqueue(Text("They shiver [77] and eat honey, see https://evil.example/ for more."))
    said = await heard(answerer, ABOUT_BEES)
    assert "77" not in said.text
    assert "evil.example" not in said.text
    assert not said.answer.grounded
    assert said.answer.footnotes == ()
    assert said.answer.nearest[0].url == url_of("bees")


async def test_below_the_threshold_no_model_is_asked(answerer: RagAnswerer, server: OpenAIServer) -> None:
    said = await heard(answerer, OFF_TOPIC)
    assert said.is_in_order
    assert said.events[1] == Found(())
    assert said.text == said.answer.text
    assert said.text.startswith(NOT_IN_POSTS)
    assert not said.answer.grounded
    assert said.answer.nearest
    assert server.chats == []


async def test_before_anything_was_read_it_says_so(
    redis: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, server: OpenAIServer
) -> None:
    said = await heard(answerer_of(redis, embedder, model), ABOUT_BEES)
    assert said.text == f"{NOT_IN_POSTS} I have read none yet."
    assert server.chats == []


async def test_offline_the_posts_are_quoted(blog: Redis, embedder: OfflineEmbedder) -> None:
    said = await heard(answerer_of(blog, embedder, ExtractiveChatModel(embedder)), ABOUT_BEES)
    assert said.is_in_order
    assert "shivers" in said.text
    assert said.answer.footnotes[0].url == url_of("bees")


@pytest.mark.parametrize(
    ("reply", "error", "text", "asked"),
    [
        (Status(429, retry_after=0), ModelBusyError, "", TRIED),
        (Status(429), ModelBusyError, "", TRIED),
        (Status(429, code="insufficient_quota"), ModelQuotaExceededError, "", 1),
        (Status(500), ModelUnreachableError, "", TRIED),
        (Status(401), ModelAccessError, "", 1),
        (Status(404), ModelAccessError, "", 1),
        (Broken("They eat honey. "), AnswerInterruptedError, "They eat honey.", 1),
        (Truncated("They eat honey. "), AnswerInterruptedError, "They eat honey.", 1),
        (Garbage("They eat honey. "), AnswerInterruptedError, "They eat honey.", 1),
        (ContentFilter("They eat honey. "), ContentFilteredError, "They eat honey.", 1),
        (Status(400, code="content_filter"), ContentFilteredError, "", 1),
        (Empty(), AnswerInterruptedError, "", 1),
        (Text("  \n "), AnswerInterruptedError, "", 1),
    ],
    ids=str,
)
async def test_a_failure_is_told_by_its_kind_and_what_was_written_stays(
    answerer: RagAnswerer, server: OpenAIServer, reply: Reply, error: type[FootnotedError], text: str, asked: int
) -> None:
    server.enqueue(*[reply] * TRIED)
    said = await heard(answerer, ABOUT_BEES)
    assert type(said.error) is error
    assert said.is_in_order
    assert said.text.strip() == text
    assert len(server.chats) == asked


@pytest.mark.parametrize(
    ("reply", "text"),
    [(Silence(), ""), (Stall(), ""), (Stall("They eat honey. And"), "They eat honey."),
     (Text("They eat honey. " * 100, tokens_per_second=40), "They eat honey.")],
    ids=["no header", "no first token", "in the middle", "too long a time in all"],
)  # fmt: skip
async def test_a_model_that_does_not_keep_its_times_is_stopped(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, server: OpenAIServer, reply: Reply, text: str
) -> None:
    server.enqueue(reply)
    said = await heard(answerer_of(blog, embedder, model, limits=SHORT), ABOUT_BEES)
    assert type(said.error) is ModelTimeoutError
    assert said.text.startswith(text)
    assert len(server.chats) == 1
    await asyncio.wait_for(server.chats[0].finished.wait(), 5)
    assert server.chats[0].cancelled


async def test_a_model_that_declines_is_quoted_without_footnotes(answerer: RagAnswerer, server: OpenAIServer) -> None:
    server.enqueue(Refusal("I cannot help with that."))
    said = await heard(answerer, ABOUT_BEES)
    assert said.text == "I cannot help with that."
    assert not said.answer.grounded


async def test_a_prompt_that_is_too_long_is_tried_once_more_with_fewer_passages(
    answerer: RagAnswerer, server: OpenAIServer
) -> None:
    server.enqueue(ContextTooLong(), Text("Honey [1], and more [2][3][4][5]."))
    said = await heard(answerer, ABOUT_BEES)
    assert said.is_in_order
    first, second = (chat.prompt.count("<passage>") for chat in server.chats)
    assert 1 <= second < first
    # What was not sent the second time cannot be cited.
    assert [footnote.number for footnote in said.answer.footnotes] == list(range(1, second + 1))


async def test_a_prompt_that_stays_too_long_fails_after_the_second_time(
    answerer: RagAnswerer, server: OpenAIServer
) -> None:
    server.enqueue(*[ContextTooLong()] * TRIED)
    said = await heard(answerer, ABOUT_BEES)
    assert type(said.error) is TooLongForTheModel
    assert len(server.chats) == 2


async def test_one_passage_is_kept_however_short_the_context(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, server: OpenAIServer
) -> None:
    server.enqueue(ContextTooLong(), Text("Honey [1]."))
    said = await heard(answerer_of(blog, embedder, model, limits=Limits(top_k=1)), ABOUT_BEES)
    assert said.answer.grounded
    assert server.chats[1].prompt.count("<passage>") == 1


async def test_whoever_leaves_early_stops_the_model(answerer: RagAnswerer, server: OpenAIServer) -> None:
    server.enqueue(Text("They eat honey [1]. " * 200, tokens_per_second=300))
    async with aclosing(answerer.ask(ABOUT_BEES)) as events:
        async for event in events:
            if isinstance(event, Wrote):
                break
    [chat] = server.chats
    await asyncio.wait_for(chat.finished.wait(), 5)
    assert chat.cancelled


async def test_whoever_is_cancelled_stops_the_model(answerer: RagAnswerer, server: OpenAIServer) -> None:
    server.enqueue(Stall("They eat"))
    reading = asyncio.create_task(heard(answerer, ABOUT_BEES))
    chat = await asyncio.wait_for(server.chat(0), 5)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await asyncio.wait_for(chat.finished.wait(), 5)
    assert chat.cancelled


def follow_up(text: str, before: str = "Is the roof cold for the hives?") -> Question:
    return Question(text, history=(Turn("user", before), Turn("assistant", "It is.")))


async def test_a_follow_up_that_brings_nothing_is_rewritten_once(answerer: RagAnswerer, server: OpenAIServer) -> None:
    server.enqueue(Text(ABOUT_BEES.text), Text("They shiver [1]."))
    said = await heard(answerer, follow_up("And then?", before="Hello there!"))
    rewriting, answering = server.chats
    assert "Rewrite the last question" in rewriting.prompt
    assert "Question: And then?" in answering.prompt
    assert said.answer.footnotes[0].url == url_of("bees")


async def test_a_follow_up_that_is_found_at_once_is_not_rewritten(answerer: RagAnswerer, server: OpenAIServer) -> None:
    await heard(answerer, follow_up(ABOUT_BEES.text))
    assert len(server.chats) == 1


async def test_a_first_question_is_never_rewritten(answerer: RagAnswerer, server: OpenAIServer) -> None:
    await heard(answerer, OFF_TOPIC)
    assert server.chats == []


async def test_a_rewriting_that_fails_leaves_the_question_as_it_was(
    answerer: RagAnswerer, server: OpenAIServer
) -> None:
    server.enqueue(Status(401))
    said = await heard(answerer, follow_up("And then?", before="Hello there!"))
    assert said.error is None
    assert said.text.startswith(NOT_IN_POSTS)
    assert len(server.chats) == 1


async def test_a_rewriting_that_brings_nothing_either_is_the_last(answerer: RagAnswerer, server: OpenAIServer) -> None:
    server.enqueue(Text(OFF_TOPIC.text))
    said = await heard(answerer, follow_up("And then?", before="Hello there!"))
    assert said.text.startswith(NOT_IN_POSTS)
    assert len(server.chats) == 1


async def test_history_goes_to_the_model_as_far_as_it_fits(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, server: OpenAIServer
) -> None:
    turns = tuple(Turn("user" if n % 2 == 0 else "assistant", f"turn-{n} " + "honey " * 60) for n in range(40))
    limits = Limits(context=2_000)
    await heard(answerer_of(blog, embedder, model, limits=limits), Question(ABOUT_BEES.text, history=turns))
    sent: list[Any] = [message["content"] for message in server.chats[0].messages[1:-1]]
    assert sent == [turn.content for turn in turns[-len(sent) :]]
    assert 1 <= len(sent) < len(turns)
    assert "<passage>" in server.chats[0].messages[-1]["content"]


@pytest.mark.parametrize(("beyond", "words"), [(False, "Add nothing from your own"), (True, "Beyond the posts:")])
async def test_the_operator_decides_whether_the_model_may_add_what_it_knows(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, server: OpenAIServer, beyond: bool, words: str
) -> None:
    instructions = Instructions("You are Bee.", beyond_sources=beyond)
    await heard(answerer_of(blog, embedder, model, instructions), ABOUT_BEES)
    system = server.chats[0].messages[0]["content"]
    assert system.startswith("You are Bee.")
    assert words in system

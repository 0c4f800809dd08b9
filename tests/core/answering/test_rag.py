"""The answerer between a real Redis and a loopback OpenAI: event order, honest footnotes, every failure."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from core.answerer import Found
from core.answering.answer_text import CUT_NOTICE
from core.answering.prompts import Instructions
from core.answering.rag import NOT_IN_POSTS, Limits, RagAnswerer
from core.domain import Question, Turn
from core.errors import (
    AnswerInterruptedError,
    AnswerTooLongError,
    ContentFilteredError,
    ContextTooLongError,
    FootnotedError,
    ModelAccessError,
    ModelBusyError,
    ModelQuotaExceededError,
    ModelTimeoutError,
    ModelUnreachableError,
    PromptTooLongError,
)
from core.models.extractive_chat import ExtractiveChatModel
from core.models.offline_embedder import OfflineEmbedder
from core.models.openai_chat import OpenAIChatModel
from core.models.sentence_vectors import LocalSentenceVectors
from tests.core.answering.collected import ABOUT_BEES, OFF_TOPIC, collect, rag_answerer, read_until_text
from tests.posts import url_of
from tests.servers.loopback import Status
from tests.servers.openai import (
    Broken,
    ContentFilter,
    ContextTooLong,
    Deltas,
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

ATTEMPTS = 3
SHORT = Limits(first_token=timedelta(seconds=0.3), whole_answer=timedelta(seconds=0.6))


async def test_answer_cites_the_post_it_comes_from(answerer: RagAnswerer, server: OpenAIServer) -> None:
    server.enqueue(Text("The cluster shivers [1]. They eat honey [1]."))
    collected = await collect(answerer, ABOUT_BEES)
    assert collected.error is None
    assert collected.is_in_order
    assert collected.text == collected.answer.text == "The cluster shivers [1]. They eat honey [1]."
    [footnote] = collected.answer.footnotes
    assert (footnote.number, footnote.url, footnote.title) == (1, url_of("bees"), "Wintering bees on a roof")
    assert collected.answer.grounded
    assert collected.answer.nearest == ()
    assert collected.answer.tokens > 50
    assert set(collected.answer.timings_ms) == {"found", "first_token", "total"}
    assert sorted(collected.answer.timings_ms.values()) == list(collected.answer.timings_ms.values())


async def test_number_without_a_passage_is_not_a_footnote(answerer: RagAnswerer, server: OpenAIServer) -> None:
    server.enqueue(Text("They shiver [77] and eat honey, see https://evil.example/ for more."))
    collected = await collect(answerer, ABOUT_BEES)
    assert "77" not in collected.text
    assert "evil.example" not in collected.text
    assert not collected.answer.grounded
    assert collected.answer.footnotes == ()
    assert collected.answer.nearest[0].url == url_of("bees")


async def test_footnote_behind_a_statement_in_other_words_stays(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, server: OpenAIServer
) -> None:
    vectors = LocalSentenceVectors()
    await asyncio.to_thread(vectors.load)
    server.enqueue(Text("Beekeepers let the insects have plenty of honey for the cold season [1]."))
    collected = await collect(rag_answerer(blog, embedder, model, sentence_vectors=vectors), ABOUT_BEES)
    assert [footnote.url for footnote in collected.answer.footnotes] == [url_of("bees")]


async def test_model_is_not_asked_below_the_relevance_threshold(answerer: RagAnswerer, server: OpenAIServer) -> None:
    collected = await collect(answerer, OFF_TOPIC)
    assert collected.is_in_order
    assert collected.events[1] == Found((), "none")
    assert collected.text == collected.answer.text
    assert collected.text.startswith(NOT_IN_POSTS)
    assert not collected.answer.grounded
    assert collected.answer.nearest
    assert server.chats == []


async def test_empty_index_is_told_to_the_user(
    redis: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, server: OpenAIServer
) -> None:
    collected = await collect(rag_answerer(redis, embedder, model), ABOUT_BEES)
    assert collected.text == f"{NOT_IN_POSTS} I have read none yet."
    assert server.chats == []


async def test_posts_are_quoted_offline(blog: Redis, embedder: OfflineEmbedder) -> None:
    collected = await collect(rag_answerer(blog, embedder, ExtractiveChatModel(embedder)), ABOUT_BEES)
    assert collected.is_in_order
    assert "shivers" in collected.text
    assert collected.answer.footnotes[0].url == url_of("bees")


@pytest.mark.parametrize(
    ("reply", "error", "text", "asked"),
    [
        (Status(429, retry_after=0), ModelBusyError, "", ATTEMPTS),
        (Status(429), ModelBusyError, "", ATTEMPTS),
        (Status(429, code="insufficient_quota"), ModelQuotaExceededError, "", 1),
        (Status(500), ModelUnreachableError, "", ATTEMPTS),
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
async def test_failure_has_its_own_error_and_keeps_the_text_so_far(
    answerer: RagAnswerer, server: OpenAIServer, reply: Reply, error: type[FootnotedError], text: str, asked: int
) -> None:
    server.enqueue(*[reply] * ATTEMPTS)
    collected = await collect(answerer, ABOUT_BEES)
    assert type(collected.error) is error
    assert collected.is_in_order
    assert collected.text.strip() == text
    assert len(server.chats) == asked


@pytest.mark.parametrize(
    ("reply", "text"),
    [(Silence(), ""), (Stall(), ""), (Stall("They eat honey. And"), "They eat honey."),
     (Text("They eat honey. " * 100, tokens_per_second=40), "They eat honey.")],
    ids=["no response", "no first token", "stalled reply", "slow reply"],
)  # fmt: skip
async def test_slow_model_is_stopped(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, server: OpenAIServer, reply: Reply, text: str
) -> None:
    server.enqueue(reply)
    collected = await collect(rag_answerer(blog, embedder, model, limits=SHORT), ABOUT_BEES)
    assert type(collected.error) is ModelTimeoutError
    assert collected.text.startswith(text)
    assert len(server.chats) == 1
    await asyncio.wait_for(server.chats[0].finished.wait(), 5)
    assert server.chats[0].cancelled


async def test_model_that_streams_its_thoughts_is_not_cut_off(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, server: OpenAIServer
) -> None:
    thoughts = [{"reasoning_content": "Bees?"}] * 8
    server.enqueue(Deltas(deltas=[*thoughts, {"content": "Honey [1]."}], tokens_per_second=10))
    limits = Limits(first_token=timedelta(seconds=0.5), whole_answer=timedelta(seconds=30))
    collected = await collect(rag_answerer(blog, embedder, model, limits=limits), ABOUT_BEES)
    assert collected.text == collected.answer.text == "Honey [1]."


async def test_thinking_is_limited_by_the_time_for_the_whole_answer(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, server: OpenAIServer
) -> None:
    server.enqueue(Deltas(deltas=[{"reasoning_content": "Bees?"}] * 1_000, tokens_per_second=20))
    collected = await collect(rag_answerer(blog, embedder, model, limits=SHORT), ABOUT_BEES)
    assert type(collected.error) is ModelTimeoutError


@pytest.mark.parametrize("opening", ["<think>", ""], ids=["tagged", "without the opening tag"])
async def test_numbers_in_thoughts_are_not_footnotes(answerer: RagAnswerer, server: OpenAIServer, opening: str) -> None:
    server.enqueue(Text(f"{opening}I doubt [2] about drums [3].\n</think>\n\nHoney [1]."))
    collected = await collect(answerer, ABOUT_BEES)
    assert collected.answer.text == "Honey [1]."
    assert [footnote.number for footnote in collected.answer.footnotes] == [1]


@pytest.mark.parametrize(
    ("text", "shown"),
    [("Honey [1]. They", "Honey [1]. They"), ("Honey:\n\n```\neat(", "Honey:\n\n```\neat(\n```")],
    ids=["in a sentence", "in a code block"],
)
async def test_answer_cut_at_the_length_limit_says_so(
    answerer: RagAnswerer, server: OpenAIServer, text: str, shown: str
) -> None:
    server.enqueue(Text(text, finish_reason="length"))
    collected = await collect(answerer, ABOUT_BEES)
    assert collected.text == collected.answer.text == f"{shown}\n\n{CUT_NOTICE}"


async def test_length_limit_before_the_first_word_is_an_error(answerer: RagAnswerer, server: OpenAIServer) -> None:
    server.enqueue(Deltas(deltas=[{"reasoning_content": "Bees?"}], finish_reason="length"))
    collected = await collect(answerer, ABOUT_BEES)
    assert type(collected.error) is AnswerTooLongError
    assert collected.text == ""


async def test_refusal_of_the_model_has_no_footnotes(answerer: RagAnswerer, server: OpenAIServer) -> None:
    server.enqueue(Refusal("I cannot help with that."))
    collected = await collect(answerer, ABOUT_BEES)
    assert collected.text == "I cannot help with that."
    assert not collected.answer.grounded


async def test_prompt_that_is_too_long_is_retried_with_fewer_passages(
    answerer: RagAnswerer, server: OpenAIServer
) -> None:
    server.enqueue(ContextTooLong(), Text("Honey [1], and more [2][3][4][5]."))
    collected = await collect(answerer, ABOUT_BEES)
    assert collected.is_in_order
    first, second = (chat.prompt.count("<passage>") for chat in server.chats)
    assert 1 <= second < first
    # Passages that were not sent again cannot be cited.
    assert [footnote.number for footnote in collected.answer.footnotes] == list(range(1, second + 1))


@pytest.mark.parametrize(
    ("history", "error"), [((Turn("user", "Bees?"),), ContextTooLongError), ((), PromptTooLongError)]
)
async def test_prompt_that_stays_too_long_fails_after_one_retry(
    blog: Redis,
    embedder: OfflineEmbedder,
    model: OpenAIChatModel,
    server: OpenAIServer,
    history: tuple[Turn, ...],
    error: type[FootnotedError],
) -> None:
    server.enqueue(*[ContextTooLong()] * ATTEMPTS)
    answerer = rag_answerer(blog, embedder, model, rewrite=False)
    collected = await collect(answerer, Question(ABOUT_BEES.text, history=history))
    assert type(collected.error) is error
    assert len(server.chats) == 2


async def test_last_passage_stays_in_a_shortened_prompt(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, server: OpenAIServer
) -> None:
    server.enqueue(ContextTooLong(), Text("Honey [1]."))
    collected = await collect(rag_answerer(blog, embedder, model, limits=Limits(top_k=1)), ABOUT_BEES)
    assert collected.answer.grounded
    assert server.chats[1].prompt.count("<passage>") == 1


async def test_leaving_early_stops_the_model(answerer: RagAnswerer, server: OpenAIServer) -> None:
    server.enqueue(Text("They eat honey [1]. " * 200, tokens_per_second=300))
    await read_until_text(answerer, ABOUT_BEES)
    [chat] = server.chats
    await asyncio.wait_for(chat.finished.wait(), 5)
    assert chat.cancelled


async def test_cancellation_stops_the_model(answerer: RagAnswerer, server: OpenAIServer) -> None:
    server.enqueue(Stall("They eat"))
    reading = asyncio.create_task(collect(answerer, ABOUT_BEES))
    chat = await asyncio.wait_for(server.chat(0), 5)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await asyncio.wait_for(chat.finished.wait(), 5)
    assert chat.cancelled


async def test_newest_turns_are_sent_as_far_as_they_fit(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, server: OpenAIServer
) -> None:
    turns = tuple(Turn("user" if n % 2 == 0 else "assistant", f"turn-{n} " + "honey " * 60) for n in range(40))
    limits = Limits(context=2_000)
    await collect(rag_answerer(blog, embedder, model, limits=limits), Question(ABOUT_BEES.text, history=turns))
    sent: list[Any] = [message["content"] for message in server.chats[0].messages[1:-1] if message["content"] != "…"]
    assert sent == [turn.content for turn in turns[-len(sent) :]]
    assert 1 <= len(sent) < len(turns)
    assert "<passage>" in server.chats[0].messages[-1]["content"]


@pytest.mark.parametrize(("beyond", "words"), [(False, "Add nothing from your own"), (True, "Beyond the posts:")])
async def test_operator_decides_whether_the_model_may_add_its_own_knowledge(
    blog: Redis, embedder: OfflineEmbedder, model: OpenAIChatModel, server: OpenAIServer, beyond: bool, words: str
) -> None:
    instructions = Instructions("You are Bee.", beyond_sources=beyond)
    await collect(rag_answerer(blog, embedder, model, instructions), ABOUT_BEES)
    system = server.chats[0].messages[0]["content"]
    assert system.startswith("You are Bee.")
    assert words in system

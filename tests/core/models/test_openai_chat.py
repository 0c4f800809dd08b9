"""The chat model of an OpenAI-compatible server: requests, streams and every way to fail."""

import asyncio
import time
from contextlib import aclosing
from dataclasses import replace

import pytest

from core.domain import Turn
from core.errors import (
    AnswerInterruptedError,
    AnswerTooLongError,
    ContentFilteredError,
    ContextTooLongError,
    FootnotedError,
    ModelAccessError,
    ModelBusyError,
    ModelError,
    ModelQuotaExceededError,
    ModelTimeoutError,
    ModelUnreachableError,
)
from core.models.openai_chat import OpenAIChatModel
from core.models.openai_client import azure_client, openai_client
from core.models.thoughts import Thought
from tests.core.models.openai_parts import PROMPT, client_of, written
from tests.servers.loopback import Status
from tests.servers.openai import (
    Broken,
    ContentFilter,
    Deltas,
    Garbage,
    OpenAIServer,
    Refusal,
    Reply,
    Silence,
    Stall,
    Text,
    Truncated,
)
from tests.servers.openai import ContextTooLong as TooLongForTheServer

TRIED = 3


async def test_answer_is_streamed(server: OpenAIServer, model: OpenAIChatModel) -> None:
    server.enqueue(Text(pieces=["Honey", ",", " mostly", " [1]."]))
    async with aclosing(model.stream(PROMPT)) as pieces:
        assert [piece async for piece in pieces if piece] == ["Honey", ",", " mostly", " [1]."]


async def test_instructions_history_and_request_are_sent_in_this_order(
    server: OpenAIServer, model: OpenAIChatModel
) -> None:
    await written(model)
    [chat] = server.chats
    assert [(message["role"], message["content"]) for message in chat.messages] == [
        ("system", PROMPT.system),
        ("user", "Hello?"),
        ("assistant", "Hello."),
        ("user", PROMPT.request),
    ]
    assert chat.model == "gpt-5-mini"
    assert chat.params["stream"] is True


async def test_temperature_is_sent_only_if_set(server: OpenAIServer, model: OpenAIChatModel) -> None:
    await written(model)
    assert "temperature" not in server.chats[0].params


async def test_temperature_zero_is_sent(server: OpenAIServer) -> None:
    async with client_of(server) as client:
        await written(OpenAIChatModel(client, "gpt-4o-mini", temperature=0))
    assert server.chats[0].params["temperature"] == 0


async def test_refusal_of_the_model_is_its_answer(server: OpenAIServer, model: OpenAIChatModel) -> None:
    server.enqueue(Refusal("I cannot help with that."))
    assert await written(model) == "I cannot help with that."


async def test_thoughts_are_not_part_of_the_answer(server: OpenAIServer, model: OpenAIChatModel) -> None:
    thoughts = [{"reasoning_content": "The user asks"}, {"reasoning": " about bees."}, {"content": "<th"}]
    server.enqueue(Deltas(deltas=[*thoughts, {"content": "ink>Doubt [1].</think>\n\nHo"}, {"content": "ney [1]."}]))
    assert await written(model) == "Honey [1]."


async def test_text_parts_of_a_list_are_the_answer(server: OpenAIServer, model: OpenAIChatModel) -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "The user asks."}]}
    text = [{"type": "text", "text": "Honey"}, {"type": "reference", "reference_ids": [1]}]
    other = [" [1]", {"type": "output_text", "text": "."}]
    server.enqueue(Deltas(deltas=[{"content": [thinking]}, {"content": text}, {"content": other}]))
    assert await written(model) == "Honey [1]."


async def test_answer_of_a_server_that_does_not_stream_is_read(server: OpenAIServer, model: OpenAIChatModel) -> None:
    server.streams = False
    server.enqueue(Text("<think>Bees?</think>Honey."), Text("Hon", finish_reason="length"))
    assert await written(model) == "Honey."
    with pytest.raises(AnswerTooLongError):
        await written(model)


async def test_answer_may_end_without_a_finish_reason(server: OpenAIServer, model: OpenAIChatModel) -> None:
    server.enqueue(Text("Honey.", finish_reason=""))
    assert await written(model) == "Honey."


async def test_roles_alternate_and_the_user_is_first(server: OpenAIServer, model: OpenAIChatModel) -> None:
    turns = (Turn("assistant", "Hello."), Turn("user", "Our hive stinks."), Turn("user", "So does ours."))
    await written(model, replace(PROMPT, history=turns))
    assert [(message["role"], message["content"]) for message in server.chats[0].messages] == [
        ("system", PROMPT.system),
        ("user", "…"),
        ("assistant", "Hello."),
        ("user", f"Our hive stinks.\n\nSo does ours.\n\n{PROMPT.request}"),
    ]


async def test_silent_pieces_show_that_the_model_is_thinking(server: OpenAIServer, model: OpenAIChatModel) -> None:
    server.enqueue(Deltas(deltas=[{"reasoning_content": "Bees?"}] * 3 + [{"content": "<think>Bees."}] * 2))
    async with aclosing(model.stream(PROMPT)) as pieces:
        first, *more = [piece async for piece in pieces][:6]
    assert first == "" and not isinstance(first, Thought)
    assert [type(piece) for piece in more] == [Thought] * 5


@pytest.mark.parametrize(
    ("reply", "error", "asked"),
    [
        (Status(429), ModelBusyError, TRIED),
        (Status(429, retry_after=0), ModelBusyError, TRIED),
        (Status(429, code="insufficient_quota"), ModelQuotaExceededError, 1),
        (Status(500), ModelUnreachableError, TRIED),
        (Status(503), ModelUnreachableError, TRIED),
        (Status(401), ModelAccessError, 1),
        (Status(403), ModelAccessError, 1),
        (Status(404), ModelAccessError, 1),
        (Status(400), ModelError, 2),
        (Status(400, code="content_filter"), ContentFilteredError, 1),
        (Status(400, message="This model's maximum context length is 4096 tokens"), ContextTooLongError, 1),
        (
            Status(400, message="request (5210 tokens) exceeds the available context size (4096)"),
            ContextTooLongError,
            1,
        ),
        (Status(500, message="Context size has been exceeded."), ContextTooLongError, 1),
        (Status(400, message="The decoder prompt is longer than the maximum model length"), ContextTooLongError, 1),
        (Status(422, message="`inputs` tokens + `max_new_tokens` must be <= 4096"), ContextTooLongError, 1),
        (Status(400, message="The input token count (9000) exceeds the maximum"), ContextTooLongError, 1),
        (Status(400, message="Input is too long for requested model."), ContextTooLongError, 1),
        (TooLongForTheServer(), ContextTooLongError, 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, TooLongForTheServer) else str(value),
)
async def test_error_replies_raise_their_kind_and_are_retried_if_that_helps(
    server: OpenAIServer, model: OpenAIChatModel, reply: Reply, error: type[FootnotedError], asked: int
) -> None:
    server.enqueue(*[reply] * TRIED)
    with pytest.raises(error) as caught:
        await written(model)
    assert type(caught.value) is error
    assert len(server.chats) == asked
    assert "key" not in caught.value.user_message


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Broken("Bees eat"), AnswerInterruptedError),
        (Truncated("Bees eat"), AnswerInterruptedError),
        (Garbage("Bees eat"), AnswerInterruptedError),
        (ContentFilter("Bees eat"), ContentFilteredError),
        (Text("Bees eat", finish_reason="length"), AnswerTooLongError),
        (Text("Bees eat", finish_reason="MAX_TOKENS"), AnswerTooLongError),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_broken_stream_yields_its_text_and_is_not_retried(
    server: OpenAIServer, model: OpenAIChatModel, reply: Reply, error: type[FootnotedError]
) -> None:
    server.enqueue(reply)
    text = ""
    with pytest.raises(error) as caught:
        async with aclosing(model.stream(PROMPT)) as pieces:
            async for piece in pieces:
                text += piece
    assert type(caught.value) is error
    assert text == "Bees eat"
    assert len(server.chats) == 1


async def test_retry_after_is_honoured(server: OpenAIServer, model: OpenAIChatModel) -> None:
    server.enqueue(Status(429, retry_after=0.3), Text("Honey."))
    began = time.monotonic()
    assert await written(model) == "Honey."
    assert time.monotonic() - began >= 0.3


async def test_answer_succeeds_after_a_retry(server: OpenAIServer, model: OpenAIChatModel) -> None:
    server.enqueue(Status(500), Text("Honey."))
    assert await written(model) == "Honey."


async def test_missing_server_is_unreachable() -> None:
    async with await asyncio.to_thread(openai_client, "key", "http://127.0.0.1:1/v1") as client:
        with pytest.raises(ModelUnreachableError):
            await written(OpenAIChatModel(client.with_options(max_retries=0), "gpt-5-mini"))


@pytest.mark.parametrize("reply", [Silence(), Stall("Bees eat")], ids=lambda reply: type(reply).__name__)
async def test_silent_server_times_out(server: OpenAIServer, reply: Reply) -> None:
    server.enqueue(reply)
    async with client_of(server) as client:
        model = OpenAIChatModel(client.with_options(timeout=0.3, max_retries=0), "gpt-5-mini")
        with pytest.raises(ModelTimeoutError):
            await written(model)


async def test_closing_the_stream_stops_the_model(server: OpenAIServer, model: OpenAIChatModel) -> None:
    server.enqueue(Text("Honey. " * 500, tokens_per_second=200))
    async with aclosing(model.stream(PROMPT)) as pieces:
        await anext(pieces)
    [chat] = server.chats
    await asyncio.wait_for(chat.finished.wait(), 5)
    assert chat.cancelled
    assert len(chat.written) < 700


async def test_wrong_key_is_rejected_and_not_shown(server: OpenAIServer) -> None:
    async with client_of(server, "wrong-key") as client:
        with pytest.raises(ModelAccessError) as caught:
            await written(OpenAIChatModel(client, "gpt-5-mini"))
    assert "wrong-key" not in caught.value.user_message


async def test_local_server_needs_no_key(server: OpenAIServer) -> None:
    async with client_of(server, key=None) as client:
        assert await written(OpenAIChatModel(client, "llama"))


async def test_azure_request_has_deployment_version_and_key_header(server: OpenAIServer) -> None:
    async with await asyncio.to_thread(azure_client, server.origin, "azure-key", "2026-01-01") as client:
        assert await written(OpenAIChatModel(client, "my-deployment"))
    [chat] = server.chats
    assert chat.model == "my-deployment"
    assert chat.headers["api-key"] == "azure-key"

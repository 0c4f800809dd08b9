"""The loopback OpenAI, through the real SDK."""

import asyncio
import json
import math
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import numpy as np
import openai
import pytest
from openai.types.chat import ChatCompletionChunk

from tests.servers.loopback import Status
from tests.servers.openai import (
    Broken,
    ContentFilter,
    ContextTooLong,
    Empty,
    Garbage,
    NaN,
    OpenAIServer,
    Refusal,
    Reply,
    Shuffled,
    Silence,
    Stall,
    Text,
    TooFew,
    Truncated,
    WrongLength,
    count_tokens,
)

SMALL = "text-embedding-3-small"
ASKED: list[Any] = [{"role": "user", "content": "Posts:\n[1]\nRust has traits. More.\n[2] Go has none.\n\nTraits?"}]


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer() as server:
        yield server


@pytest.fixture
async def client(server: OpenAIServer) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(api_key="key", base_url=server.base_url, max_retries=0, timeout=5) as client:
        yield client


async def ask(client: openai.AsyncOpenAI, **params: Any) -> Any:
    return await client.chat.completions.create(model="gpt-4o-mini", messages=ASKED, **params)


async def read(client: openai.AsyncOpenAI, **params: Any) -> list[ChatCompletionChunk]:
    return [chunk async for chunk in await ask(client, stream=True, **params)]


def written(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


async def test_stream_has_role_text_finish_reason_and_usage(server: OpenAIServer, client: openai.AsyncOpenAI) -> None:
    chunks = await read(client, stream_options={"include_usage": True})
    assert written(chunks) == "According to the posts, Rust has traits [1]."
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.usage is not None for chunk in chunks[-2:]] == [False, True]
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == []
    assert server.chats[0].params["stream"] is True
    assert not server.chats[0].cancelled


async def test_whole_response_has_the_same_text(client: openai.AsyncOpenAI) -> None:
    completion = await ask(client)
    assert completion.choices[0].message.content == "According to the posts, Rust has traits [1]."
    assert completion.usage.completion_tokens == count_tokens(completion.choices[0].message.content)


async def test_scripted_replies_come_first_and_in_order(server: OpenAIServer, client: openai.AsyncOpenAI) -> None:
    server.enqueue(Text(pieces=("One", " two")), Empty(), ContentFilter(after="So"), Refusal("No."))
    chunks = await read(client)
    assert [chunk.choices[0].delta.content for chunk in chunks] == ["", "One", " two", None]
    assert written(await read(client)) == ""
    filtered = await read(client)
    assert (written(filtered), filtered[-1].choices[0].finish_reason) == ("So", "content_filter")
    assert (await ask(client)).choices[0].message.refusal == "No."
    limited = await ask(client, max_completion_tokens=2)
    assert (limited.choices[0].message.content, limited.choices[0].finish_reason) == ("According", "length")


ERRORS: list[tuple[Reply, type[openai.APIStatusError], str | None]] = [
    (Status(429, retry_after=1), openai.RateLimitError, "rate_limit_exceeded"),
    (Status(429, code="insufficient_quota"), openai.RateLimitError, "insufficient_quota"),
    (Status(500), openai.InternalServerError, None),
    (Status(401), openai.AuthenticationError, "invalid_api_key"),
    (Status(404), openai.NotFoundError, "model_not_found"),
    (Status(400, code="content_filter"), openai.BadRequestError, "content_filter"),
    (ContextTooLong(), openai.BadRequestError, "context_length_exceeded"),
]


async def test_sdk_raises_the_matching_error(server: OpenAIServer, client: openai.AsyncOpenAI) -> None:
    for reply, error, code in ERRORS:
        server.enqueue(reply)
        with pytest.raises(error) as caught:
            await ask(client, stream=True)
        assert caught.value.code == code
        assert caught.value.request_id


async def test_sdk_retry_gets_the_next_reply(server: OpenAIServer, client: openai.AsyncOpenAI) -> None:
    server.enqueue(Status(429, retry_after=0.01), Text("Later."))
    assert written(await read(client.with_options(max_retries=1))) == "Later."
    assert len(server.chats) == 2


@pytest.mark.parametrize("stream", [True, False])
async def test_injected_faults_reach_the_client(server: OpenAIServer, client: openai.AsyncOpenAI, stream: bool) -> None:
    client = client.with_options(timeout=0.2)
    asking = read if stream else ask
    for reply, error in (
        (Broken("So"), openai.APIConnectionError),
        (Stall("So"), openai.APITimeoutError),
        (Silence(), openai.APITimeoutError),
        (Garbage("So"), (json.JSONDecodeError, openai.APIError)),
    ):
        server.enqueue(reply)
        with pytest.raises(error):
            await asking(client)
    await server.chats[1].finished.wait()
    assert [chat.cancelled for chat in server.chats] == [False, True, True, False]


async def test_truncated_stream_has_no_finish_reason(server: OpenAIServer, client: openai.AsyncOpenAI) -> None:
    server.enqueue(Truncated("So far"))
    chunks = await read(client)
    assert written(chunks) == "So far"
    assert chunks[-1].choices[0].finish_reason is None


async def test_disconnecting_client_cancels_the_response(server: OpenAIServer, client: openai.AsyncOpenAI) -> None:
    server.enqueue(Text("word " * 1000, tokens_per_second=100))
    async with await ask(client, stream=True) as stream:
        async for chunk in stream:
            if chunk.choices[0].delta.content:
                break
    chat = await server.chat(0)
    await chat.finished.wait()
    assert chat.cancelled
    assert chat.written.count("word") < 100


async def test_closing_the_server_releases_its_clients() -> None:
    async with OpenAIServer() as server, openai.AsyncOpenAI(api_key="key", base_url=server.base_url) as client:
        server.enqueue(Silence())
        asking = asyncio.create_task(ask(client.with_options(max_retries=0)))
        chat = await server.chat(0)
        await server.__aexit__()
        with pytest.raises(openai.APIConnectionError):
            await asking
    assert not chat.cancelled


REFUSED_CHATS: list[tuple[dict[str, Any], str | None]] = [
    ({"model": "gpt-5-mini", "max_tokens": 9}, "unsupported_parameter"),
    ({"temperature": 0.2}, "unsupported_value"),
    ({"messages": []}, None),
    ({"messages": [{"role": "user", "content": "word " * 50}]}, "context_length_exceeded"),
    ({"stream_options": {"include_usage": True}}, None),
    ({"extra_body": {"colour": "red"}}, None),
]


async def test_invalid_chat_request_is_refused() -> None:
    for params, code in REFUSED_CHATS:
        async with (
            OpenAIServer(refuses_temperature=True, context_window=50) as server,
            openai.AsyncOpenAI(api_key="key", base_url=server.base_url) as client,
        ):
            with pytest.raises(openai.BadRequestError) as caught:
                await client.chat.completions.create(**({"model": "gpt-4o-mini", "messages": ASKED} | params))
        assert caught.value.code == code


async def test_wrong_keys_and_unknown_models_are_refused(client: openai.AsyncOpenAI) -> None:
    assert "gpt-4o-mini" in {model.id async for model in client.models.list()}
    with pytest.raises(openai.AuthenticationError):
        await ask(client.with_options(api_key="wrong-key"))
    async with (
        OpenAIServer(models=["gpt-6"]) as server,
        openai.AsyncOpenAI(api_key="key", base_url=server.base_url) as other,
    ):
        with pytest.raises(openai.NotFoundError):
            await ask(other)


async def test_similar_texts_have_similar_embeddings(server: OpenAIServer, client: openai.AsyncOpenAI) -> None:
    texts = ["How do traits inherit?", "A trait inherits from traits", "Cooking rice in a pan"]
    answer = await client.embeddings.create(model=SMALL, input=texts)
    vectors = np.array([item.embedding for item in answer.data])
    assert vectors.shape == (3, 1536)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert vectors[0] @ vectors[1] > 0.3 > vectors[0] @ vectors[2]
    plain = await client.embeddings.create(model=SMALL, input=texts, encoding_format="float")
    assert plain.data[0].embedding == pytest.approx(answer.data[0].embedding)
    assert [request.inputs for request in server.embeddings] == [texts, texts]
    short = await client.embeddings.create(model="text-embedding-3-large", input="one", dimensions=64)
    assert len(short.data[0].embedding) == 64
    assert answer.usage.prompt_tokens == sum(map(count_tokens, texts))


async def test_token_arrays_are_embedded_as_text(server: OpenAIServer, client: openai.AsyncOpenAI) -> None:
    await client.embeddings.create(model=SMALL, input=[15339, 1917])
    await client.embeddings.create(model=SMALL, input=[[15339], [1917]])
    assert [request.inputs for request in server.embeddings] == [["hello world"], ["hello", " world"]]


REFUSED_EMBEDDINGS: list[dict[str, Any]] = [
    {"input": []},
    {"input": ["text", ""]},
    {"input": ["text"] * 2049},
    {"input": "word " * 8193},
    {"input": ["word " * 8000] * 38},
    {"input": "text", "dimensions": 1537},
    {"input": "text", "dimensions": 64, "model": "text-embedding-ada-002"},
]


async def test_embedding_request_over_a_limit_is_refused(client: openai.AsyncOpenAI) -> None:
    for params in REFUSED_EMBEDDINGS:
        with pytest.raises(openai.BadRequestError):
            await client.embeddings.create(**({"model": SMALL} | params))


async def test_embedding_faults_can_be_injected(server: OpenAIServer, client: openai.AsyncOpenAI) -> None:
    server.enqueue_embedding(WrongLength(3), NaN(), TooFew(), Shuffled(), Status(500), Stall())
    embed = client.with_options(timeout=0.3).embeddings.create
    assert len((await embed(model=SMALL, input="a")).data[0].embedding) == 3
    assert math.isnan((await embed(model=SMALL, input="a")).data[0].embedding[0])
    assert len((await embed(model=SMALL, input=["a", "b"])).data) == 1
    assert [item.index for item in (await embed(model=SMALL, input=["a", "b"])).data] == [1, 0]
    with pytest.raises(openai.InternalServerError):
        await embed(model=SMALL, input="a")
    with pytest.raises(openai.APITimeoutError):
        await embed(model=SMALL, input="a")


async def test_azure_paths_and_api_version_are_supported(server: OpenAIServer, web: aiohttp.ClientSession) -> None:
    async with openai.AsyncAzureOpenAI(
        api_key="key", azure_endpoint=server.origin, api_version="2026-01-01", azure_deployment="mine"
    ) as client:
        chunks = await read(client)
        await client.embeddings.create(model="mine", input="text")
    assert chunks[0].choices == []
    assert written(chunks).endswith("[1].")
    assert (server.chats[0].model, server.embeddings[0].model) == ("mine", "mine")
    address = f"{server.origin}/openai/deployments/mine/embeddings"
    async with web.post(address, headers={"api-key": "key"}, json={"input": "text"}) as response:
        assert response.status == 400

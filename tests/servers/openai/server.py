"""A loopback OpenAI server."""

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Self

import numpy as np
from aiohttp import web
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from openai.types.embedding_create_params import EmbeddingCreateParams

from tests.servers.loopback import Loopback, Status, hang_up
from tests.servers.openai.replies import (
    ContextTooLong,
    EmbeddingReply,
    NaN,
    Reply,
    Shuffled,
    Silence,
    Stall,
    Text,
    TooFew,
    Unnumbered,
    WrongLength,
)
from tests.servers.openai.rules import (
    ApiError,
    ChatRequest,
    EmbeddingRequest,
    authorize,
    body_of,
    check_chat,
    check_embedding,
    context_too_long,
    error_response,
)
from tests.servers.openai.stream import Writing
from tests.servers.openai.text import Json, base64_of, count_tokens, embed, text_of, texts_of, vocabulary

Endpoint = Callable[[web.Request, Json], Awaitable[web.StreamResponse]]

MODELS = ("gpt-4o-mini", "gpt-5-mini", "text-embedding-3-small", "text-embedding-3-large")
# The text of the passage, below its title and headings.
FIRST_PASSAGE = re.compile(r"^\[1\]\s*(?:.*\n<passage>\n(?:#.*\n+)*)?(.+)", re.MULTILINE)
DIMENSIONS = {"text-embedding-3-large": 3072}
CHAT_PARAMETERS = CompletionCreateParamsStreaming.__annotations__
EMBEDDING_PARAMETERS = EmbeddingCreateParams.__annotations__


class OpenAIServer(Loopback):
    """Chat completions, embeddings and models: OpenAI's paths under `base_url`, Azure's under `origin`.

    A valid request takes the next scripted reply (as does an SDK's retry), or else calls `answer`. `passage` matches
    the first passage in a message as group 1. `models` are the existing ones; None means any. `dimensions` overrides
    the models' own. `delay` is in seconds, before every response.
    """

    max_inputs = 2048
    """Texts in a request for embeddings; more are refused with `max_inputs_status`."""

    max_inputs_status = 400
    max_inputs_message = "batch size is invalid"

    refuses_base64 = False
    fails_on = "\0"
    """Requests for embeddings with this word are answered with `failure`."""
    failure = Status(500, message="failed to encode response: NaN")

    embeds_alike: float | None = None
    """The value of all numbers in all vectors."""
    streams = True
    """Whether `stream` in a request is heeded."""

    refuses_system: Status | None = None
    """The reply to any prompt with a system message."""

    def __init__(self, *, answer: Callable[[ChatRequest], str | Reply] | None = None,
                 passage: re.Pattern[str] = FIRST_PASSAGE, tokens_per_second: float | None = None,
                 refuses_temperature: bool = False, models: Sequence[str] | None = None, dimensions: int | None = None,
                 context_window: int = 128_000, delay: float = 0, port: int = 0) -> None:  # fmt: skip
        super().__init__(port)
        self.answer = answer or partial(quote_first_passage, passage=passage)
        self.tokens_per_second, self.refuses_temperature, self.models = tokens_per_second, refuses_temperature, models
        self.dimensions, self.context_window, self.delay = dimensions, context_window, delay
        self.chats: list[ChatRequest] = []
        self.embeddings: list[EmbeddingRequest] = []
        self._arrivals = asyncio.Condition()
        self._replies: deque[Reply] = deque()
        self._embedding_replies: deque[EmbeddingReply] = deque()

    @property
    def base_url(self) -> str:
        """Return the value for `OPENAI_BASE_URL`. Azure's endpoint is `origin`."""
        return f"{self.origin}/v1"

    def enqueue(self, *replies: Reply) -> None:
        self._replies.extend(replies)

    def enqueue_embedding(self, *replies: EmbeddingReply) -> None:
        self._embedding_replies.extend(replies)

    async def chat(self, number: int) -> ChatRequest:
        """Return a request by its number, counted from 0, once it arrives."""
        async with self._arrivals:
            await self._arrivals.wait_for(lambda: len(self.chats) > number)
        return self.chats[number]

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(vocabulary)  # reads a file
        return await super().__aenter__()

    def routes(self) -> Iterable[web.RouteDef]:
        yield web.get("/v1/models", partial(self._serve, self._list_models, ()))
        for place in ("/v1", "/openai/deployments/{deployment}"):
            yield web.post(f"{place}/chat/completions", partial(self._serve, self._complete, CHAT_PARAMETERS))
            yield web.post(f"{place}/embeddings", partial(self._serve, self._embed, EMBEDDING_PARAMETERS))

    async def _serve(self, endpoint: Endpoint, known: Iterable[str], request: web.Request) -> web.StreamResponse:
        try:
            authorize(request)
            return await endpoint(request, await body_of(request, known))
        except ApiError as error:
            return error_response(error.status)

    async def _list_models(self, request: web.Request, body: Json) -> web.StreamResponse:
        models = [{"id": name, "object": "model", "created": 0, "owned_by": "openai"} for name in self.models or MODELS]
        return web.json_response({"object": "list", "data": models})

    def _check_model(self, model: str) -> None:
        if not model:
            raise ApiError(400, "you must provide a model parameter")
        if self.models is not None and model not in self.models:
            raise ApiError(
                404, f"The model `{model}` does not exist or you do not have access to it.", "model_not_found"
            )

    async def _complete(self, request: web.Request, body: Json) -> web.StreamResponse:
        chat = ChatRequest(body.pop("model", ""), body.pop("messages", None) or [], body, dict(request.headers))
        async with self._arrivals:
            self.chats.append(chat)
            self._arrivals.notify_all()
        try:
            await self.pause(self.delay)
            self._check_model(chat.model)
            check_chat(chat, self.refuses_temperature, self.context_window)
            if self.refuses_system and any(message["role"] == "system" for message in chat.messages):
                return error_response(self.refuses_system)
            return await self._reply(request, chat)
        except ConnectionResetError:
            chat.cancelled = True
            return web.Response()
        except asyncio.CancelledError:
            chat.cancelled = True
            raise
        finally:
            chat.finished.set()

    async def _reply(self, request: web.Request, chat: ChatRequest) -> web.StreamResponse:
        reply = self._replies.popleft() if self._replies else self.answer(chat)
        match reply:
            case Status():
                return error_response(reply)
            case ContextTooLong():
                raise context_too_long(self.context_window, self.context_window + 1)
            case Silence():
                await self.pause(None)
                return hang_up(request)
            case str():
                reply = Text(reply)
        writing = Writing(self, request, chat, reply, self.tokens_per_second)
        return await (writing.stream() if self.streams and chat.params.get("stream") else writing.whole())

    async def _embed(self, request: web.Request, body: Json) -> web.StreamResponse:
        headers = dict(request.headers)
        inputs = texts_of(body.get("input"))
        embedding = EmbeddingRequest(inputs, body.get("model", ""), body.get("dimensions"), headers)
        self.embeddings.append(embedding)
        await self.pause(self.delay)
        self._check_model(embedding.model)
        if len(embedding.inputs) > self.max_inputs:
            return error_response(Status(self.max_inputs_status, message=self.max_inputs_message))
        if self.refuses_base64 and "encoding_format" in body:
            return error_response(Status(400, message="encoding_format is not supported"))
        native = self.dimensions or DIMENSIONS.get(embedding.model, 1536)
        check_embedding(embedding, body.get("encoding_format", "float"), native)
        reply = self._embedding_replies.popleft() if self._embedding_replies else None
        if any(self.fails_on in text for text in embedding.inputs):
            reply = self.failure
        if isinstance(reply, Status):
            return error_response(reply)
        if isinstance(reply, Stall | Silence):
            await self.pause(None)
            return hang_up(request)
        length = reply.dimensions if isinstance(reply, WrongLength) else embedding.dimensions or native
        vectors = [embed(text, length) * (np.nan if isinstance(reply, NaN) else 1) for text in embedding.inputs]
        if self.embeds_alike is not None:
            vectors = [np.full(length, self.embeds_alike, np.float32) for _ in vectors]
        plain = body.get("encoding_format", "float") == "float"
        data = [{"object": "embedding", "index": index, "embedding": vector.tolist() if plain else base64_of(vector)}
                for index, vector in enumerate(vectors)]  # fmt: skip
        if isinstance(reply, TooFew | Shuffled):
            data = data[:-1] if isinstance(reply, TooFew) else data[::-1]
        if isinstance(reply, Unnumbered):
            data = [{key: value for key, value in item.items() if key != "index"} for item in data]
        tokens = sum(map(count_tokens, embedding.inputs))
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return web.json_response({"object": "list", "data": data, "model": embedding.model, "usage": usage})


def quote_first_passage(chat: ChatRequest, passage: re.Pattern[str], times: int = 1) -> str:
    """Repeat the first sentence of the first passage in the last message with passages."""
    for message in reversed(chat.messages):
        if found := passage.search(text_of(message)):
            sentence = re.split(r"(?<=[.!?])\s", found[1].strip(), maxsplit=1)[0]
            return " ".join([f"According to the posts, {sentence.rstrip('.!?')} [1]."] * times)
    return "I do not know."

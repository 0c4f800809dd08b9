"""Validation of OpenAI requests, with the service's error messages."""

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

from tests.servers.loopback import Status
from tests.servers.openai.text import Json, count_tokens, text_of

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
NEWER_MODEL = re.compile(r"o\d|gpt-[5-9]")
# The default code of a status, and the type of a code.
ERRORS = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}
TYPES = {"insufficient_quota": "insufficient_quota", "rate_limit_exceeded": "requests"}


@dataclass(slots=True)
class ChatRequest:
    """A request and its progress. `params` is the body without `model` and `messages`.

    `cancelled` is true if the client disconnected before the end; it is final once `finished` is set.
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
    """A request with its inputs as text, token arrays decoded. `dimensions` is None by default."""

    inputs: list[str]
    model: str
    dimensions: int | None
    headers: Mapping[str, str]


class ApiError(Exception):
    """An error response of the service."""

    def __init__(self, status: int, message: str, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.status = Status(status, code, None, message, param)


def authorize(request: web.Request) -> None:
    """Require OpenAI's bearer token, or Azure's `api-key` header and API version."""
    azure = "deployment" in request.match_info
    key = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    key = request.headers.get("api-key", key) if azure else key
    if not key:
        raise ApiError(401, "You didn't provide an API key.")
    if key == "wrong-key":
        raise ApiError(401, f"Incorrect API key provided: {key}.", "invalid_api_key")
    if azure and "api-version" not in request.query:
        raise ApiError(400, "Missing required query parameter: api-version", "BadRequest")


async def body_of(request: web.Request, known: Iterable[str]) -> Json:
    """Return the request's JSON. In Azure's paths the deployment is the model."""
    try:
        body = await request.json() if request.can_read_body else {}
    except ValueError:
        raise ApiError(400, "We could not parse the JSON body of your request.") from None
    if unknown := sorted(set(body) - set(known)):
        raise ApiError(400, f"Unrecognized request argument supplied: {', '.join(unknown)}")
    if "deployment" in request.match_info:
        body["model"] = request.match_info["deployment"]
    return dict(body)


def error_response(status: Status) -> web.Response:
    """Return an error in OpenAI's format."""
    code = status.code or ERRORS.get(status.status)
    kind = "server_error" if status.status >= 500 else TYPES.get(code or "", "invalid_request_error")
    error = {"message": status.message or code or f"Status {status.status}", "type": kind, "param": status.param}
    headers = status.headers | {"x-request-id": "req_loopback"}
    return web.json_response({"error": error | {"code": code}}, status=status.status, headers=headers)


def context_too_long(window: int, tokens: int, param: str | None = "messages") -> ApiError:
    message = (
        f"This model's maximum context length is {window} tokens. However, your messages resulted in {tokens} tokens."
    )
    return ApiError(400, message, "context_length_exceeded", param)


def check_chat(chat: ChatRequest, refuses_temperature: bool, window: int) -> None:
    """Validate in the service's order."""
    params = chat.params
    if not chat.messages:
        raise ApiError(400, "[] is too short - 'messages'", param="messages")
    if strangers := [message.get("role") for message in chat.messages if message.get("role") not in ROLES]:
        raise ApiError(400, f"Invalid value: '{strangers[0]}'.", "invalid_value", "messages[0].role")
    if "max_tokens" in params and ("max_completion_tokens" in params or NEWER_MODEL.match(chat.model)):
        message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens'."
        raise ApiError(400, message, "unsupported_parameter", "max_tokens")
    if refuses_temperature and params.get("temperature", 1) != 1:
        message = "Unsupported value: 'temperature' does not support this value with this model."
        raise ApiError(400, message, "unsupported_value", "temperature")
    if params.get("stream_options") and not params.get("stream"):
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise ApiError(400, message, param="stream_options")
    if (tokens := prompt_tokens(chat)) > window:
        raise context_too_long(window, tokens)


def check_embedding(request: EmbeddingRequest, encoding_format: str, native: int) -> None:
    """Check the limits of the request and of each input, and the model's options."""
    if not request.inputs or not all(request.inputs):
        raise ApiError(400, "'$.input' is invalid: it must not be empty.", param="input")
    if len(request.inputs) > 2048:
        raise ApiError(
            400, "Invalid 'input': expected an array with maximum length 2048.", "array_above_max_length", "input"
        )
    tokens = [count_tokens(text) for text in request.inputs]
    if max(tokens) > 8192:
        raise context_too_long(8192, max(tokens), None)
    if sum(tokens) > 300_000:
        code = "max_tokens_per_request"
        raise ApiError(400, f"Requested {sum(tokens)} tokens, max 300000 tokens per request", code, "input")
    if request.dimensions and not request.model.startswith("text-embedding-3"):
        raise ApiError(400, "This model does not support specifying dimensions.", param="dimensions")
    if request.dimensions is not None and not 0 < request.dimensions <= native:
        raise ApiError(400, f"Invalid value for 'dimensions' = {request.dimensions}.", param="dimensions")
    if encoding_format not in ("float", "base64"):
        raise ApiError(400, f"Invalid value: '{encoding_format}'.", "invalid_value", "encoding_format")


def prompt_tokens(chat: ChatRequest) -> int:
    # OpenAI's cookbook: three tokens around each message, three more before the answer.
    return 3 + sum(3 + count_tokens(text_of(message)) for message in chat.messages)

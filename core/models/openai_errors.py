"""Translation of the OpenAI SDK's exceptions into `core.errors`."""

import re
from collections.abc import Generator
from contextlib import contextmanager

import openai

from core.errors import (
    AnswerInterruptedError,
    ContentFilteredError,
    ContextTooLongError,
    ModelAccessError,
    ModelBusyError,
    ModelError,
    ModelQuotaExceededError,
    ModelTimeoutError,
    ModelUnreachableError,
)
from core.telemetry import ModelCalled, Service, emit

_OVERFLOW = re.compile(
    r"context[ _]length|maximum (?:context|model|prompt|sequence)\b|max_(?:seq|model)_len"
    r"|exceed\w*[^.]{0,60}\bcontext[ _]?(?:size|window)|\bcontext[ _]?(?:size|window)[^.]{0,60}exceed"
    r"|(?:prompt|input) is too (?:long|large)|token count\b[^.]{0,40}\bexceed|too many tokens"
    r"|tokens \+ `max_new_tokens|reduce the length of (?:the|your) (?:messages|prompt|input)",
    re.IGNORECASE,
)

_TEMPLATE = re.compile(r"\brole\b|\broles\b|chat[ _]template|\bjinja", re.IGNORECASE)


@contextmanager
def translated(service: Service) -> Generator[None, None, None]:
    """Translate exceptions of the SDK into ModelError, chained to the original, and emit the outcome."""
    try:
        with _as_model_error():
            yield
    except ModelError as error:
        emit(ModelCalled(service, error.code))
        raise
    emit(ModelCalled(service))


@contextmanager
def _as_model_error() -> Generator[None, None, None]:
    try:
        yield
    except openai.APITimeoutError as error:
        raise ModelTimeoutError(str(error)) from error
    except openai.APIConnectionError as error:
        raise ModelUnreachableError(f"{error} {error.__cause__ or ''}".strip()) from error
    except openai.APIStatusError as error:
        kind, cause = _kind_of(error), f"{error.status_code} {error.message} (request {error.request_id})"
        raise (
            ModelBusyError(cause, retry_after=_retry_after(error)) if kind is ModelBusyError else kind(cause)
        ) from error
    except openai.APIError as error:
        # An error within a stream is a bare APIError.
        raise AnswerInterruptedError(error.message) from error
    except openai.OpenAIError as error:
        raise ModelError(str(error)) from error
    except ValueError as error:
        # The SDK lets errors of its JSON parser through when a stream is garbled.
        raise AnswerInterruptedError(f"unreadable answer: {error}") from error


def _retry_after(error: openai.APIStatusError) -> float | None:
    """Return Retry-After in seconds; None if it is missing or a date."""
    try:
        return max(0.0, float(error.response.headers.get("retry-after", "")))
    except ValueError:
        return None


def is_invalid_request(error: openai.APIStatusError) -> bool:
    """Return whether a server rejected the form of a request, such as a role or the number of inputs."""
    return _kind_of(error) is ModelError and (error.status_code in {400, 413, 422} or is_template_error(error.message))


def is_context_overflow(message: str) -> bool:
    """Return whether a server's error says that the prompt exceeds the context."""
    return _OVERFLOW.search(message) is not None


def is_template_error(message: str) -> bool:
    """Return whether a server's error says that the model's chat template rejects the messages."""
    return _TEMPLATE.search(message) is not None


def _kind_of(error: openai.APIStatusError) -> type[ModelError]:
    match error.status_code, error.code:
        case 429, "insufficient_quota":
            return ModelQuotaExceededError
        case 429, _:
            return ModelBusyError
        case 400, "context_length_exceeded":
            return ContextTooLongError
        case 400, "content_filter":
            return ContentFilteredError
        case ((400 | 413 | 422 | 500), _) if is_context_overflow(error.message):
            # Compatible servers (vLLM, LM Studio, llama.cpp) send no such code, only a message.
            return ContextTooLongError
        case 500, _ if is_template_error(error.message):
            return ModelError
        case ((401 | 403 | 404), _):
            return ModelAccessError
        case status, _ if status >= 500:
            return ModelUnreachableError
        case _:
            return ModelError

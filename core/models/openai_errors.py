"""What the OpenAI SDK raises, in the words of this house."""

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


@contextmanager
def translated(service: Service) -> Generator[None, None, None]:
    """Everything the SDK raises inside leaves as a ModelError, with the SDK's error as its cause. Whoever watches is
    told how it went."""
    try:
        with _in_our_words():
            yield
    except ModelError as error:
        emit(ModelCalled(service, error.code))
        raise
    emit(ModelCalled(service))


@contextmanager
def _in_our_words() -> Generator[None, None, None]:
    try:
        yield
    except openai.APITimeoutError as error:
        raise ModelTimeoutError(str(error)) from error
    except openai.APIConnectionError as error:
        raise ModelUnreachableError(f"{error} {error.__cause__ or ''}".strip()) from error
    except openai.APIStatusError as error:
        kind, said = _status(error), f"{error.status_code} {error.message} (request {error.request_id})"
        raise (
            ModelBusyError(said, retry_after=_retry_after(error)) if kind is ModelBusyError else kind(said)
        ) from error
    except openai.APIError as error:
        # What a stream reports in its middle arrives as a bare APIError.
        raise AnswerInterruptedError(error.message) from error
    except openai.OpenAIError as error:
        raise ModelError(str(error)) from error
    except ValueError as error:
        # The SDK hands on what its JSON parser says of a garbled stream.
        raise AnswerInterruptedError(f"unreadable answer: {error}") from error


def _retry_after(error: openai.APIStatusError) -> float | None:
    """In seconds; services that give a date instead are waited for as if they said nothing."""
    try:
        return max(0.0, float(error.response.headers.get("retry-after", "")))
    except ValueError:
        return None


def _status(error: openai.APIStatusError) -> type[ModelError]:
    match error.status_code, error.code:
        case 429, "insufficient_quota":
            return ModelQuotaExceededError
        case 429, _:
            return ModelBusyError
        case 400, "context_length_exceeded":
            return ContextTooLongError
        case 400, "content_filter":
            return ContentFilteredError
        case 400, _ if "context length" in error.message or "maximum context" in error.message:
            # Compatible servers (vLLM, LM Studio) say it in words alone.
            return ContextTooLongError
        case ((401 | 403 | 404), _):
            return ModelAccessError
        case status, _ if status >= 500:
            return ModelUnreachableError
        case _:
            return ModelError

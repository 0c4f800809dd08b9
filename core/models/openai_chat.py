"""Answers from OpenAI, Azure OpenAI, or any server that speaks the same protocol."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, cast

from openai import APIConnectionError, APITimeoutError, AsyncOpenAI, AsyncStream
from openai.types.chat import ChatCompletionMessageParam

from core.errors import AnswerInterruptedError, ContentFilteredError
from core.models.openai_errors import translated
from core.models.protocols import Prompt


class OpenAIChatModel:
    """A chat-completions model. `temperature` None is not sent: newer models refuse it."""

    follows_instructions = True

    def __init__(self, client: AsyncOpenAI, model: str, temperature: float | None = None) -> None:
        self.name = model
        self._client = client
        self._temperature = temperature

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        with translated("chat"):
            # As `chat.completions.create(stream=True)`, but with the chunks as they are: a model object for each token
            # would take most of the time that an answer costs.
            stream = await self._client.post(
                "/chat/completions",
                body=self._request(prompt),
                cast_to=object,
                stream=True,
                stream_cls=AsyncStream[object],
            )
            async with stream, aclosing(_pieces(stream)) as pieces:
                async for piece in pieces:
                    yield piece

    def _request(self, prompt: Prompt) -> dict[str, object]:
        request: dict[str, object] = {"model": self.name, "messages": _messages(prompt), "stream": True}
        if self._temperature is not None:
            request["temperature"] = self._temperature
        return request


def _messages(prompt: Prompt) -> list[ChatCompletionMessageParam]:
    history: list[ChatCompletionMessageParam] = [
        {"role": "user", "content": turn.content}
        if turn.role == "user"
        else {"role": "assistant", "content": turn.content}
        for turn in prompt.history
    ]
    return [
        {"role": "system", "content": prompt.system},
        *history,
        {"role": "user", "content": prompt.request},
    ]


async def _pieces(stream: AsyncStream[object]) -> AsyncGenerator[str, None]:
    """The text of a stream. A stream that ends without saying why has been cut off."""
    reason = None
    try:
        async for chunk in stream:
            text, why = _read(cast("dict[str, Any]", chunk))
            if text:
                yield text
            reason = why or reason
    except (AttributeError, TypeError, KeyError) as error:
        raise AnswerInterruptedError(f"a chunk is none: {error!r}") from error
    except APITimeoutError:
        raise
    except APIConnectionError as error:
        raise AnswerInterruptedError(
            f"the connection ended before the answer did: {error.__cause__ or error}"
        ) from error
    if reason == "content_filter":
        raise ContentFilteredError("the stream ended with finish_reason content_filter")
    if reason is None:
        raise AnswerInterruptedError("the stream ended without a finish_reason")


def _read(chunk: dict[str, Any]) -> tuple[str, str | None]:
    """The text of a chunk, and why the answer ends there if it does."""
    # Azure opens with a chunk that has no choices, and `include_usage` closes with one.
    for choice in chunk.get("choices") or ():
        delta = choice.get("delta") or {}
        # A model that declines says so in a field of its own.
        return delta.get("content") or delta.get("refusal") or "", choice.get("finish_reason")
    return "", None

"""Chat models of OpenAI, Azure OpenAI and compatible servers."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, cast

from openai import APIConnectionError, APITimeoutError, AsyncOpenAI, AsyncStream
from openai.types.chat import ChatCompletionMessageParam

from core.errors import AnswerInterruptedError, ContentFilteredError
from core.models.openai_errors import translated
from core.models.protocols import Prompt
from core.models.thoughts import Retraction, ThoughtFilter


class OpenAIChatModel:
    """A chat-completions model. A `temperature` of None is not sent: newer models reject the parameter."""

    follows_instructions = True

    def __init__(self, client: AsyncOpenAI, model: str, temperature: float | None = None) -> None:
        self.name = model
        self._client = client
        self._temperature = temperature

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        with translated("chat"):
            # Like `chat.completions.create(stream=True)`, but with raw chunks: a Pydantic object per token would take
            # most of the CPU time of an answer.
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
    """Yield the text of a stream, without thoughts. A stream that ends without a finish_reason was cut off."""
    reason = None
    thoughts, begun = ThoughtFilter(), False
    try:
        async for chunk in stream:
            text, finish_reason = _read(cast("dict[str, Any]", chunk))
            pieces = [piece for piece in thoughts.read(text) if piece or isinstance(piece, Retraction)]
            begun = begun or bool(pieces)
            for piece in pieces if begun else [""]:
                # An empty piece is a sign of life.
                yield piece
            reason = finish_reason or reason
        for piece in thoughts.end():
            yield piece
    except (AttributeError, TypeError, KeyError) as error:
        raise AnswerInterruptedError(f"malformed chunk: {error!r}") from error
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
    """Return the text and the finish_reason of a chunk."""
    # Azure's first chunk has no choices; neither has the last one with `include_usage`.
    for choice in chunk.get("choices") or ():
        delta = choice.get("delta") or {}
        # A refusal is sent in its own field.
        return delta.get("content") or delta.get("refusal") or "", choice.get("finish_reason")
    return "", None

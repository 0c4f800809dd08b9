"""Chat models of OpenAI, Azure OpenAI and compatible servers."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from itertools import groupby
from typing import Any, Literal, cast

from openai import APIConnectionError, APITimeoutError, AsyncOpenAI, AsyncStream
from openai._streaming import ServerSentEvent
from openai.types.chat import ChatCompletionMessageParam

from core.domain import Turn
from core.errors import AnswerInterruptedError, AnswerTooLongError, ContentFilteredError
from core.models.openai_errors import translated
from core.models.protocols import Prompt
from core.models.thoughts import Retraction, ThoughtFilter

NOTHING = "…"
"""Stands in for the user's message before a conversation that begins with an answer."""


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
                stream_cls=_Stream,
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
    """Return the messages of a prompt. Many chat templates demand that user and assistant alternate, the user first."""
    turns = [Turn("user", NOTHING)] if prompt.history and prompt.history[0].role == "assistant" else []
    turns += [*prompt.history, Turn("user", prompt.request)]
    return [
        {"role": "system", "content": prompt.system},
        *(
            _message(role, "\n\n".join(turn.content for turn in same))
            for role, same in groupby(turns, lambda turn: turn.role)
        ),
    ]


def _message(role: Literal["user", "assistant"], text: str) -> ChatCompletionMessageParam:
    return {"role": "user", "content": text} if role == "user" else {"role": "assistant", "content": text}


class _Stream(AsyncStream[object]):
    """A stream of raw chunks. `done` is set by its `[DONE]`: some servers send no finish_reason, only this."""

    done = False

    async def _iter_events(self) -> AsyncIterator[ServerSentEvent]:
        async for event in super()._iter_events():
            self.done = self.done or event.data.startswith("[DONE]")
            yield event


async def _pieces(stream: _Stream) -> AsyncGenerator[str, None]:
    """Yield the text of a stream, without thoughts. A stream without finish_reason and `[DONE]` was cut off."""
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
    if reason == "length":
        raise AnswerTooLongError("the stream ended with finish_reason length")
    if reason is None and not stream.done:
        raise AnswerInterruptedError("the stream ended without a finish_reason")


def _read(chunk: dict[str, Any]) -> tuple[str, str | None]:
    """Return the text and the finish_reason of a chunk."""
    # Azure's first chunk has no choices; neither has the last one with `include_usage`.
    for choice in chunk.get("choices") or ():
        delta = choice.get("delta") or {}
        # A refusal is sent in its own field.
        return _text(delta.get("content")) or delta.get("refusal") or "", choice.get("finish_reason")
    return "", None


def _text(content: str | list[dict[str, Any]] | None) -> str:
    """Return the text of a delta's content, which some servers send as a list of typed parts (text, thinking)."""
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content if part.get("type") == "text")
    return content or ""

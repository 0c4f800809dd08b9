"""Chat models of OpenAI, Azure OpenAI and compatible servers."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from itertools import groupby
from typing import Any, Literal, NamedTuple, cast

import structlog
from openai import APIConnectionError, APIStatusError, APITimeoutError, AsyncOpenAI, AsyncStream
from openai._streaming import ServerSentEvent
from openai.types.chat import ChatCompletionMessageParam

from core.domain import Turn
from core.errors import AnswerInterruptedError, AnswerTooLongError, ContentFilteredError
from core.models.capabilities import ChatCapabilities
from core.models.openai_errors import is_invalid_request, translated
from core.models.protocols import Prompt
from core.models.thoughts import Retraction, Thought, ThoughtFilter

log = structlog.get_logger()

CUT = frozenset({"length", "max_tokens", "model_length"})
"""Reasons of a stream's end that mean the model's limit, in lower case; some servers have their own words."""

THOUGHTS = ("reasoning_content", "reasoning", "thinking")
"""Fields in which servers send thoughts."""

TEXT_PARTS = ("text", "output_text")

FILTERED = frozenset({"content_filter", "safety"})

NOTHING = "…"
"""Stands in for the user's message before a conversation that begins with an answer."""


class OpenAIChatModel:
    """A chat-completions model. A `temperature` of None is not sent: newer models reject the parameter."""

    follows_instructions = True

    def __init__(self, client: AsyncOpenAI, model: str, temperature: float | None = None) -> None:
        self.name = model
        self._client = client
        self._temperature = temperature
        self._capabilities = ChatCapabilities()

    @property
    def limitations(self) -> tuple[str, ...]:
        return self._capabilities.limitations

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        with translated("chat"):
            stream = await self._open(prompt)
            thoughts = ThoughtFilter(self._capabilities.opens_thoughts)
            async with stream, aclosing(_pieces(stream, thoughts)) as pieces:
                async for piece in pieces:
                    yield piece
            self._learn(replace(self._capabilities, opens_thoughts=thoughts.opens))

    async def _open(self, prompt: Prompt) -> "_Stream":
        """Send the request. If the server refuses it, leave out what some servers refuse, and remember what helped."""
        try:
            return await self._send(prompt, self._capabilities)
        except APIStatusError as error:
            if not is_invalid_request(error):
                raise
            refusal = error
        for capabilities in self._capabilities.fallbacks(self._temperature is not None):
            try:
                stream = await self._send(prompt, capabilities)
            except APIStatusError as error:
                if not is_invalid_request(error):
                    raise
            else:
                self._learn(capabilities)
                return stream
        raise refusal

    async def _send(self, prompt: Prompt, capabilities: ChatCapabilities) -> "_Stream":
        request: dict[str, object] = {"model": self.name, "stream": True}
        request["messages"] = _messages(prompt, capabilities.system_role)
        if self._temperature is not None and capabilities.temperature:
            request["temperature"] = self._temperature
        # Like `chat.completions.create(stream=True)`, but with raw chunks: a Pydantic object per token would take most
        # of the CPU time of an answer.
        return await self._client.post(
            "/chat/completions", body=request, cast_to=object, stream=True, stream_cls=_Stream
        )

    def _learn(self, capabilities: ChatCapabilities) -> None:
        if capabilities != self._capabilities:
            self._capabilities = capabilities
            log.info("chat model capabilities learned", model=self.name, limitations=capabilities.limitations)


def _messages(prompt: Prompt, system_role: bool) -> list[ChatCompletionMessageParam]:
    """Return the messages of a prompt. Many chat templates demand that user and assistant alternate, the user first."""
    turns = [Turn("user", NOTHING)] if prompt.history and prompt.history[0].role == "assistant" else []
    turns += [*prompt.history, Turn("user", prompt.request)]
    if not system_role:
        turns = [Turn("user", prompt.system), *turns]
    system: list[ChatCompletionMessageParam] = [{"role": "system", "content": prompt.system}] if system_role else []
    return [
        *system,
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
        if self.response.headers.get("content-type", "").startswith("application/json"):
            # Some servers do not stream.
            await self.response.aread()
            self.done = True
            yield ServerSentEvent(data=self.response.text)
            return
        async for event in super()._iter_events():
            self.done = self.done or event.data.startswith("[DONE]")
            yield event


async def _pieces(stream: _Stream, thoughts: ThoughtFilter) -> AsyncGenerator[str, None]:
    """Yield the text of a stream, without thoughts. A stream without finish_reason and `[DONE]` was cut off."""
    reason, begun = "", False
    try:
        async for chunk in stream:
            delta = _read(cast("dict[str, Any]", chunk))
            pieces = [piece for piece in thoughts.read(delta.text) if piece or isinstance(piece, Retraction)]
            begun = begun or bool(pieces)
            for piece in pieces if begun else [Thought() if delta.thought or thoughts.thinking else ""]:
                # An empty piece is a sign of life.
                yield piece
            reason = (delta.finish_reason or reason).lower()
        for piece in thoughts.end(cut=reason in CUT):
            yield piece
    except (AttributeError, TypeError, KeyError) as error:
        raise AnswerInterruptedError(f"malformed chunk: {error!r}") from error
    except APITimeoutError:
        raise
    except APIConnectionError as error:
        raise AnswerInterruptedError(
            f"the connection ended before the answer did: {error.__cause__ or error}"
        ) from error
    if reason in FILTERED:
        raise ContentFilteredError(f"the stream ended with finish_reason {reason}")
    if reason in CUT:
        raise AnswerTooLongError(f"the stream ended with finish_reason {reason}")
    if not reason and not stream.done:
        raise AnswerInterruptedError("the stream ended without a finish_reason")


class _Delta(NamedTuple):
    text: str = ""
    thought: bool = False
    finish_reason: str | None = None


def _read(chunk: dict[str, Any]) -> _Delta:
    # Azure's first chunk has no choices; neither has the last one with `include_usage`.
    for choice in chunk.get("choices") or ():
        delta = choice.get("message" if chunk.get("object") == "chat.completion" else "delta") or {}
        content = delta.get("content")
        # A refusal is sent in its own field.
        text = _text(content) or delta.get("refusal") or ""
        thought = any(map(delta.get, THOUGHTS)) or (content and not text)
        return _Delta(text, bool(thought), choice.get("finish_reason"))
    return _Delta()


def _text(content: str | list[dict[str, Any]] | dict[str, Any] | None) -> str:
    """Return the text of a delta's content, which some servers send in typed parts: text, thinking."""
    match content:
        case list():
            return "".join(map(_text, content))
        case dict():
            return content.get("text") or "" if content.get("type", "text") in TEXT_PARTS else ""
    return content or ""

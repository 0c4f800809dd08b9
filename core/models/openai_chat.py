"""Answers from OpenAI, Azure OpenAI, or any server that speaks the same protocol."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from openai import APIConnectionError, APITimeoutError, AsyncOpenAI, AsyncStream, omit
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from core.errors import AnswerBroken, ContentFiltered
from core.models.openai_errors import translated
from core.models.protocols import Prompt


class OpenAIChat:
    """A chat-completions model. `temperature` None is not sent: newer models refuse it."""

    reads_instructions = True

    def __init__(self, client: AsyncOpenAI, model: str, temperature: float | None = None) -> None:
        self.name = model
        self._client = client
        self._temperature = temperature

    async def write(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        with translated():
            stream = await self._client.chat.completions.create(
                model=self.name,
                messages=_messages(prompt),
                stream=True,
                temperature=self._temperature if self._temperature is not None else omit,
            )
            async with stream, aclosing(_pieces(stream)) as pieces:
                async for piece in pieces:
                    yield piece


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


async def _pieces(stream: AsyncStream[ChatCompletionChunk]) -> AsyncGenerator[str, None]:
    """The text of a stream. A stream that ends without saying why has been cut off."""
    reason = None
    try:
        async for chunk in stream:
            # Azure opens with a chunk that has no choices, and `include_usage` closes with one.
            for choice in chunk.choices[:1]:
                # A model that declines says so in a field of its own.
                if text := choice.delta.content or choice.delta.refusal:
                    yield text
                reason = choice.finish_reason or reason
    except APITimeoutError:
        raise
    except APIConnectionError as error:
        raise AnswerBroken(f"the connection ended before the answer did: {error.__cause__ or error}") from error
    if reason == "content_filter":
        raise ContentFiltered("the stream ended with finish_reason content_filter")
    if reason is None:
        raise AnswerBroken("the stream ended without a finish_reason")

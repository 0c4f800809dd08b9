"""Chat responses, streamed or whole, with injected faults."""

import json
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.servers.loopback import Loopback, hang_up
from tests.servers.openai.replies import (
    Broken,
    ContentFilter,
    Deltas,
    Garbage,
    Refusal,
    Stall,
    StreamFault,
    Text,
    Truncated,
)
from tests.servers.openai.rules import ChatRequest, prompt_tokens
from tests.servers.openai.text import Json, count_tokens

# Lossless pieces of about one token each, for `tokens_per_second`.
TOKEN = re.compile(r"\s?\w{1,6}|\s?[^\w\s]|\s")


@dataclass(slots=True)
class Writing:
    """One response, streamed or whole."""

    server: Loopback
    request: web.Request
    chat: ChatRequest
    reply: Text | StreamFault
    tokens_per_second: float | None

    @property
    def pieces(self) -> Sequence[str]:
        if isinstance(self.reply, StreamFault):
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
        pace = pace or self.tokens_per_second
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
        return web.json_response(self._body("chat.completion", [choice]) | {"usage": self._usage()})

    async def stream(self) -> web.StreamResponse:
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await stream.prepare(self.request)
        if "deployment" in self.request.match_info:
            # Azure first sends its content filter result, in a chunk without choices.
            await stream.write(self._chunk([], prompt_filter_results=[{"prompt_index": 0}]))
        await stream.write(self._delta({"role": "assistant", "content": "", "refusal": None}))
        async with aclosing(self._write()) as pieces:
            async for piece in pieces:
                await stream.write(self._delta(self._message(piece)))
        if isinstance(self.reply, Deltas):
            pace = self.reply.tokens_per_second
            for delta in self.reply.deltas:
                await self.server.pause(1 / pace if pace else 0)
                await stream.write(self._delta(delta))
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
                if self.finish_reason:
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
        usage = {"usage": None} if self._counts_usage else {}
        body = self._body("chat.completion.chunk", choices) | usage | more
        return b"data: " + json.dumps(body).encode() + b"\n\n"

    def _body(self, kind: str, choices: list[Json]) -> Json:
        return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": self.chat.model, "choices": choices}

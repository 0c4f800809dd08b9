"""The messages of one answer: each goes on where the one before it is full, in size or in time."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.blocks import Block
from adapters.slack.calling import Refused
from adapters.slack.messages import Lost, Message, Stopped, Streamed, Updated, delete, update
from adapters.slack.place import Place
from core.delivery.growing import grown
from core.markdown import open_fence

log = structlog.get_logger()

SOFT, HARD = 7_000, 9_500
"""Characters of a message's text. Slack takes 12,000 of Markdown, and some 13,000 with sources and buttons."""

NOT_THERE = frozenset(
    {"not_in_channel", "channel_not_found", "is_archived", "restricted_action", "invalid_auth", "account_inactive"}
)
"""Refusals that have nothing to do with streaming."""

Noted = Callable[[Sequence[str]], Awaitable[None]]
"""Told the names of all messages whenever one is added."""


@dataclass(slots=True)
class Streaming:
    """Whether the workspace lets the bot stream; found out with the first answer."""

    allowed: bool = True


class Pages:
    """Shows a text that grows. With `old` messages, of an answer that this one replaces, these are written anew."""

    def __init__(
        self,
        client: AsyncWebClient,
        place: Place,
        streaming: Streaming,
        noted: Noted,
        lost: Lost,
        old: Sequence[str] = (),
    ) -> None:
        self._client = client
        self._place = place
        self._streaming = streaming
        self._noted = noted
        self._lost = lost
        self._old = list(old)
        self._messages: list[Message] = []
        self._ended = 0
        """How many messages are whole."""
        self._last = ""
        """What the last message shows."""
        self._seen = 0
        """How much of the text has been shown."""
        self._aged = -1
        """Which message was last told to end because of its age."""
        self._cuts: list[int] = []
        """Where the text goes on in another message because the one before it was old."""

    @property
    def names(self) -> list[str]:
        """What Slack calls the messages so far."""
        return [message.ts for message in self._messages if message.ts]

    async def show(self, text: str) -> None:
        """All of the text so far."""
        if self._ended < len(self._messages) and self._messages[-1].full and self._aged != self._ended:
            self._aged = self._ended
            self._cuts.append(max(self._seen, text.rfind("\n") + 1, text.rfind(" ") + 1))
        parts = self._parts(text, ended=False)
        await self._end_all_but_last(parts)
        if len(parts) > self._ended:
            await self._write(parts[-1])
        self._seen = len(text)

    async def end(self, text: str, below: list[Block]) -> None:
        """The whole text, and what stands below it, in the last message."""
        if await self._lost():
            raise Stopped("another process answers")
        parts = self._parts(text, ended=True) or [""]
        await self._end_all_but_last(parts)
        await self._write(parts[-1], below)
        for ts in self._old:
            # A shorter answer leaves messages of the one before it over.
            await delete(self._client, self._place.channel, ts)

    async def break_off(self, below: list[Block]) -> None:
        """Ends with what is shown, and what stands below it."""
        if self._ended < len(self._messages):
            await self._messages[-1].end(self._last, below)
        else:
            await self._begin("", below)

    async def stop(self, word: str) -> None:
        """Ends what is shown with a word, if anything is."""
        if self._ended == len(self._messages):
            return
        try:
            ts = self._messages[-1].ts
            await update(self._client, self._place.channel, ts, f"{self._last}\n\n{word}", [])
        except Stopped:
            log.info("a stopped answer is gone")

    async def remove(self) -> None:
        """Deletes all messages."""
        for ts in [*self.names, *self._old]:
            await delete(self._client, self._place.channel, ts)

    def _parts(self, text: str, ended: bool) -> list[str]:
        parts: list[str] = []
        opening, start = "", 0
        for cut in self._cuts:
            segment = opening + text[start:cut]
            fence = open_fence(segment)
            parts += grown(segment + (f"\n{fence[1]}" if fence else ""), SOFT, HARD)
            opening, start = (f"{fence[0]}\n" if fence else ""), cut
        return parts + grown(opening + text[start:], SOFT, HARD, ended)

    async def _end_all_but_last(self, parts: list[str]) -> None:
        for part in parts[self._ended : -1]:
            await self._write(part, [])

    async def _write(self, part: str, below: list[Block] | None = None) -> None:
        """Shows a part in the message that is not whole yet; with `below` it is whole then."""
        if self._ended == len(self._messages):
            await self._begin(part, below)
        elif below is None:
            await self._messages[-1].show(part)
        else:
            await self._messages[-1].end(part, below)
        self._last = part
        if below is not None:
            self._ended = len(self._messages)

    async def _begin(self, part: str, below: list[Block] | None) -> None:
        """A new message; by updates where Slack refuses a stream, and where there is nothing to stream."""
        stream = self._streaming.allowed and not self._old and bool(part)
        message: Message = Streamed(self._client, self._place, self._lost) if stream else self._updated()
        try:
            await _show_or_end(message, part, below)
        except Refused as error:
            if not stream or error.error in NOT_THERE:
                raise
            log.warning("streams are refused; answers grow by updates", cause=str(error))
            self._streaming.allowed = False
            message = self._updated()
            await _show_or_end(message, part, below)
        self._messages.append(message)
        await self._noted(self.names)

    def _updated(self) -> Updated:
        return Updated(self._client, self._place, self._old.pop(0) if self._old else "")


async def _show_or_end(message: Message, part: str, below: list[Block] | None) -> None:
    if below is None:
        await message.show(part)
    else:
        await message.end(part, below)

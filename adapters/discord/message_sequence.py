"""The messages of one answer: each goes on where the one before it is full."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from adapters.discord.message_sender import MessageSender
from adapters.discord.messages import LONGEST, message
from adapters.discord.rest_api import EDITED_TOO_OFTEN, GONE, NO_MORE_FOLLOW_UPS, DiscordRefusedError
from core.chat.message_splitter import split_stream

log = structlog.get_logger()

SOFT, HARD = 1_500, 1_900
"""Characters at which a message ends with its paragraph, and at which it ends anyway. Discord takes 2,000."""

MUCH = "… Discord lets me write no more here."

Noted = Callable[[Sequence[str]], Awaitable[None]]
"""Told the names of all messages whenever one is added."""

Lost = Callable[[], Awaitable[bool]]
"""Whether another process answers the question now, in the same messages."""


class AnswerStoppedError(Exception):
    """The message is gone, or another process answers: nothing more is wanted."""


@dataclass(slots=True)
class Page:
    """A message, and what it shows."""

    name: str
    text: str = ""
    rows: list[Any] = field(default_factory=list)


class MessageSequence:
    """Shows a text that grows. `old` messages, of an answer that this one replaces or goes on with, are written anew.

    Raises AnswerStoppedError, and what an outlet raises.
    """

    def __init__(self, outlet: MessageSender, nonce: str, noted: Noted, lost: Lost, old: Sequence[str] = ()) -> None:
        self._outlet = outlet
        self._nonce = nonce
        self._noted = noted
        self._lost = lost
        self._old = list(old)
        self._pages: list[Page] = []
        self._full = False

    @property
    def begun(self) -> bool:
        return bool(self._pages)

    async def show(self, text: str) -> None:
        """All of the text so far."""
        await self._write(split_stream(text, SOFT, HARD, ended=False), [])

    async def end(self, text: str, below: str, *rows: Any) -> None:
        """The whole text, with what stands below it and the buttons in the last message."""
        if await self._lost():
            raise AnswerStoppedError("another process answers")
        await self._write(_joined(split_stream(text, SOFT, HARD) or [""], below), list(rows))
        await self._clear()

    async def break_off(self, below: str, *rows: Any) -> None:
        """Ends with what is shown, and what stands below it."""
        await self._write(_joined([page.text for page in self._pages] or [""], below), list(rows))
        await self._clear()

    async def remove(self) -> None:
        """Deletes all messages."""
        for name in [*(page.name for page in self._pages), *self._old]:
            await self._outlet.delete(name)

    async def _clear(self) -> None:
        """A shorter answer leaves messages of the one before it over."""
        while self._old:
            await self._outlet.delete(self._old.pop())

    async def _write(self, parts: list[str], rows: list[Any]) -> None:
        """Brings the messages to these parts, and the buttons below the last."""
        for at, part in enumerate(parts):
            below = rows if at == len(parts) - 1 else []
            if at < len(self._pages):
                await self._rewrite(self._pages[at], part, below)
            elif not self._full:
                await self._add(part, below)
        if self._full and rows and self._pages:
            last = self._pages[-1]
            room = LONGEST - len(MUCH) - 2
            text = last.text if last.text.endswith(MUCH) else f"{last.text[:room].rstrip()}\n\n{MUCH}"
            await self._rewrite(last, text, rows)

    async def _rewrite(self, page: Page, text: str, rows: list[Any]) -> None:
        if (page.text, page.rows) == (text, rows):
            return
        try:
            await self._outlet.edit(page.name, message(text, *rows))
        except DiscordRefusedError as error:
            if error.code in GONE:
                raise AnswerStoppedError(str(error)) from error
            if error.code != EDITED_TOO_OFTEN:
                raise
            log.info("a message is too old to be edited; another takes its place", cause=str(error))
            page.name = await self._outlet.create(message(text, *rows))
            await self._noted([each.name for each in self._pages])
        page.text, page.rows = text, rows

    async def _add(self, text: str, rows: list[Any]) -> None:
        if self._old:
            self._pages.append(Page(self._old.pop(0)))
            await self._rewrite(self._pages[-1], text, rows)
            return
        try:
            name = await self._outlet.create(message(text, *rows), f"{self._nonce}-{len(self._pages)}")
        except DiscordRefusedError as error:
            if error.code != NO_MORE_FOLLOW_UPS:
                raise
            log.info("no more messages may follow", cause=str(error))
            self._full = True
            return
        self._pages.append(Page(name, text, rows))
        await self._noted([page.name for page in self._pages])


def _joined(parts: list[str], below: str) -> list[str]:
    """The parts with what stands below the last one: in it, or in a message of its own when there is no room."""
    if not below:
        return parts
    joined = f"{parts[-1]}\n\n{below}".strip()
    return [*parts[:-1], joined] if len(joined) <= LONGEST else [*parts, below]

"""An answer on Discord: messages that grow by edits and end with sources and buttons."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from adapters.discord.escaping import MAX_MESSAGE, neutralize_mentions
from adapters.discord.message_sender import MessageSender
from adapters.discord.messages import (
    again_button,
    answer_buttons,
    failure,
    message_content,
    source_list,
)
from adapters.discord.rest_api import (
    EDITED_TOO_OFTEN,
    GONE,
    NO_ACCESS,
    NO_MORE_FOLLOW_UPS,
    TOKEN_EXPIRED,
    DiscordRefusedError,
    DiscordUnreachableError,
)
from adapters.discord.tables import tables_to_lists
from core.answerer import AnswerProgress, Cited, Found, Retracted, Searching, Thinking
from core.chat.answer_session import IsLost, NoteMessages
from core.chat.emoji import DEFAULT_EMOJI
from core.chat.footnote_links import link_footnotes
from core.chat.message_splitter import split_stream
from core.chat.platform_errors import AnswerStoppedError, PlatformError, RefusedError
from core.chat.texts import asked_elsewhere_text
from core.domain import Answer, Footnote
from core.errors import FootnotedError
from core.i18n import N_, gettext

log = structlog.get_logger()

SOFT, HARD = 1_500, 1_900
"""Characters after which a message ends with its paragraph, and at which it is cut. Discord takes 2,000."""

FOOTNOTE_LINK = "[[{number}]](<{url}>)"
"""Angle brackets keep Discord from previewing the address."""

TRUNCATED = N_("… Discord does not let me write more here.")
NO_ACCESS_REMEDY = N_(
    "I'm not allowed to write there. Someone who manages that server can let me see the channel and write in it."
)
TOKEN_REMEDY = N_("Discord allows no more time for a private answer. Please ask again.")


@dataclass(slots=True)
class _Message:
    id: str
    text: str = ""
    rows: list[Any] = field(default_factory=list)


class MessageSequence:
    """Shows a growing text in as many messages as it needs, starting with the `old` ones of an earlier attempt.

    Raises AnswerStoppedError when a message was deleted or another process answers, and what MessageSender raises.
    """

    def __init__(
        self,
        sender: MessageSender,
        nonce: str,
        note: NoteMessages,
        is_lost: IsLost,
        old: Sequence[str] = (),
        head: str = "",
    ) -> None:
        self._sender = sender
        self._nonce = nonce
        self._note = note
        self._is_lost = is_lost
        self._old = list(old)
        self._head = f"{head}\n" if head else ""
        self._messages: list[_Message] = []
        self._full = False

    @property
    def started(self) -> bool:
        return bool(self._messages)

    async def show(self, text: str) -> None:
        await self._write(split_stream(self._head + text, SOFT, HARD, ended=False), [])

    async def finish(self, text: str, below: str, *rows: Any) -> None:
        """Show the complete text, with `below` and the buttons in the last message."""
        if await self._is_lost():
            raise AnswerStoppedError("another process answers")
        await self._write(_append(split_stream(self._head + text, SOFT, HARD) or [""], below), list(rows))
        await self._delete_old()

    def retract(self) -> None:
        """Take back all text so far; the messages that show it are the first to be written again."""
        self._old = [*(message.id for message in self._messages), *self._old]
        self._messages, self._full = [], False

    async def break_off(self, below: str, *rows: Any) -> None:
        """Keep what is shown, and end with `below` and the buttons."""
        await self._write(_append([message.text for message in self._messages] or [self._head], below), list(rows))
        await self._delete_old()

    async def delete(self) -> None:
        for message_id in [*(message.id for message in self._messages), *self._old]:
            await self._sender.delete(message_id)

    async def _delete_old(self) -> None:
        """Delete the rest of a longer earlier attempt."""
        while self._old:
            await self._sender.delete(self._old.pop())

    async def _write(self, parts: list[str], rows: list[Any]) -> None:
        for at, part in enumerate(parts):
            rows_here = rows if at == len(parts) - 1 else []
            if at < len(self._messages):
                await self._edit(self._messages[at], part, rows_here)
            elif not self._full:
                await self._add(part, rows_here)
        if self._full and rows and self._messages:
            last = self._messages[-1]
            note = gettext(TRUNCATED)
            truncated = f"{last.text[: MAX_MESSAGE - len(note) - 2].rstrip()}\n\n{note}"
            await self._edit(last, last.text if last.text.endswith(note) else truncated, rows)

    async def _edit(self, message: _Message, text: str, rows: list[Any]) -> None:
        if (message.text, message.rows) == (text, rows):
            return
        try:
            await self._sender.edit(message.id, message_content(text, *rows))
        except DiscordRefusedError as error:
            if error.code in GONE:
                raise AnswerStoppedError(str(error)) from error
            if error.code != EDITED_TOO_OFTEN:
                raise
            log.info("message too old to edit, writing another", cause=str(error))
            message.id = await self._sender.create(message_content(text, *rows))
            await self._note([each.id for each in self._messages])
        message.text, message.rows = text, rows

    async def _add(self, text: str, rows: list[Any]) -> None:
        if self._old:
            self._messages.append(_Message(self._old.pop(0)))
            await self._edit(self._messages[-1], text, rows)
            return
        try:
            nonce = f"{self._nonce}-{len(self._messages)}"
            message_id = await self._sender.create(message_content(text, *rows), nonce)
        except DiscordRefusedError as error:
            if error.code != NO_MORE_FOLLOW_UPS:
                raise
            log.info("limit of follow-up messages reached", cause=str(error))
            self._full = True
            return
        self._messages.append(_Message(message_id, text, rows))
        await self._note([message.id for message in self._messages])


class DiscordReply:
    """The reply to one question. Discord itself shows that the bot is working until there is text."""

    def __init__(
        self,
        sender: MessageSender,
        messages: MessageSequence,
        question_id: str,
        emoji: Mapping[str, str] = DEFAULT_EMOJI,
    ) -> None:
        self._emoji = emoji
        self._sender = sender
        self._messages = messages
        self._question_id = question_id
        self._footnotes: dict[int, Footnote] = {}
        self.over = False

    @property
    def started(self) -> bool:
        return self._messages.started

    async def note(self, progress: AnswerProgress) -> None:
        match progress:
            case Searching() | Thinking():
                pass  # “is thinking…” or “is typing…” has been shown since the question arrived
            case Found():
                pass
            case Cited():
                self._footnotes[progress.footnote.number] = progress.footnote
            case Retracted():
                self._footnotes = {}
                self._messages.retract()

    async def grow(self, text: str) -> None:
        """Show the text so far.

        Raise AnswerStoppedError, and DiscordRefusedError where the bot may not write. After other failures, the text is
        shown with the next call.
        """
        if self.over:
            return
        try:
            await self._messages.show(_render(text, self._footnotes.values()))
        except DiscordRefusedError as error:
            if error.code in NO_ACCESS | GONE | TOKEN_EXPIRED:
                raise
            log.warning("answer update failed", cause=str(error))
        except DiscordUnreachableError as error:
            log.warning("answer update failed", cause=str(error))

    async def finish(self, answer: Answer) -> None:
        try:
            text = _render(answer.text, answer.footnotes)
            rows = [] if answer.small_talk else [answer_buttons(self._question_id, rated=answer.grounded)]
            await self._messages.finish(text, source_list(answer), *rows)
        except AnswerStoppedError as error:
            log.info("answer stopped", cause=str(error))
        self.over = True

    async def fail(self, error: FootnotedError) -> None:
        """Keep the text so far, with the error's sentence below it."""
        if self.over:
            return
        self.over = True
        try:
            await self._messages.break_off(failure(error), again_button(self._question_id))
        except AnswerStoppedError as stopped:
            log.info("answer stopped", cause=str(stopped))

    async def stop(self) -> None:
        """Keep the text so far."""
        self.over = True

    async def remove(self) -> None:
        self.over = True
        await self._messages.delete()

    def remedy(self, error: RefusedError) -> str:
        code = error.code if isinstance(error, DiscordRefusedError) else 0
        remedy = NO_ACCESS_REMEDY if code in NO_ACCESS else TOKEN_REMEDY if code in TOKEN_EXPIRED else ""
        return gettext(remedy) if remedy else ""

    async def mark_unanswered(self) -> None:
        try:
            await self._sender.react(self._emoji["unanswered"])
        except PlatformError as error:
            log.info("reaction refused", cause=str(error))

    async def tell_asker(self, remedy: str) -> None:
        await self._sender.switch_to_dm()
        text = asked_elsewhere_text(self._sender.target.channel, remedy)
        await self._sender.create(message_content(text))


def _render(text: str, footnotes: Iterable[Footnote]) -> str:
    return neutralize_mentions(link_footnotes(tables_to_lists(text), footnotes, FOOTNOTE_LINK))


def _append(parts: list[str], below: str) -> list[str]:
    """Add `below` to the last part, or as a part of its own if it does not fit."""
    if not below:
        return parts
    joined = f"{parts[-1]}\n\n{below}".strip()
    return [*parts[:-1], joined] if len(joined) <= MAX_MESSAGE else [*parts, below]

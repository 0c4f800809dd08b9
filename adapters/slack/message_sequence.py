"""The messages of one answer: each goes on where the one before it is full, in size or in time."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.blocks import Block
from adapters.slack.growing_message import (
    AnswerStoppedError,
    EditedMessage,
    Lost,
    Message,
    StreamingMessage,
    delete,
    update,
)
from adapters.slack.reply_target import ReplyTarget
from adapters.slack.timeouts import USUAL
from adapters.slack.web_api import SlackRefusedError, SlackUnreachableError
from core.chat.message_splitter import split_stream

log = structlog.get_logger()

SOFT, HARD = 7_000, 9_500
"""Characters of a message's text. Slack takes 12,000 of Markdown, and some 13,000 with sources and buttons."""

NOT_THERE = frozenset(
    {"not_in_channel", "channel_not_found", "is_archived", "restricted_action", "invalid_auth", "account_inactive"}
)
"""Refusals that have nothing to do with streaming."""

ONE_ALONE = frozenset(
    {
        "user_not_found",
        "team_not_found",
        "missing_recipient_user_id",
        "missing_recipient_team_id",
        "thread_not_found",
        "invalid_thread_ts",
        "msg_too_long",
    }
)
"""Refusals of a stream that say nothing of others."""

TRIED_AGAIN_AFTER = timedelta(minutes=10)
MOST_KNOWN = 5_000
"""Messages; those of a question that is still being answered are among the last."""

Noted = Callable[[Sequence[str]], Awaitable[None]]
"""Told the names of all messages whenever one is added."""


@dataclass(slots=True)
class Workspace:
    """What all answers have in common: whether the workspace lets the bot stream, which is found out with the first of
    them, for how long, and which messages are theirs already."""

    streams_for: timedelta = USUAL.streams_for
    messages: OrderedDict[str, None] = field(default_factory=OrderedDict)
    _again_at: float = 0.0

    @property
    def may_stream(self) -> bool:
        return monotonic() >= self._again_at

    def refused(self, error: str) -> None:
        """A stream was refused; unless that was because of whom it was for, none is tried for a while."""
        if error not in ONE_ALONE:
            self._again_at = monotonic() + TRIED_AGAIN_AFTER.total_seconds()

    def wrote(self, ts: str) -> None:
        """A message is an answer's."""
        self.messages[ts] = None
        while len(self.messages) > MOST_KNOWN:
            self.messages.popitem(last=False)


class MessageSequence:
    """Shows a text that grows. With `old` messages, of an answer that this one replaces, these are written anew."""

    def __init__(
        self,
        client: AsyncWebClient,
        place: ReplyTarget,
        workspace: Workspace,
        noted: Noted,
        lost: Lost,
        old: Sequence[str] = (),
    ) -> None:
        self._client = client
        self._place = place
        self._workspace = workspace
        self._noted = noted
        self._lost = lost
        self._old = list(old)
        self._replaced = frozenset(old)
        self._messages: list[Message] = []
        self._ended = 0
        """How many messages are whole."""
        self._last = ""
        """What the last message shows."""
        self._aged: dict[int, int] = {}
        """Messages that had to end because of their age, and how much they showed then."""
        self._doubtful = False
        """Set when Slack may have taken a message whose name is not known."""

    @property
    def names(self) -> list[str]:
        """What Slack calls the messages so far."""
        return [message.ts for message in self._messages if message.ts]

    @property
    def anew(self) -> bool:
        """Whether there is a message that was not there before."""
        return any(ts not in self._replaced for ts in self.names)

    async def show(self, text: str) -> None:
        """All of the text so far. Raises AnswerStoppedError when nothing more is wanted."""
        await self._check_not_lost()
        if self._ended < len(self._messages) and self._messages[-1].full:
            self._aged.setdefault(self._ended, len(self._last))
        parts = split_stream(text, SOFT, HARD, ended=False, early=self._aged)
        await self._end_all_but_last(parts)
        if len(parts) > self._ended:
            await self._write(parts[-1])

    async def end(self, text: str, below: list[Block]) -> None:
        """The whole text, and what stands below it, in the last message."""
        await self._check_not_lost()
        parts = split_stream(text, SOFT, HARD, early=self._aged) or [""]
        await self._end_all_but_last(parts)
        await self._write(parts[-1], below)
        await self._delete_old()

    async def break_off(self, below: list[Block]) -> None:
        """Ends with what is shown, and what stands below it."""
        if self._ended < len(self._messages):
            await self._messages[-1].end(self._last, below)
        else:
            await self._begin("", below)
        await self._delete_old()

    async def stop(self, word: str) -> None:
        """Ends what is shown with a word, if anything is."""
        if self._ended == len(self._messages) or await self._lost():
            return
        try:
            ts = self._messages[-1].ts
            await update(self._client, self._place.channel, ts, f"{self._last}\n\n{word}", [])
        except AnswerStoppedError:
            log.info("a stopped answer is gone")

    async def remove(self) -> None:
        """Deletes all messages."""
        for ts in [*self.names, *self._old]:
            await delete(self._client, self._place.channel, ts)

    async def _check_not_lost(self) -> None:
        if await self._lost():
            raise AnswerStoppedError("another process answers")

    async def _delete_old(self) -> None:
        """A shorter answer leaves messages of the one before it over."""
        for ts in self._old:
            await delete(self._client, self._place.channel, ts)

    async def _end_all_but_last(self, parts: list[str]) -> None:
        for part in parts[self._ended : -1]:
            await self._write(part, [])

    async def _write(self, part: str, below: list[Block] | None = None) -> None:
        """Shows a part in the message that is not whole yet; with `below` it is whole then."""
        self._last = part
        if self._ended == len(self._messages):
            await self._begin(part, below)
        elif below is None:
            await self._messages[-1].show(part)
        else:
            await self._messages[-1].end(part, below)
        if below is not None:
            self._ended = len(self._messages)

    async def _begin(self, part: str, below: list[Block] | None) -> None:
        """A new message; by updates where Slack refuses a stream, and where there is nothing to stream."""
        if self._old or not part or self._doubtful or not self._workspace.may_stream:
            await self._show(await self._updated(), part, below)
            return
        stream = StreamingMessage(self._client, self._place, self._lost, self._workspace.streams_for)
        try:
            await self._show(stream, part, below)
        except SlackRefusedError as error:
            if stream.ts or error.error in NOT_THERE:
                raise
            log.warning("a stream is refused; the answer grows by updates", cause=str(error))
            self._workspace.refused(error.error)
            await self._show(await self._updated(), part, below)
        except SlackUnreachableError:
            # It may have begun all the same; what has to end now ends in another way.
            if below is None or stream.ts:
                raise
            await self._show(await self._updated(), part, below)

    async def _updated(self) -> EditedMessage:
        """The next message by updates: an old one, one of which Slack has not told, or a new one."""
        ts = self._old.pop(0) if self._old else ""
        if self._doubtful and not ts:
            ts = await self._place.lost_message(self._client, self._workspace.messages)
        return EditedMessage(self._client, self._place, self._workspace.messages, ts)

    async def _show(self, message: Message, part: str, below: list[Block] | None) -> None:
        """The first of a message. However that ends: when Slack has the message, it is known from then on."""
        try:
            if below is None:
                await message.show(part)
            else:
                await message.end(part, below)
        except SlackUnreachableError:
            self._doubtful = True
            raise
        finally:
            if message.ts:
                self._doubtful = False
                self._messages.append(message)
                self._workspace.wrote(message.ts)
                await self._noted(self.names)

"""The messages of one answer: the next one begins when one is full or too old to be streamed."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.blocks import Block
from adapters.slack.message import EditedMessage, Message, StreamingMessage, delete, update
from adapters.slack.reply_target import ReplyTarget
from adapters.slack.web_api import DEFAULT_TIMEOUTS, SlackRefusedError, SlackUnreachableError
from core.chat.answer_session import IsLost, NoteMessages
from core.chat.message_splitter import split_stream
from core.chat.platform_errors import AnswerStoppedError

log = structlog.get_logger()

SOFT, HARD = 7_000, 9_500
"""Characters of a message's text. Slack takes 12,000 of Markdown, and about 13,000 with sources and buttons."""

NO_ACCESS = frozenset(
    {
        "not_in_channel",
        "channel_not_found",
        "is_archived",
        "restricted_action",
        "invalid_auth",
        "account_inactive",
        "no_permission",
        "missing_scope",
        "messages_tab_disabled",
        "user_is_restricted",
        "access_denied",
    }
)
"""Refusals that apply to any other way of writing there as well; `restricted_action` has several endings."""

NO_STREAMING = frozenset(
    {
        "unknown_method",
        "method_deprecated",
        "deprecated_endpoint",
        "feature_not_enabled",
        "not_allowed",
        "not_allowed_token_type",
        "team_access_not_granted",
    }
)
"""Refusals of a stream that hold for the whole workspace; all others say nothing about other answers."""

NO_STEPS = frozenset({"invalid_arguments", "invalid_chunks", "no_text", "streaming_mode_mismatch"})
"""Refusals of steps by a workspace that streams text alone."""

STREAMING_RETRY_AFTER = timedelta(minutes=10)
MAX_KNOWN_MESSAGES = 5_000
"""The messages of answers that are still being written are among the last."""


def is_access_refused(code: str) -> bool:
    """Return whether the bot may not write there at all."""
    return code in NO_ACCESS or code.startswith("restricted_action")


@dataclass(slots=True)
class StreamingState:
    """What all answers have in common: whether the workspace allows streams, and which messages are answers'."""

    stream_for: timedelta = DEFAULT_TIMEOUTS.stream_for
    messages: OrderedDict[str, None] = field(default_factory=OrderedDict)
    shows_steps: bool = True
    """Whether the workspace shows steps; the first refusal tells."""
    _retry_at: float = 0.0

    @property
    def allowed(self) -> bool:
        """Whether a stream may be tried; the first refusal shows whether the workspace allows it."""
        return monotonic() >= self._retry_at

    def note_refusal(self, code: str) -> None:
        """Pause streaming if the workspace allows none at all."""
        if code in NO_STREAMING:
            self._retry_at = monotonic() + STREAMING_RETRY_AFTER.total_seconds()

    def note_message(self, ts: str) -> None:
        self.messages[ts] = None
        while len(self.messages) > MAX_KNOWN_MESSAGES:
            self.messages.popitem(last=False)


class MessageSequence:
    """Shows a growing text in as many messages as it needs, starting with the `old` ones of an earlier answer."""

    def __init__(
        self,
        client: AsyncWebClient,
        target: ReplyTarget,
        streaming: StreamingState,
        note: NoteMessages,
        is_lost: IsLost,
        old: Sequence[str] = (),
    ) -> None:
        self._client = client
        self._target = target
        self._streaming = streaming
        self._note = note
        self._is_lost = is_lost
        self._old = list(old)
        self._replaced = frozenset(old)
        self._messages: list[Message] = []
        self._complete = 0
        """The number of messages that get no more text."""
        self._last_text = ""
        """The text of the last message."""
        self._expired: dict[int, int] = {}
        """The messages that had to end because of their age, and how much text they had."""
        self._lost_response = False
        """Set when Slack may have taken a message whose ts is unknown."""

    @property
    def ids(self) -> list[str]:
        return [message.ts for message in self._messages if message.ts]

    @property
    def has_new_message(self) -> bool:
        """Whether there is a message beside those of an earlier answer."""
        return any(ts not in self._replaced for ts in self.ids)

    async def show_steps(self, steps: Sequence[str]) -> bool:
        """Begin the first message with steps, before there is text; return False where that is impossible."""
        known = self._old or self._messages or self._lost_response
        if known or not (self._streaming.allowed and self._streaming.shows_steps):
            return False
        stream = StreamingMessage(self._client, self._target, self._is_lost, self._streaming.stream_for, steps)
        try:
            await self._show_first(stream, "", None)
        except SlackRefusedError as error:
            log.info("steps refused", cause=str(error))
            self._streaming.note_refusal(error.code)
            if error.code in NO_STEPS:
                self._streaming.shows_steps = False
            return False
        except SlackUnreachableError as error:
            # Slack may have taken them, and no later message would remove another status.
            log.warning("steps could not be shown", cause=str(error))
        return True

    async def show(self, text: str) -> None:
        """Show the whole text so far. Raises AnswerStoppedError."""
        await self._check_not_lost()
        if self._complete < len(self._messages) and self._messages[-1].expired:
            self._expired.setdefault(self._complete, len(self._last_text))
        parts = split_stream(text, SOFT, HARD, ended=False, early=self._expired)
        await self._finish_all_but_last(parts)
        if len(parts) > self._complete:
            await self._write(parts[-1])

    async def finish(self, text: str, below: list[Block]) -> None:
        """Show the complete text, with `below` in the last message. Raises AnswerStoppedError."""
        await self._check_not_lost()
        parts = split_stream(text, SOFT, HARD, early=self._expired) or [""]
        await self._finish_all_but_last(parts)
        await self._write(parts[-1], below)
        await self._delete_old()

    def retract(self) -> None:
        """Take back all text so far; the messages that show it are the first to be written again."""
        self._old = [*self.ids, *self._old]
        self._messages, self._complete, self._last_text, self._expired = [], 0, "", {}

    async def break_off(self, below: list[Block]) -> None:
        """Keep what is shown, and end with `below`."""
        if self._complete < len(self._messages):
            await self._messages[-1].finish(self._last_text, below)
        else:
            await self._begin("", below)
        await self._delete_old()

    async def stop(self, note: str, below: list[Block]) -> None:
        """Keep what is shown, and end it with a note and `below`."""
        if self._complete == len(self._messages) or await self._is_lost():
            return
        try:
            ts = self._messages[-1].ts
            await update(self._client, self._target.channel, ts, f"{self._last_text}\n\n{note}", below)
        except AnswerStoppedError:
            log.info("stopped answer was deleted")

    async def delete(self) -> None:
        for ts in [*self.ids, *self._old]:
            await delete(self._client, self._target.channel, ts)

    async def _check_not_lost(self) -> None:
        if await self._is_lost():
            raise AnswerStoppedError("another process answers")

    async def _delete_old(self) -> None:
        """Delete the rest of a longer earlier answer."""
        for ts in self._old:
            await delete(self._client, self._target.channel, ts)

    async def _finish_all_but_last(self, parts: list[str]) -> None:
        for part in parts[self._complete : -1]:
            await self._write(part, [])

    async def _write(self, part: str, below: list[Block] | None = None) -> None:
        """Show a part in the message that is still growing; with `below` it is complete."""
        self._last_text = part
        if self._complete == len(self._messages):
            await self._begin(part, below)
        elif below is None:
            await self._messages[-1].show(part)
        else:
            await self._messages[-1].finish(part, below)
        if below is not None:
            self._complete = len(self._messages)

    async def _begin(self, part: str, below: list[Block] | None) -> None:
        """Begin a message: an edited one where Slack refuses a stream, and where there is nothing to stream."""
        if self._old or not part or self._lost_response or not self._streaming.allowed:
            await self._show_first(await self._edited_message(), part, below)
            return
        stream = StreamingMessage(self._client, self._target, self._is_lost, self._streaming.stream_for)
        try:
            await self._show_first(stream, part, below)
        except SlackRefusedError as error:
            if stream.ts or is_access_refused(error.code):
                raise
            log.warning("stream refused, falling back to chat.update", cause=str(error))
            self._streaming.note_refusal(error.code)
            await self._show_first(await self._edited_message(), part, below)
        except SlackUnreachableError:
            # The stream may have begun; what has to end now ends in another way.
            if below is None or stream.ts:
                raise
            await self._show_first(await self._edited_message(), part, below)

    async def _edited_message(self) -> EditedMessage:
        """Return an old message, one whose response was lost, or a new one."""
        ts = self._old.pop(0) if self._old else ""
        if self._lost_response and not ts:
            ts = await self._target.find_lost_message(self._client, self._streaming.messages)
        return EditedMessage(self._client, self._target, self._streaming.messages, ts)

    async def _show_first(self, message: Message, part: str, below: list[Block] | None) -> None:
        """Show a message's first text, and note the message if Slack has it, however that ends."""
        try:
            if below is None:
                await message.show(part)
            else:
                await message.finish(part, below)
        except SlackUnreachableError:
            self._lost_response = True
            raise
        finally:
            if message.ts:
                self._lost_response = False
                self._messages.append(message)
                self._streaming.note_message(message.ts)
                await self._note(self.ids)

"""One message of an answer: a stream where Slack lets the bot stream, else a message that is edited."""

from collections.abc import Awaitable, Container, Sequence
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Any, Protocol

import structlog
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.slack.blocks import Block, first_paragraph, markdown
from adapters.slack.escaping import fallback
from adapters.slack.reply_target import ReplyTarget
from adapters.slack.web_api import (
    SlackRefusedError,
    SlackUnreachableError,
    call_api,
    call_with_retries,
    shield_until_done,
)
from core.chat.answer_session import IsLost
from core.chat.emoji import short_name
from core.chat.platform_errors import AnswerStoppedError, PlatformError, retry_policy

log = structlog.get_logger()

GONE = frozenset({"message_not_found", "channel_not_found", "is_archived", "cant_update_message"})
"""Slack's codes for messages that can no longer be written to."""

BLOCKS_REFUSED = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"})

MAX_UPDATES = 3
"""A message whose stream is still open, and whose blocks are refused, is written by the third update."""


class Message(Protocol):
    """A message that holds a part of an answer. `text` only ever gets longer."""

    ts: str

    @property
    def expired(self) -> bool:
        """Whether the rest of the answer has to go into another message."""
        ...

    async def show(self, text: str) -> None:
        """Show the whole text so far."""
        ...

    async def finish(self, text: str, below: list[Block]) -> None:
        """Show the complete text, with `below` under it."""
        ...


class StreamingMessage:
    """A message by chat.startStream, appendStream and stopStream; when a stream breaks, by chat.update.

    With `steps`, it begins with what the bot has done and is doing, which Slack shows as a timeline. Raises
    SlackRefusedError when the stream cannot be started.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        target: ReplyTarget,
        is_lost: IsLost,
        stream_for: timedelta,
        steps: Sequence[str] = (),
    ) -> None:
        self._steps = tuple(steps)
        self._client = client
        self._target = target
        self._is_lost = is_lost
        self._stream_for = stream_for.total_seconds()
        self.ts = ""
        self._started_at = monotonic()
        self._sent = ""
        self._broken = False
        """Set when the stream has ended, or it is unknown what has arrived."""

    @property
    def expired(self) -> bool:
        return bool(self.ts) and monotonic() - self._started_at > self._stream_for

    async def show(self, text: str) -> None:
        if not self.ts:
            await shield_until_done(self._start(text))
            return
        await self._check_prefix(text)
        if self._broken:
            await update(self._client, self._target.channel, self.ts, text, [])
        elif added := text[len(self._sent) :]:
            append = self._client.chat_appendStream(channel=self._target.channel, ts=self.ts, **self._content(added))
            if await self._succeeds(append):
                self._sent = text

    async def finish(self, text: str, below: list[Block]) -> None:
        if not self.ts:
            await shield_until_done(self._start(text))
        await self._check_prefix(text)
        if not self._broken:
            added = self._content(text[len(self._sent) :], ended=True)
            stop = self._client.chat_stopStream(channel=self._target.channel, ts=self.ts, blocks=below or None, **added)
            if await self._succeeds(stop):
                return
        await update(self._client, self._target.channel, self.ts, text, below)

    async def _start(self, text: str) -> None:
        recipient = not self._target.direct  # in a direct conversation Slack knows the recipient
        start = self._client.chat_startStream(
            channel=self._target.channel,
            thread_ts=self._target.thread_ts,
            task_display_mode="timeline" if self._steps else None,
            **self._content(text, began=True),
            recipient_user_id=self._target.user if recipient else None,
            recipient_team_id=self._target.user_team if recipient else None,
        )
        self.ts = str((await call_api(start))["ts"])
        self._started_at = monotonic()
        self._sent = text

    def _content(self, text: str, began: bool = False, ended: bool = False) -> dict[str, Any]:
        """Return a piece of the stream, in the one form that Slack accepts for all pieces of it."""
        if not self._steps:
            return {"markdown_text": text or None}
        written = [{"type": "markdown_text", "text": text}] if text else []
        return {"chunks": [*_tasks(self._steps, began, ended), *written] or None}

    async def _check_prefix(self, text: str) -> None:
        """Fall back to updates if the text does not continue what was streamed, which cannot be taken back."""
        if not self._broken and not text.startswith(self._sent):
            await self._fall_back(ValueError("the text has changed"))

    async def _succeeds(self, call: Awaitable[AsyncSlackResponse]) -> bool:
        """Return whether the stream is still open after a call. Raises AnswerStoppedError."""
        try:
            await call_api(call)
        except SlackRefusedError as error:
            if error.code in {"stopped_by_user", *GONE}:
                raise AnswerStoppedError(error.code) from error
            await self._fall_back(error)
        except SlackUnreachableError as error:
            await self._fall_back(error)
        return not self._broken

    async def _fall_back(self, error: Exception) -> None:
        if await self._is_lost():
            raise AnswerStoppedError("another process answers") from error
        log.warning("streaming failed, falling back to chat.update", cause=str(error))
        await close_stream(self._client, self._target.channel, self.ts)
        self._broken = True


def _tasks(steps: Sequence[str], began: bool, ended: bool) -> list[dict[str, str]]:
    """Return the steps as tasks, of which the last is in progress until the stream ends."""
    last = len(steps) - 1
    shown = range(len(steps)) if began else [last] if ended else []
    return [
        {
            "type": "task_update",
            "id": f"step{at}",
            "title": steps[at],
            "status": "in_progress" if at == last and not ended else "complete",
        }
        for at in shown
    ]


class EditedMessage:
    """A message by chat.postMessage and chat.update; with `ts`, one that exists already."""

    def __init__(self, client: AsyncWebClient, target: ReplyTarget, known: Container[str] = (), ts: str = "") -> None:
        """`known` are the messages of all answers, among which a lost one is not sought."""
        self._client = client
        self._target = target
        self._known = known
        self.ts = ts

    @property
    def expired(self) -> bool:
        return False

    async def show(self, text: str) -> None:
        await self._write(text, [])

    async def finish(self, text: str, below: list[Block]) -> None:
        await self._write(text, below)

    async def _write(self, text: str, below: list[Block]) -> None:
        if self.ts:
            await update(self._client, self._target.channel, self.ts, text, below)
            return
        async for attempt in retry_policy("slack"):
            with attempt:
                # An attempt whose response was lost may have posted it.
                if attempt.retry_state.attempt_number > 1:
                    self.ts = await self._target.find_lost_message(self._client, self._known)
                if not self.ts:
                    await shield_until_done(self._post(text, below))

    async def _post(self, text: str, below: list[Block]) -> None:
        """Post the message, without blocks if Slack refuses them, so that the text arrives."""
        post = partial(
            self._client.chat_postMessage,
            channel=self._target.channel,
            thread_ts=self._target.thread_ts,
            unfurl_links=False,
            unfurl_media=False,
        )
        try:
            self.ts = str((await call_api(post(**message_content(text, below))))["ts"])
        except SlackRefusedError as error:
            if error.code not in BLOCKS_REFUSED:
                raise
            log.error("message blocks refused", cause=str(error))
            self.ts = str((await call_api(post(**_text_only(text, below))))["ts"])


async def update(client: AsyncWebClient, channel: str, ts: str, text: str, below: list[Block]) -> None:
    """Rewrite a whole message, with retries, closing its stream and leaving out its blocks as necessary.

    Raises AnswerStoppedError when the message is gone, else what `call_api` raises.
    """
    content = message_content(text, below)
    for remaining in reversed(range(MAX_UPDATES)):
        try:
            await call_with_retries(client.chat_update, channel=channel, ts=ts, **content)
        except SlackRefusedError as error:
            if error.code in GONE:
                raise AnswerStoppedError(error.code) from error
            if not remaining:
                raise
            if error.code == "streaming_state_conflict":
                await close_stream(client, channel, ts)
            elif error.code in BLOCKS_REFUSED and "blocks" in content:
                log.error("message blocks refused", cause=str(error))
                content = _text_only(text, below)
            else:
                raise
        else:
            return


def message_content(text: str, below: list[Block]) -> dict[str, Any]:
    """Return the blocks of a message, and the text of its notification."""
    return {"text": fallback(text) or first_paragraph(below), "blocks": [*([markdown(text)] if text else []), *below]}


def _text_only(text: str, below: list[Block]) -> dict[str, Any]:
    return {"markdown_text": text or first_paragraph(below)}


async def close_stream(client: AsyncWebClient, channel: str, ts: str) -> None:
    """End a message's stream, if one is open: until then the message can be neither updated nor deleted."""
    try:
        await call_with_retries(client.chat_stopStream, channel=channel, ts=ts)
    except PlatformError as error:
        log.debug("stream close failed", cause=str(error))


async def add_reaction(client: AsyncWebClient, channel: str, ts: str, emoji: str) -> None:
    """React to a message, unless the bot has done so before. Raises what `call_api` raises."""
    try:
        await call_api(client.reactions_add(channel=channel, timestamp=ts, name=short_name(emoji)))
    except SlackRefusedError as error:
        if error.code != "already_reacted":
            raise


async def delete(client: AsyncWebClient, channel: str, ts: str) -> None:
    """Delete one of the bot's messages, if it is still there."""
    await close_stream(client, channel, ts)
    try:
        await call_with_retries(client.chat_delete, channel=channel, ts=ts)
    except SlackRefusedError as error:
        if error.code != "message_not_found":
            log.warning("message deletion failed", cause=str(error))
    except SlackUnreachableError as error:
        log.warning("message deletion failed", cause=str(error))

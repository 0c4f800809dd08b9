"""One message that grows: as a stream where Slack lets the bot stream, else by updating it."""

from collections.abc import Awaitable, Callable, Container
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Any, Protocol

import structlog
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.slack.blocks import Block, markdown, words
from adapters.slack.escaping import fallback
from adapters.slack.reply_target import ReplyTarget
from adapters.slack.web_api import SlackRefusedError, SlackUnreachableError, call_api, retry_policy, shield_until_done

log = structlog.get_logger()

GONE = frozenset({"message_not_found", "channel_not_found", "is_archived", "cant_update_message"})
"""What Slack says when a message can not be written to any more."""

BLOCKS_REFUSED = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"})

MOST_OBSTACLES = 3
"""A message whose stream is still open, and whose blocks are refused, is written at the third attempt."""


class AnswerStoppedError(Exception):
    """Whoever asked has stopped the answer, or the message is gone: nothing more is wanted."""


Lost = Callable[[], Awaitable[bool]]
"""Whether another process answers the question now, in the same messages."""


class Message(Protocol):
    """A message that holds a part of an answer. `text` only ever gets longer."""

    ts: str

    @property
    def full(self) -> bool:
        """Whether it has to end soon, whatever is still to come."""
        ...

    async def show(self, text: str) -> None:
        """Shows all of the text so far."""
        ...

    async def end(self, text: str, below: list[Block]) -> None:
        """Shows the whole text, and what stands below it."""
        ...


class StreamingMessage:
    """A message by chat.startStream, appendStream and stopStream. Raises SlackRefusedError when it cannot even
    begin_draft."""

    def __init__(self, client: AsyncWebClient, place: ReplyTarget, lost: Lost, lasts: timedelta) -> None:
        self._client = client
        self._place = place
        self._lost = lost
        self._lasts = lasts.total_seconds()
        self.ts = ""
        self._began = monotonic()
        self._sent = ""
        self._broken = False
        """Set when it is not known what has arrived, or the stream has ended: from then on it grows by updates."""

    @property
    def full(self) -> bool:
        return bool(self.ts) and monotonic() - self._began > self._lasts

    async def show(self, text: str) -> None:
        if not self.ts:
            await shield_until_done(self._start(text))
            return
        await self._check(text)
        if self._broken:
            await update(self._client, self._place.channel, self.ts, text, [])
        elif added := text[len(self._sent) :]:
            append = self._client.chat_appendStream(channel=self._place.channel, ts=self.ts, markdown_text=added)
            if await self._managed(append):
                self._sent = text

    async def end(self, text: str, below: list[Block]) -> None:
        if not self.ts:
            await shield_until_done(self._start(text))
        await self._check(text)
        if not self._broken:
            added = text[len(self._sent) :] or None
            stop = self._client.chat_stopStream(
                channel=self._place.channel, ts=self.ts, markdown_text=added, blocks=below or None
            )
            if await self._managed(stop):
                return
        await update(self._client, self._place.channel, self.ts, text, below)

    async def _start(self, text: str) -> None:
        somebody = not self._place.direct  # in a direct conversation Slack knows for whom it is
        start = self._client.chat_startStream(
            channel=self._place.channel,
            thread_ts=self._place.thread_ts,
            markdown_text=text,
            recipient_user_id=self._place.user if somebody else None,
            recipient_team_id=self._place.user_team if somebody else None,
        )
        self.ts = str((await call_api(start))["ts"])
        self._began = monotonic()
        self._sent = text

    async def _check(self, text: str) -> None:
        """Nothing can be taken back from a stream: should a text not go on as it began, it is written as a whole."""
        if not self._broken and not text.startswith(self._sent):
            await self._break_off(ValueError("the text has changed"))

    async def _managed(self, call: Awaitable[AsyncSlackResponse]) -> bool:
        """Whether the stream still runs after this call. Raises AnswerStoppedError when nothing more is wanted."""
        try:
            await call_api(call)
        except SlackRefusedError as error:
            if error.error in {"stopped_by_user", *GONE}:
                raise AnswerStoppedError(error.error) from error
            await self._break_off(error)
        except SlackUnreachableError as error:
            await self._break_off(error)
        return not self._broken

    async def _break_off(self, error: Exception) -> None:
        if await self._lost():
            raise AnswerStoppedError("another process answers") from error
        log.warning("a stream is gone on with by updates", cause=str(error))
        await close_stream(self._client, self._place.channel, self.ts)
        self._broken = True


class EditedMessage:
    """A message by chat.postMessage and chat.update."""

    def __init__(self, client: AsyncWebClient, place: ReplyTarget, known: Container[str] = (), ts: str = "") -> None:
        """With `ts`, an old message is written anew. `known` are messages that others have written."""
        self._client = client
        self._place = place
        self._known = known
        self.ts = ts

    @property
    def full(self) -> bool:
        return False

    async def show(self, text: str) -> None:
        await self._write(text, [])

    async def end(self, text: str, below: list[Block]) -> None:
        await self._write(text, below)

    async def _write(self, text: str, below: list[Block]) -> None:
        if self.ts:
            await update(self._client, self._place.channel, self.ts, text, below)
            return
        async for attempt in retry_policy():
            with attempt:
                # An attempt whose answer was lost may have posted it all the same.
                if attempt.retry_state.attempt_number > 1:
                    self.ts = await self._place.lost_message(self._client, self._known)
                if not self.ts:
                    await shield_until_done(self._post(text, below))

    async def _post(self, text: str, below: list[Block]) -> None:
        """Blocks that Slack does not take are left out: the text still arrives."""
        post = partial(
            self._client.chat_postMessage,
            channel=self._place.channel,
            thread_ts=self._place.thread_ts,
            unfurl_links=False,
            unfurl_media=False,
        )
        try:
            self.ts = str((await call_api(post(**body(text, below))))["ts"])
        except SlackRefusedError as error:
            if error.error not in BLOCKS_REFUSED:
                raise
            log.error("Slack did not take the blocks of a message", cause=str(error))
            self.ts = str((await call_api(post(**plainly(text, below))))["ts"])


async def update(client: AsyncWebClient, channel: str, ts: str, text: str, below: list[Block]) -> None:
    """Writes a whole message anew, and tries for a while: that it is done twice does no harm. Raises
    AnswerStoppedError when the
    message is gone, Refused and Unreachable otherwise."""
    content = body(text, below)
    for _ in range(MOST_OBSTACLES):
        try:
            await _insist(client.chat_update, channel=channel, ts=ts, **content)
        except SlackRefusedError as error:
            if error.error in GONE:
                raise AnswerStoppedError(error.error) from error
            if error.error == "streaming_state_conflict":
                await close_stream(client, channel, ts)
            elif error.error in BLOCKS_REFUSED and "blocks" in content:
                log.error("Slack did not take the blocks of a message", cause=str(error))
                content = plainly(text, below)
            else:
                raise
        else:
            return


def body(text: str, below: list[Block]) -> dict[str, Any]:
    """A message with its text as Markdown, what stands below it, and the words for its notification."""
    return {"text": fallback(text) or words(below), "blocks": [*([markdown(text)] if text else []), *below]}


def plainly(text: str, below: list[Block]) -> dict[str, Any]:
    """The text alone, all of it, when blocks are refused."""
    return {"markdown_text": text or words(below)}


async def close_stream(client: AsyncWebClient, channel: str, ts: str) -> None:
    """Ends a stream if there is one: until then the message can neither be updated nor deleted."""
    try:
        await _insist(client.chat_stopStream, channel=channel, ts=ts)
    except (SlackRefusedError, SlackUnreachableError) as error:
        log.debug("no stream was open", cause=str(error))


async def delete(client: AsyncWebClient, channel: str, ts: str) -> None:
    """Deletes one of the bot's own messages; one that is gone already is fine."""
    await close_stream(client, channel, ts)
    try:
        await _insist(client.chat_delete, channel=channel, ts=ts)
    except SlackRefusedError as error:
        if error.error != "message_not_found":
            log.warning("a message could not be deleted", cause=str(error))
    except SlackUnreachableError as error:
        log.warning("a message could not be deleted", cause=str(error))


async def _insist(method: Callable[..., Awaitable[AsyncSlackResponse]], **arguments: Any) -> None:
    """Calls what does no harm when it is done twice, until Slack has heard it."""
    async for attempt in retry_policy():
        with attempt:
            await call_api(method(**arguments))

"""The status of an answer while there is nothing to read."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.message import add_reaction
from adapters.slack.reply_target import ReplyTarget
from adapters.slack.web_api import SlackRefusedError, SlackUnreachableError, call_api
from core.chat.emoji import DEFAULT_EMOJI, short_name
from core.chat.platform_errors import PlatformError
from core.chat.texts import SEARCHING
from core.i18n import N_, gettext

log = structlog.get_logger()

STATUS_INTERVAL = timedelta(seconds=90)
"""Slack removes a status after two minutes."""

STATUS_TIMEOUT = timedelta(seconds=5)
"""Includes the wait that a rate limit asks for; after that there is something better to show."""

SEARCHING_STATUS = N_("is searching the posts…")
LOADING_MESSAGES = (SEARCHING, N_("Reading what was found…"), N_("Writing an answer…"))


class Status:
    """The status of one answer: under its thread or, where the workspace has none, a reaction to the question."""

    def __init__(self, client: AsyncWebClient, target: ReplyTarget, emoji: str = DEFAULT_EMOJI["working"]) -> None:
        self._client = client
        self._emoji = emoji
        self._target = target
        self._text = ""
        self._loading: Sequence[str] = LOADING_MESSAGES
        self._changed = asyncio.Event()
        self._ended = False
        self._replaced = False
        self._sending = False
        self._may_arrive_late = False
        self._may_be_visible = False
        self._reacted = False

    @asynccontextmanager
    async def shown(self) -> AsyncGenerator[None, None]:
        """Show the status while the block runs, without delaying it."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep_shown())
                await asyncio.sleep(0)  # so that it is the first call to Slack
                try:
                    yield
                finally:
                    self._ended = True
                    self._changed.set()
        finally:
            await self._clear()

    def set(self, text: str, loading: Sequence[str] = LOADING_MESSAGES) -> None:
        """Change the status, and the messages that take turns beside it."""
        self._text, self._loading = text, loading
        self._changed.set()

    def mark_replaced(self) -> None:
        """Note that the answer has a new message, with which Slack has removed the status."""
        if not self._replaced:
            self._replaced = True
            self._may_be_visible = self._sending or self._may_arrive_late

    async def _keep_shown(self) -> None:
        while not (self._ended or self._replaced or self._reacted):
            self._changed.clear()
            await self._send(self._text or gettext(SEARCHING_STATUS))
            try:
                async with asyncio.timeout(STATUS_INTERVAL.total_seconds()):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _send(self, text: str) -> None:
        self._sending = self._may_be_visible = True
        try:
            async with asyncio.timeout(STATUS_TIMEOUT.total_seconds()):
                await call_api(
                    self._client.assistant_threads_setStatus(
                        channel_id=self._target.channel,
                        thread_ts=self._target.thread_ts,
                        status=text,
                        loading_messages=[gettext(each) for each in self._loading] if text else None,
                    )
                )
        except SlackRefusedError as error:
            log.debug("status refused", cause=str(error))
            self._may_be_visible = False
            await self._react()
        except (SlackUnreachableError, TimeoutError) as error:
            log.warning("status update failed", cause=str(error) or "timeout")
            self._may_arrive_late = True
        finally:
            self._sending = False

    async def _react(self) -> None:
        if self._ended or self._replaced:
            return
        self._reacted = True
        try:
            await add_reaction(self._client, self._target.channel, self._target.question_ts, self._emoji)
        except PlatformError as error:
            log.debug("reaction failed", cause=str(error))

    async def _clear(self) -> None:
        if self._may_be_visible:
            await self._send("")
        if not self._reacted:
            return
        try:
            await call_api(
                self._client.reactions_remove(
                    channel=self._target.channel,
                    timestamp=self._target.question_ts,
                    name=short_name(self._emoji),
                )
            )
        except PlatformError as error:
            log.debug("reaction removal failed", cause=str(error))

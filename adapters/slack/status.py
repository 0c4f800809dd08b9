"""That the bot is at work, before there is anything to read: a status under the thread, or a reaction instead."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.reply_target import ReplyTarget
from adapters.slack.web_api import SlackRefusedError, SlackUnreachableError, call_api

log = structlog.get_logger()

RENEWED_EVERY = timedelta(seconds=90)
"""Slack takes a status away after two minutes."""

SHOWN_WITHIN = timedelta(seconds=5)
"""Time for a status, with whatever a rate limit asks to wait; after that there is something better to show."""

SEARCHING = "is searching the posts…"
LOADING = ["Searching the posts…", "Reading what was found…", "Putting an answer together…"]
REACTION = "eyes"


class Status:
    """The status of one answer; to be used within `shown`. Nobody waits for it: the answer is begun meanwhile."""

    def __init__(self, client: AsyncWebClient, place: ReplyTarget) -> None:
        self._client = client
        self._place = place
        self._text = SEARCHING
        self._news = asyncio.Event()
        self._ended = False
        self._over = False
        self._telling = False
        self._stands = False
        """Whether there may be a status that nobody has taken away."""
        self._reacted = False

    @asynccontextmanager
    async def shown(self) -> AsyncGenerator[None, None]:
        """Shows the status at once, and renews it while nothing else is there."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._tell())
                await asyncio.sleep(0)  # it goes before whatever is asked of Slack next
                try:
                    yield
                finally:
                    self._ended = True
                    self._news.set()
        finally:
            await self._take_away()

    def say(self, text: str) -> None:
        """Another status. Where the workspace has none, the question gets a pair of eyes."""
        self._text = text
        self._news.set()

    def over(self) -> None:
        """A new message of the answer stands there: Slack has taken the status away."""
        self._over = True
        self._stands = self._telling

    async def _tell(self) -> None:
        while not (self._ended or self._over or self._reacted):
            self._news.clear()
            await self._show(self._text)
            try:
                async with asyncio.timeout(RENEWED_EVERY.total_seconds()):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def _show(self, text: str) -> None:
        self._telling = self._stands = True
        try:
            async with asyncio.timeout(SHOWN_WITHIN.total_seconds()):
                await call_api(
                    self._client.assistant_threads_setStatus(
                        channel_id=self._place.channel,
                        thread_ts=self._place.thread_ts,
                        status=text,
                        loading_messages=LOADING if text else None,
                    )
                )
        except SlackRefusedError as error:
            log.debug("no status can be shown", cause=str(error))
            self._stands = False
            await self._react()
        except (SlackUnreachableError, TimeoutError) as error:
            log.warning("no status can be shown", cause=str(error) or "Slack takes too long")
        finally:
            self._telling = False

    async def _react(self) -> None:
        if self._ended or self._over:
            return
        self._reacted = True
        try:
            await call_api(
                self._client.reactions_add(
                    channel=self._place.channel, timestamp=self._place.question_ts, name=REACTION
                )
            )
        except (SlackRefusedError, SlackUnreachableError) as error:
            log.debug("no reaction can be shown", cause=str(error))

    async def _take_away(self) -> None:
        if self._stands:
            await self._show("")
        if not self._reacted:
            return
        try:
            await call_api(
                self._client.reactions_remove(
                    channel=self._place.channel, timestamp=self._place.question_ts, name=REACTION
                )
            )
        except (SlackRefusedError, SlackUnreachableError) as error:
            log.debug("a reaction could not be taken away", cause=str(error))

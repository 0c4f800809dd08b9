"""That the bot is at work, before there is anything to read: a status under the thread, or a reaction instead."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.calling import Refused, Unreachable, heard
from adapters.slack.place import Place
from core.repeating import repeating

log = structlog.get_logger()

RENEWED_EVERY = timedelta(seconds=90)
"""Slack takes a status away after two minutes."""

SEARCHING = "is searching the posts…"
LOADING = ["Searching the posts…", "Reading what was found…", "Putting an answer together…"]
REACTION = "eyes"


class Status:
    """The status of one answer; to be used within `shown`. It goes by itself when the answer begins to stand there."""

    def __init__(self, client: AsyncWebClient, place: Place) -> None:
        self._client = client
        self._place = place
        self._text = SEARCHING
        self._reacted = False
        self._over = False

    @asynccontextmanager
    async def shown(self) -> AsyncGenerator[None, None]:
        """Shows the status at once, and renews it while nothing else is there."""
        await self.say(SEARCHING)
        try:
            async with repeating(self._renew, every=RENEWED_EVERY):
                yield
        finally:
            await self._take_away()

    async def say(self, text: str) -> None:
        """Another status. Where the workspace has none, the question gets a pair of eyes."""
        self._text = text
        if self._reacted or self._over:
            return
        try:
            await heard(
                self._client.assistant_threads_setStatus(
                    channel_id=self._place.channel,
                    thread_ts=self._place.thread_ts,
                    status=text,
                    loading_messages=LOADING if text else None,
                )
            )
        except Refused as error:
            log.debug("no status can be shown", cause=str(error))
            await self._react()
        except Unreachable as error:
            log.warning("no status can be shown", cause=str(error))

    def over(self) -> None:
        """The answer stands there: Slack has taken the status away."""
        self._over = True

    async def _renew(self) -> None:
        await self.say(self._text)

    async def _react(self) -> None:
        try:
            await heard(
                self._client.reactions_add(
                    channel=self._place.channel, timestamp=self._place.question_ts, name=REACTION
                )
            )
        except (Refused, Unreachable) as error:
            log.debug("no reaction can be shown", cause=str(error))
        self._reacted = True

    async def _take_away(self) -> None:
        try:
            if self._reacted:
                await heard(
                    self._client.reactions_remove(
                        channel=self._place.channel, timestamp=self._place.question_ts, name=REACTION
                    )
                )
            elif not self._over:
                await self.say("")
        except (Refused, Unreachable) as error:
            log.debug("a status could not be taken away", cause=str(error))

"""Posts the reasons for bad ratings to FEEDBACK_CHANNEL."""

import asyncio
from collections.abc import Sequence

import structlog

from bot.app import Bot
from bot.platforms import Reachable
from core.chat.complaints import Complaint, complaint_text
from core.domain import Conversation
from core.errors import DeliveryError

log = structlog.get_logger()

RETRY_DELAYS = (5.0, 30.0, 120.0)
"""Seconds before each further attempt; then the complaint is only in `footnoted feedback`."""


class FeedbackNotices:
    """Posts each complaint of this process; `channel` is written as `slack:C0123456789`."""

    def __init__(
        self, bot: Bot, platforms: Sequence[Reachable], channel: str, retry_delays: Sequence[float] = RETRY_DELAYS
    ) -> None:
        name, _, self._channel = channel.partition(":")
        self._bot = bot
        self._platform = next(platform for platform in platforms if platform.name == name)
        self._retry_delays = retry_delays
        bot.complaints.wanted = True

    async def run(self) -> None:
        """Post complaints one after the other."""
        while True:
            await self._post(await self._bot.complaints.next())

    async def _post(self, complaint: Complaint) -> None:
        text = complaint_text(complaint, self._bot.channels, Conversation(self._platform.name, self._channel))
        for delay in (*self._retry_delays, None):
            try:
                await self._platform.post(self._channel, text)
                return
            except DeliveryError as error:
                log.warning("complaint could not be posted", error_id=error.id, cause=str(error), retry_in=delay)
            if delay is not None:
                await asyncio.sleep(delay)

"""The weekly digest: statistics that one process posts to DIGEST_CHANNEL."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import structlog
from redis.exceptions import RedisError

from bot.app import Bot
from bot.platforms import Reachable
from core.chat.overview import Overview
from core.domain import Conversation
from core.errors import FootnotedError, to_footnoted_error
from core.storage import keys

log = structlog.get_logger()

DAYS = 7
FROM_HOUR = 8
"""Monday, UTC: the digest arrives when people start work."""

CHECK_EVERY = 600.0
"""Seconds."""

RETRY_AFTER = timedelta(hours=1)
"""After a failure, or the death of the process that was sending."""

SENT_MARK_TTL = timedelta(days=8)
"""Longer than the week that the digest covers."""


class Digest:
    """Posts the digest; `channel` is written as `slack:C0123456789`."""

    def __init__(
        self,
        bot: Bot,
        platforms: Sequence[Reachable],
        channel: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        platform, _, self._channel = channel.partition(":")
        self._bot = bot
        self._platform = next(each for each in platforms if each.name == platform)
        self._now = now

    async def run(self) -> None:
        """Check every ten minutes whether the digest is due. Failures are logged and retried."""
        while True:
            try:
                await self.send_if_due()
            except (FootnotedError, RedisError) as error:
                known = to_footnoted_error(error)
                log.error("digest failed", error_id=known.id, cause=str(known))
            await asyncio.sleep(CHECK_EVERY)

    async def send_if_due(self) -> None:
        """Post this week's digest unless any process has done so or is doing so; skip a week without questions.

        Raises DeliveryError and RedisError.
        """
        key = keys.digest(_week(self._now()))
        if not await self._bot.redis.set(key, "", ex=RETRY_AFTER, nx=True):
            return
        channel = Conversation(self._platform.name, self._channel)
        overview = await self._bot.overviews.collect(DAYS, self._bot.channels.scope(channel).sources)
        if overview.asked.total():
            await self._platform.post(self._channel, digest_text(overview))
            log.info("digest sent", platform=self._platform.name, channel=self._channel)
        await self._bot.redis.set(key, "", ex=SENT_MARK_TTL)


def _week(now: datetime) -> str:
    """Return the ISO week whose digest is due; it begins on Monday at FROM_HOUR."""
    year, week, _ = (now - timedelta(hours=FROM_HOUR)).isocalendar()
    return f"{year}-W{week:02}"


def digest_text(overview: Overview) -> str:
    """Render the digest in Markdown."""
    return "\n\n".join(filter(None, (overview.stats_text(), overview.gaps_text())))

"""Once a week, by one of all processes: how the bot did, written into a channel that an operator has chosen."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

import structlog
from redis.exceptions import RedisError

from bot.app import Bot
from bot.cli.stats import OUTCOMES, Overview, look
from bot.platforms import Platform
from core.errors import FootnotedError, to_footnoted_error
from core.storage import keys

log = structlog.get_logger()

DAYS = 7
FROM_HOUR = 8
"""Of Monday, in UTC: the digest is there when people begin to work."""

LOOKS_EVERY = 600.0
"""Seconds."""

TRIED_AGAIN_AFTER = timedelta(hours=1)
"""By whichever process looks first, when it could not be sent, or its process died over it."""

KEPT = timedelta(days=8)
"""Longer than the week that it is about."""

MOST_GAPS = 5
LONGEST_QUESTION = 150


class Digest:
    """`channel` is a platform's name and the id of a channel there, as in `slack:C0123456789`."""

    def __init__(
        self,
        bot: Bot,
        platforms: Sequence[Platform],
        channel: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        platform, _, self._channel = channel.partition(":")
        self._bot = bot
        self._platform = next(each for each in platforms if each.name == platform)
        self._now = now

    async def keep_sending(self) -> None:
        """Looks again and again whether it is time. What goes wrong is logged."""
        while True:
            try:
                await self.send_if_due()
            except (FootnotedError, RedisError) as error:
                known = to_footnoted_error(error)
                log.error("the digest was not sent", error_id=known.id, cause=str(known))
            await asyncio.sleep(LOOKS_EVERY)

    async def send_if_due(self) -> None:
        """Sends the digest of the week, unless that was done, or is being done, by any process. A week in which nobody
        asked anything has none. Raises DeliveryError and RedisError."""
        key = keys.digest(_week(self._now()))
        if not await self._bot.redis.set(key, "", ex=TRIED_AGAIN_AFTER, nx=True):
            return
        seen = await look(self._bot, DAYS)
        if seen.asked.total():
            await self._platform.post(self._channel, digest_text(seen))
            log.info("the digest was sent", platform=self._platform.name, channel=self._channel)
        await self._bot.redis.set(key, "", ex=KEPT)


def _week(now: datetime) -> str:
    """The week whose digest is due: a new one begins on Monday, when it is time for it."""
    year, week, _ = (now - timedelta(hours=FROM_HOUR)).isocalendar()
    return f"{year}-W{week:02}"


def digest_text(seen: Overview) -> str:
    """The digest, in Markdown."""
    asked = seen.asked
    counts = ", ".join(f"{asked[outcome]:,} {name}" for outcome, name in OUTCOMES.items() if asked[outcome])
    questions = "1 question" if asked.total() == 1 else f"{asked.total():,} questions"
    lines = [f"**The last {seen.days} days: {questions}**", f"- {counts}"]
    if seen.thumbs:
        lines.append(f"- {seen.thumbs['up']:,} 👍 and {seen.thumbs['down']:,} 👎")
    if seen.cost:
        lines.append(f"- about ${seen.cost:,.2f} for models" + (", and more at prices not known" * bool(seen.unpriced)))
    return "\n".join([*lines, *_gaps(seen)])


def _gaps(seen: Overview) -> Iterable[str]:
    if not seen.gaps:
        return
    yield "\n**What to write about next**: questions that the posts did not answer"
    for gap in seen.gaps[:MOST_GAPS]:
        yield f"- {gap.count:,}× `{_short(gap.question)}`"
    if len(seen.gaps) > MOST_GAPS:
        yield f"- … and {len(seen.gaps) - MOST_GAPS:,} more: `footnoted stats --days {seen.days}`"


def _short(question: str) -> str:
    """As code, so that nothing in it is a link, a mention or a mark."""
    text = " ".join(question.replace("`", "'").split())
    return text if len(text) <= LONGEST_QUESTION else text[: LONGEST_QUESTION - 1] + "…"

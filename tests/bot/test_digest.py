"""The weekly digest: one process of many sends it to the configured channel."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.app import Bot
from bot.digest import Digest, digest_text
from core.chat.overview import Overview
from core.domain import Rating
from core.errors import DeliveryError
from core.retrieval.gaps import QuestionGap
from core.storage import keys
from core.storage.statistics import Figures, Statistics, Usage
from core.telemetry import QuestionFinished
from tests.adapters.discord.harness import connected as connected_to_discord
from tests.adapters.slack.harness import access, entered
from tests.bot.running import make_home
from tests.bot.serving import served
from tests.servers.discord import DiscordServer
from tests.servers.openai import OpenAIServer
from tests.servers.slack import Message, SlackServer

MONDAY = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
GAP = "What do `moles` eat, <!channel> [x](https://evil.example)?"


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with SlackServer() as slack:
        yield slack


@pytest.fixture
async def model() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer() as model:
        yield model


@pytest.fixture
async def asked(redis: Redis) -> None:
    """Record two questions."""
    statistics = Statistics(redis)
    statistics(QuestionFinished("q1", "slack", "answered", 0.0, 1.0))
    statistics(QuestionFinished("q2", "slack", "not_in_posts", 0.0, 1.0, gap=GAP))
    await statistics.aclose()


def digests(slack: SlackServer) -> list[Message]:
    return [message for message in slack.messages(slack.channel.id) if message.user == slack.bot.id]


async def test_many_processes_send_one_digest_per_week(
    bot: Bot, slack: SlackServer, model: OpenAIServer, asked: None
) -> None:
    now = [MONDAY]
    async with entered(slack, model, bot) as room:
        many = [Digest(bot, [room.app], f"slack:{slack.channel.id}", lambda: now[0]) for _ in range(5)]
        await asyncio.gather(*(each.send_if_due() for each in many))
        now[0] = MONDAY + timedelta(days=6, hours=23)
        await asyncio.gather(*(each.send_if_due() for each in many))
        [first] = digests(slack)
        assert "Last 7 days: 2 questions" in str(first.blocks)
        assert "1× `What do 'moles' eat" in str(first.blocks)
        assert "<!channel>" not in str(first.blocks)
        now[0] = MONDAY + timedelta(days=7)
        await asyncio.gather(*(each.send_if_due() for each in many))
        assert len(digests(slack)) == 2


async def test_digest_is_sent_to_discord(bot: Bot, model: OpenAIServer, asked: None) -> None:
    async with DiscordServer() as discord, connected_to_discord(discord, model, bot) as room:
        channel = discord.say("alice", "general", "Good morning.").channel
        await Digest(bot, [room.app], f"discord:{channel.id}").send_if_due()
        [said] = [message for message in discord.said if message.channel is channel and message.author is discord.bot]
        assert "Last 7 days: 2 questions" in said.content
        with pytest.raises(DeliveryError):
            await room.app.post("1", "Hello?")


async def test_failed_digest_is_retried(
    bot: Bot, redis: Redis, slack: SlackServer, model: OpenAIServer, asked: None
) -> None:
    async with entered(slack, model, bot) as room:
        digest = Digest(bot, [room.app], "slack:C0NOWHERE", lambda: MONDAY)
        with pytest.raises(DeliveryError, match="channel_not_found"):
            await digest.send_if_due()
        assert 0 < await redis.ttl(keys.digest("2026-W48")) <= 3600
        await redis.delete(keys.digest("2026-W48"))
        await Digest(bot, [room.app], f"slack:{slack.channel.id}", lambda: MONDAY).send_if_due()
        assert len(digests(slack)) == 1
        assert await redis.ttl(keys.digest("2026-W48")) > 7 * 86_400


async def test_week_without_questions_has_no_digest(
    bot: Bot, redis: Redis, slack: SlackServer, model: OpenAIServer
) -> None:
    async with entered(slack, model, bot) as room:
        await Digest(bot, [room.app], f"slack:{slack.channel.id}").send_if_due()
    assert digests(slack) == []


async def test_serving_bot_sends_the_digest(
    slack: SlackServer, model: OpenAIServer, asked: None, redis_url: str, tmp_path: Path
) -> None:
    reached = access(slack)
    settings = {
        "SLACK_API_URL": slack.base_url,
        "SLACK_BOT_TOKEN": reached.bot_token,
        "SLACK_APP_TOKEN": reached.app_token,
        "OPENAI_BASE_URL": model.base_url,
        "REDIS_URL": redis_url,
        "DIGEST_CHANNEL": f"slack:{slack.channel.id}",
    }
    home = make_home(tmp_path)
    async with served(home, **settings) as bot:
        await slack.until(lambda: digests(slack), 20)
        await bot.end(signal.SIGTERM)
    assert len(digests(slack)) == 1
    assert [entry["event"] for entry in bot.log].count("digest sent") == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (MONDAY.replace(hour=7, minute=59), MONDAY.replace(hour=8)),
        (datetime(2027, 1, 4, 7, tzinfo=UTC), datetime(2027, 1, 4, 9, tzinfo=UTC)),
    ],
)
async def test_digest_week_begins_on_monday_at_eight(
    bot: Bot, redis: Redis, slack: SlackServer, model: OpenAIServer, before: datetime, after: datetime
) -> None:
    now = [before]
    async with entered(slack, model, bot) as room:
        digest = Digest(bot, [room.app], f"slack:{slack.channel.id}", lambda: now[0])
        await digest.send_if_due()
        now[0] = after
        await digest.send_if_due()
    assert len(await redis.keys("digest:*")) == 2


def test_digest_lists_totals_ratings_costs_and_top_gaps() -> None:
    gaps = [QuestionGap(f"question {number}", 9 - number, MONDAY) for number in range(7)]
    figures = Figures(
        date(2026, 11, 19),
        {"slack": {"answered": 30, "failed": 1}, "web": {"answered": 8, "not_in_posts": 3}},
        {},
        (),
        (Usage("gpt-5.4-mini", 1_000_000, 0), Usage("llama", 10, 10)),
        {},
    )
    ratings: Counter[Rating] = Counter({"up": 4, "down": 1})
    assert digest_text(Overview(7, figures, ratings, gaps)).splitlines() == [
        "**Last 7 days: 42 questions**",
        "- 38 answered, 3 not in the posts, 1 failed",
        "- 4 👍 and 1 👎",
        "- about $0.75 for models, plus models at unknown prices",
        "",
        "**What to write about next**: questions the posts did not answer",
        *(f"- {9 - number}× `question {number}`" for number in range(5)),
        "- … and 2 more",
    ]

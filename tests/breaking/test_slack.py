"""Slack drops connections, limits requests, fails, and delivers events late and twice: one answer per question."""

import asyncio
from collections import Counter
from dataclasses import replace
from pathlib import Path

from tests.adapters.slack.harness import is_whole
from tests.breaking.own_redis import own_redis, until_nothing_is_unanswered
from tests.breaking.scene import BEES, scene, until
from tests.servers.loopback import Status
from tests.servers.slack import Late, RateLimited, Twice

DROP_INTERVAL = 0.7
"""Seconds. Slack's connections last longer, but so do real answers."""


async def test_unreliable_slack_gets_one_answer_per_question(tmp_path: Path) -> None:
    async with own_redis(tmp_path) as redis, scene(tmp_path / "home", redis.url) as here:
        slack = here.slack
        slack.rules = replace(slack.rules, retry_delays=(0.2, 1.0, 6.0))  # the SDK may notice a loss after 5 s
        asked = []

        async def drop() -> None:
            while True:
                await asyncio.sleep(DROP_INTERVAL)
                slack.sockets.drop()

        dropping = asyncio.create_task(drop())
        for number in range(12):
            if number % 6 == 0:
                slack.enqueue("chat.startStream", RateLimited(1))
                slack.enqueue("chat.appendStream", Status(503))
            slack.deliveries.enqueue(Twice() if number % 2 else Late(0.5))
            asked.append(here.ask(f"{BEES} ({number})"))
            await asyncio.sleep(0.15)
        dropping.cancel()
        await until(lambda: all(any(map(is_whole, here.replies(each))) for each in asked), 60, here.bot.said)
        await until_nothing_is_unanswered(redis)
        assert Counter(len(here.replies(each)) for each in asked) == {1: 12}

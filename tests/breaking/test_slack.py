"""Slack loses the connection again and again, limits, fails, delivers late and twice: each question has one answer."""

import asyncio
from collections import Counter
from dataclasses import replace
from pathlib import Path

from tests.adapters.slack.harness import is_whole
from tests.breaking.own_redis import own_redis
from tests.breaking.scene import BEES, scene, until
from tests.servers.loopback import Status
from tests.servers.slack import Late, RateLimited, Twice

DROPPED_EVERY = 0.7
"""Seconds; ten in the real one, where answers take ten times as long."""


async def test_on_a_bad_day_of_slacks_each_question_has_one_answer(tmp_path: Path) -> None:
    async with own_redis(tmp_path) as redis, scene(tmp_path / "home", redis.url) as here:
        slack = here.slack
        slack.rules = replace(slack.rules, retry_delays=(0.2, 2.0, 5.0))
        asked = []

        async def drop() -> None:
            while True:
                await asyncio.sleep(DROPPED_EVERY)
                slack.sockets.drop()

        dropping = asyncio.create_task(drop())
        for number in range(24):
            if number % 6 == 0:
                slack.enqueue("chat.startStream", RateLimited(1))
                slack.enqueue("chat.appendStream", Status(503))
            slack.deliveries.enqueue(Twice() if number % 2 else Late(0.5))
            asked.append(here.ask(f"{BEES} ({number})"))
            await asyncio.sleep(0.15)
        dropping.cancel()
        await until(lambda: all(any(map(is_whole, here.replies(each))) for each in asked), 60, here.bot.said)
        await asyncio.sleep(0.5)
        assert Counter(len(here.replies(each)) for each in asked) == {1: 24}

"""Bots that are killed, stopped and restarted: every question is answered exactly once."""

import asyncio
import signal
from collections import Counter
from pathlib import Path

from tests.adapters.slack.harness import is_whole
from tests.bot.running import make_home
from tests.breaking.own_redis import own_redis, until_nothing_is_unanswered
from tests.breaking.scene import BEES, Scene, reached, running, scene, until
from tests.servers.openai import OpenAIServer, Text
from tests.servers.slack import Message

ANSWER = "Bees live on honey [1]. " * 8


def whole(here: Scene, asked: list[Message]) -> int:
    """Count the questions that have a finished reply."""
    return sum(any(map(is_whole, here.replies(each))) for each in asked)


async def test_killed_bot_answers_each_open_question_once_after_its_restart(tmp_path: Path) -> None:
    model = OpenAIServer(dimensions=64, answer=lambda chat: Text(ANSWER, tokens_per_second=80))
    async with own_redis(tmp_path) as redis, scene(tmp_path / "home", redis.url, model) as here:
        asked = []
        for number in range(20):
            asked.append(here.ask(f"{BEES} ({number})"))
            await asyncio.sleep(0.03)
        await until(lambda: whole(here, asked) >= 2)
        assert any(here.replies(each) and not any(map(is_whole, here.replies(each))) for each in asked)
        assert await here.bot.end(signal.SIGKILL) == -signal.SIGKILL
        before = whole(here, asked)
        assert before < 20
        settings = reached(here.slack, model, redis.url)
        async with running(make_home(tmp_path / "again"), **settings) as again:
            await until(lambda: whole(here, asked) == 20, 60, again.said)
            await until_nothing_is_unanswered(redis)
        assert Counter(len(here.replies(each)) for each in asked) == {1: 20}


async def test_rolling_restart_answers_every_question_once(tmp_path: Path) -> None:
    """Each bot receives SIGTERM while it answers; its replacement is already connected."""
    model = OpenAIServer(dimensions=64, answer=lambda chat: Text(ANSWER, tokens_per_second=100))
    async with own_redis(tmp_path) as redis, scene(tmp_path / "home", redis.url, model) as here:
        settings = reached(here.slack, model, redis.url)
        asked: list[Message] = []
        codes = []

        restarted = asyncio.Event()

        async def keep_asking() -> None:
            while not restarted.is_set() and len(asked) < 60:
                asked.append(here.ask(f"{BEES} ({len(asked)})"))
                await asyncio.sleep(0.2)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(keep_asking())
            async with running(make_home(tmp_path / "second"), **settings) as second:
                await here.slack.until(lambda: len(here.slack.sockets.open) == 2)
                codes.append(await here.bot.end(signal.SIGTERM))
                async with running(make_home(tmp_path / "third"), **settings) as third:
                    await here.slack.until(lambda: len(here.slack.sockets.open) == 2)
                    codes.append(await second.end(signal.SIGTERM))
                    restarted.set()
                    await until(lambda: whole(here, asked) == len(asked), 30, third.said)
        assert codes == [0, 0]
        assert Counter(len(here.replies(each)) for each in asked) == {1: len(asked)}


async def test_second_sigterm_ends_the_bot_at_once_and_keeps_the_question(tmp_path: Path) -> None:
    async with own_redis(tmp_path) as redis, scene(tmp_path / "home", redis.url) as here:
        here.model.enqueue(Text(ANSWER, tokens_per_second=1))
        asked = here.ask()
        await until(lambda: here.replies(asked))
        here.bot.process.send_signal(signal.SIGTERM)
        await here.bot.until_said("shutdown started")
        async with asyncio.timeout(2):
            assert await here.bot.end(signal.SIGTERM) == -signal.SIGTERM
        async with redis.client() as client:
            assert await client.hlen("unanswered:{slack}") == 1


async def test_bot_survives_the_death_of_another_that_shares_its_embedded_redis(tmp_path: Path) -> None:
    async with scene(tmp_path / "home", "") as here:
        settings = reached(here.slack, here.model, "")
        async with running(here.bot.log.parent, log="other.log", **settings) as other:
            await here.slack.until(lambda: len(here.slack.sockets.open) == 2)
            asked = [here.ask(f"{BEES} ({number})") for number in range(4)]
            await until(lambda: whole(here, asked) == 4)
            await here.bot.end(signal.SIGKILL)
            asked.append(here.ask())
            await until(lambda: whole(here, asked) == 5, told=other.said)
        assert Counter(len(here.replies(each)) for each in asked) == {1: 5}

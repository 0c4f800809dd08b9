"""The bot itself is killed, stopped and started again: no question is lost, and none is answered twice."""

import asyncio
import signal
from collections import Counter
from pathlib import Path

from tests.adapters.slack.harness import is_whole
from tests.bot.running import make_home
from tests.breaking.own_redis import own_redis
from tests.breaking.scene import BEES, Scene, reached, running, scene, until
from tests.servers.openai import OpenAIServer, Text
from tests.servers.slack import Message

ANSWER = "Bees live on honey [1]. " * 8


def whole(here: Scene, asked: list[Message]) -> int:
    return sum(any(map(is_whole, here.replies(each))) for each in asked)


async def test_killed_in_the_middle_of_fifty_answers_it_gives_each_once_after_its_restart(tmp_path: Path) -> None:
    model = OpenAIServer(dimensions=64, answer=lambda chat: Text(ANSWER, tokens_per_second=40))
    async with own_redis(tmp_path) as redis, scene(tmp_path / "home", redis.url, model) as here:
        asked = []
        for number in range(50):
            asked.append(here.ask(f"{BEES} ({number})"))
            await asyncio.sleep(0.03)
        await until(lambda: whole(here, asked) >= 5)
        assert any(here.replies(each) and not any(map(is_whole, here.replies(each))) for each in asked)
        assert await here.bot.end(signal.SIGKILL) == -signal.SIGKILL
        before = whole(here, asked)
        assert before < 50
        settings = reached(here.slack, model, redis.url)
        async with running(make_home(tmp_path / "again"), **settings) as again:
            await until(lambda: whole(here, asked) == 50, 60, again.said)
            await asyncio.sleep(0.5)  # whoever would answer once more has the time to
        assert Counter(len(here.replies(each)) for each in asked) == {1: 50}


async def test_bots_are_restarted_one_after_another_and_nobody_waits_in_vain(tmp_path: Path) -> None:
    """Questions keep coming, and each bot gets its SIGTERM while it answers; a new one is there before the old goes."""
    model = OpenAIServer(dimensions=64, answer=lambda chat: Text(ANSWER, tokens_per_second=60))
    async with own_redis(tmp_path) as redis, scene(tmp_path / "home", redis.url, model) as here:
        settings = reached(here.slack, model, redis.url)
        asked: list[Message] = []
        codes = []

        async def keep_asking() -> None:
            while len(asked) < 60:
                asked.append(here.ask(f"{BEES} ({len(asked)})"))
                await asyncio.sleep(0.1)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(keep_asking())
            async with running(make_home(tmp_path / "second"), **settings) as second:
                await here.slack.until(lambda: len(here.slack.sockets.open) == 2)
                codes.append(await here.bot.end(signal.SIGTERM))
                async with running(make_home(tmp_path / "third"), **settings) as third:
                    await here.slack.until(lambda: len(here.slack.sockets.open) == 2)
                    codes.append(await second.end(signal.SIGTERM))
                    await until(lambda: len(asked) == 60 and whole(here, asked) == 60, 30, third.said)
        assert codes == [0, 0]
        assert Counter(len(here.replies(each)) for each in asked) == {1: 60}


async def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    """What it was answering is taken over as if it had been killed."""
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


async def test_two_bots_on_one_data_folder_share_its_redis_and_one_may_die(tmp_path: Path) -> None:
    async with scene(tmp_path / "home", "") as here:
        settings = reached(here.slack, here.model, "")
        async with running(here.bot.log.parent, log="other.log", **settings) as other:
            await here.slack.until(lambda: len(here.slack.sockets.open) == 2)
            asked = [here.ask(f"{BEES} ({number})") for number in range(10)]
            await until(lambda: whole(here, asked) == 10)
            await here.bot.end(signal.SIGKILL)
            asked.append(here.ask())
            await until(lambda: whole(here, asked) == 11, told=other.said)
        assert Counter(len(here.replies(each)) for each in asked) == {1: 11}

"""Redis is killed and comes back, with its data and without, in the middle of answers and of a run."""

import asyncio
from pathlib import Path

from tests.breaking.own_redis import PERSISTENT, own_redis
from tests.breaking.scene import WITHIN, Scene, scene, until
from tests.servers.openai import Text

LONG = "Bees live on honey [1]. " * 20
AWAY = "I cannot reach my posts right now. Please try again in a minute."


async def test_redis_that_is_killed_costs_a_sentence_and_is_back_by_itself(tmp_path: Path) -> None:
    async with own_redis(tmp_path, *PERSISTENT) as redis, scene(tmp_path / "home", redis.url) as here:
        # In the middle of an answer: what is being written goes on.
        here.model.enqueue(Text(LONG, tokens_per_second=100))
        asked = here.ask()
        await until(lambda: here.replies(asked))
        await redis.kill()
        assert (await here.reply(asked)).count("Bees live on honey") == 20
        # While it is away: one sentence for each, on the page and in the thread.
        assert await here.sentence() == AWAY
        more = [here.ask(f"What do bees eat? ({number})") for number in range(3)]
        assert [await here.told(each) for each in more] == [AWAY] * 3
        assert (await here.web.get("/readyz")).status == 503
        await redis.start()
        await here.until_answered()
        again = here.ask()
        assert "According to the posts" in await here.reply(again)
        assert [len(here.replies(each)) for each in (asked, *more, again)] == [1] * 5


async def test_redis_that_comes_back_empty_is_read_into_again(tmp_path: Path) -> None:
    async with own_redis(tmp_path) as redis, scene(tmp_path / "home", redis.url) as here:
        await redis.kill()
        await redis.start()
        await until_ready(here)
        assert "According to the posts" in (await here.page())["answer"]


async def test_redis_that_goes_during_a_run_is_no_end_of_it_for_good(tmp_path: Path) -> None:
    """The reading breaks off; the bot begins again when Redis is back, with nothing in it."""
    async with own_redis(tmp_path) as redis, scene(tmp_path / "home", redis.url) as here:
        async with redis.client() as client:
            await client.flushall()
        here.model.delay = 0.5  # every batch of a run takes so long
        before = len(here.model.embeddings)
        await until(lambda: len(here.model.embeddings) > before, WITHIN, here.bot.said)
        await redis.kill()
        await until(lambda: "reindex failed" in here.bot.said(), WITHIN, here.bot.said)
        await redis.start()
        await until_ready(here)
        assert "According to the posts" in (await here.page())["answer"]


async def until_ready(here: Scene) -> None:
    async with asyncio.timeout(WITHIN):
        while (await here.web.get("/readyz")).status != 200:
            await asyncio.sleep(0.1)

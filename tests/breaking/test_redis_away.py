"""Redis is killed during answers and runs, and comes back with or without its data."""

import asyncio
import shutil
from pathlib import Path

from tests.breaking.own_redis import PERSISTENT, OwnRedis, own_redis
from tests.breaking.scene import WITHIN, Scene, scene, until
from tests.servers.openai import Text

LONG = "Bees live on honey [1]. " * 20
AWAY = "I cannot reach my posts right now. Please try again in a minute."


async def test_bot_recovers_from_each_loss_of_redis(tmp_path: Path) -> None:
    async with own_redis(tmp_path, *PERSISTENT) as redis, scene(tmp_path / "home", redis.url) as here:
        await killed_during_an_answer(here, redis)
        await returned_empty(here, redis, tmp_path)
        await killed_during_a_run(here, redis)


async def killed_during_an_answer(here: Scene, redis: OwnRedis) -> None:
    """An answer that is being written is completed; questions asked meanwhile get one sentence each."""
    here.model.enqueue(Text(LONG, tokens_per_second=100))
    asked = here.ask()
    await until(lambda: here.replies(asked))
    await redis.kill()
    assert (await here.reply(asked)).count("Bees live on honey") == 20
    assert await here.sentence() == AWAY
    more = [here.ask(f"What do bees eat? ({number})") for number in range(3)]
    assert [await here.told(each) for each in more] == [AWAY] * 3
    assert (await here.web.get("/readyz")).status == 503
    await redis.start()
    await here.until_answered()
    again = here.ask()
    assert "According to the posts" in await here.reply(again)
    assert [len(here.replies(each)) for each in (asked, *more, again)] == [1] * 5


async def returned_empty(here: Scene, redis: OwnRedis, folder: Path) -> None:
    """The bot indexes its posts again."""
    before = len(here.model.embeddings)
    await redis.kill()
    await asyncio.to_thread(shutil.rmtree, folder / "appendonlydir")
    await redis.start()
    await until(lambda: len(here.model.embeddings) > before, WITHIN, here.bot.said)
    await until_ready(here)
    assert "According to the posts" in (await here.page())["answer"]


async def killed_during_a_run(here: Scene, redis: OwnRedis) -> None:
    """The run fails; the bot starts another when Redis is back."""
    async with redis.client() as client:
        await client.flushall()
    here.model.delay = 0.5
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

"""A Redis that is full, read-only, locked or slow."""

from pathlib import Path

from redis.asyncio import Redis

from tests.breaking.own_redis import own_redis
from tests.breaking.scene import Scene, scene
from tests.servers.redis import redis_proxy

AWAY = "I cannot reach my posts right now. Please try again in a minute."


async def test_bot_recovers_from_a_full_read_only_or_locked_redis(tmp_path: Path) -> None:
    async with own_redis(tmp_path) as redis, scene(tmp_path / "home", redis.url) as here, redis.client() as client:
        await full(here, client)
        await read_only(here, client)
        await locked(here, client)


async def full(here: Scene, client: Redis) -> None:
    """Nothing can be counted or remembered; questions are still answered."""
    await client.config_set("maxmemory", "1mb")
    await answered_without_being_counted(here)
    await client.config_set("maxmemory", "0")
    await recovered(here)


async def read_only(here: Scene, client: Redis) -> None:
    """The address leads to a replica, as after a failover."""
    await client.replicaof("127.0.0.1", "1")
    await answered_without_being_counted(here)
    await client.replicaof("NO", "ONE")
    await recovered(here)


async def locked(here: Scene, client: Redis) -> None:
    """The password changes, and all clients are disconnected."""
    await client.config_set("requirepass", "another")
    await client.client_kill_filter(_type="normal", skipme=True)
    assert await here.sentence() == AWAY
    asked = here.ask()
    assert await here.told(asked) == AWAY
    await client.config_set("requirepass", "")
    await recovered(here)


async def answered_without_being_counted(here: Scene) -> None:
    before = here.bot.said().count("rate limiting suspended")
    assert await here.is_answered()
    asked = here.ask()
    assert "According to the posts" in await here.reply(asked)
    assert len(here.replies(asked)) == 1
    assert here.bot.said().count("rate limiting suspended") > before


async def recovered(here: Scene) -> None:
    """Questions are answered again, each once."""
    await here.until_answered()
    asked = here.ask()
    assert "According to the posts" in await here.reply(asked)
    assert len(here.replies(asked)) == 1


async def test_slow_redis_delays_answers_but_does_not_change_them(tmp_path: Path) -> None:
    """Each command takes half a second. A question on Slack needs about fifteen in sequence."""
    async with (
        own_redis(tmp_path) as redis,
        redis_proxy(redis.path) as line,
        scene(tmp_path / "home", line.address) as here,
    ):
        line.delay = 0.5
        asked = here.ask()
        document = await here.page()
        assert "According to the posts" in document["answer"]
        assert "According to the posts" in await here.reply(asked, within=60)
        line.delay = 0.0
        await recovered(here)
        assert len(here.replies(asked)) == 1

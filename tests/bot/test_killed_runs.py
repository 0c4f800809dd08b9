"""Runs that are killed: the live index stays, no kept vector is paid for twice, and the next run completes the work."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.app import create_bot
from bot.config.loader import load_settings
from core.domain import Passage
from core.index.schema import digest_of
from core.index.version import live_version
from core.storage import keys
from core.storage.connection import as_text
from tests.bot.processes import start_bot
from tests.bot.running import WITHIN
from tests.servers.blog import Blog, Post
from tests.servers.openai import OpenAIServer
from tests.servers.redis import RedisProxy, redis_proxy

Reached = Callable[[], Awaitable[bool]]


def posts(count: int, plant: str, date: str) -> list[Post]:
    """Long posts: together they take several embedding requests."""
    return [
        Post(f"post-{number}", f"Post {number}", f"<p>{f'{plant} number {number} wants water. ' * 160}</p>", date)
        for number in range(count)
    ]


@pytest.fixture
async def model() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer(delay=0.02, dimensions=64) as server:
        yield server


async def contents(redis: Redis) -> dict[str, object]:
    """Every passage of the live index version, with its text and vector."""
    live = await live_version(redis)
    assert live
    found: dict[str, object] = {}
    async for key in redis.scan_iter(f"{keys.passage_prefix(live.number)}*"):
        found[key.decode().split(":", 2)[2]] = await redis.hmget(key, "url", "text", "embedding")
    return found


async def kept_digests(redis: Redis) -> set[str]:
    """The digests of all texts that have a vector in Redis, in any index version."""
    found: set[str] = set()
    for number in await redis.smembers(keys.VERSIONS):
        found |= {as_text(digest) for digest in await redis.hkeys(keys.digests(int(number)))}
    return found


async def reindex(redis_url: str, model: OpenAIServer) -> None:
    """Run to the end, in this process."""
    settings = await asyncio.to_thread(load_settings, redis_url=redis_url, openai_base_url=model.base_url)
    async with create_bot(settings) as bot:
        await bot.reindex(lambda _: None)


async def kill_run(home: Path, settings: dict[str, str], reached: Reached) -> bool:
    """Start a run as a process and kill it at a point; return False if it ended before."""
    process = await start_bot(home, "reindex", output=home / "output", settings=settings)
    async with asyncio.timeout(WITHIN):
        while process.returncode is None:
            if await reached():
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                return await process.wait() < 0
            await asyncio.sleep(0.01)
    return False


async def test_a_run_that_is_killed_at_any_stage_loses_nothing_and_is_completed_by_the_next(
    redis: Redis, redis_url: str, model: OpenAIServer, tmp_path: Path
) -> None:
    async with Blog(posts(15, "Tomato", "2026-01-01")) as blog, redis_proxy(redis_url) as line:
        sitemap = blog.url("/sitemap.xml")
        (tmp_path / "footnoted.toml").write_text(f'[[sources]]\nname = "blog"\nsitemap = "{sitemap}"\n')
        await reindex(redis_url, model)
        before = await contents(redis)
        blog.posts = posts(18, "Bean", "2026-02-01")

        settings = {"REDIS_URL": line.address, "OPENAI_BASE_URL": model.base_url}
        stages: list[Callable[[], Reached]] = [
            lambda: reading(blog),
            lambda: embedding(redis),
            lambda: before_writing(line, b"chance"),  # the new version has an index
            lambda: before_writing(line, b"before"),  # it is calibrated
        ]
        for stage in stages:
            kept = await kept_digests(redis)
            requests = len(model.embeddings)
            assert await kill_run(tmp_path, settings, stage())
            embedded = {text for request in model.embeddings[requests:] for text in request.inputs}
            assert not {digest_of(passage_of(text)) for text in embedded} & kept
            assert await contents(redis) == before
            # The lock of a dead process expires after 15 seconds: too long for a test.
            await redis.delete(keys.RUN_LEASE)

        await reindex(redis_url, model)
        after_kills = await contents(redis)
        await redis.flushall()
        await reindex(redis_url, model)
        assert after_kills == await contents(redis)


def passage_of(embedding_text: str) -> Passage:
    """A passage that embeds to this text."""
    return Passage("", "", "", embedding_text)


def reading(blog: Blog) -> Reached:
    """When half of the pages have been requested."""
    start = blog.requests.total()

    async def reached() -> bool:
        return blog.requests.total() >= start + 10

    return reached


def embedding(redis: Redis) -> Reached:
    """When the first new vectors are stored."""
    start: set[str] = set()

    async def reached() -> bool:
        kept = await kept_digests(redis)
        start.update(() if start else kept)
        return kept > start

    return reached


def before_writing(line: RedisProxy, field: bytes) -> Reached:
    """When the process writes this field of the new version."""
    held = line.hold(b"\r\n%s\r\n" % field)

    async def reached() -> bool:
        return held.is_set()

    return reached

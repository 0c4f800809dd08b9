"""A run that is killed at any point: what was answered from is answered from, nothing that was kept is paid for twice,
and one more run makes the same of it as a run that nobody killed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from core.domain import Passage
from core.index.schema import digest_of
from core.storage import keys
from core.storage.connection import as_text
from tests.bot.running import WITHIN, command, environment, footnoted
from tests.servers.blog import Blog, Post
from tests.servers.openai import OpenAIServer

Reached = Callable[[], Awaitable[bool]]


def posts(count: int, plant: str, date: str) -> list[Post]:
    return [
        Post(f"post-{number}", f"Post {number}", f"<p>{f'{plant} number {number} wants water. ' * 60}</p>", date)
        for number in range(count)
    ]


@pytest.fixture
async def model() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer(delay=0.02, dimensions=64) as server:
        yield server


async def contents(redis: Redis) -> dict[str, object]:
    """Every passage that is answered from, by what its key says of it, with its text and vector."""
    info = await redis.execute_command("FT.INFO", keys.POSTS)
    number = int(dict(zip(info[::2], info[1::2], strict=True))[b"index_name"].split(b":")[1])
    found: dict[str, object] = {}
    async for key in redis.scan_iter(f"{keys.passage_prefix(number)}*"):
        found[key.decode().split(":", 2)[2]] = await redis.hmget(key, "url", "text", "embedding")
    return found


async def kept(redis: Redis) -> set[str]:
    """The digests of all texts that have a vector in Redis, in whatever edition."""
    found: set[str] = set()
    for number in await redis.smembers(keys.VERSIONS):
        found |= {as_text(digest) for digest in await redis.hkeys(keys.digests(int(number)))}
    return found


async def killed_when(home: Path, settings: dict[str, str], reached: Reached) -> bool:
    """Begins a run and kills it as soon as that is reached; False when it ended before."""
    process = await asyncio.create_subprocess_exec(
        *command("reindex"), cwd=home, env=environment(settings),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    async with asyncio.timeout(WITHIN):
        while process.returncode is None:
            if await reached():
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                return await process.wait() < 0
            await asyncio.sleep(0.002)
    return False


async def test_killed_at_ten_points(redis: Redis, redis_url: str, model: OpenAIServer, tmp_path: Path) -> None:
    async with Blog(posts(40, "Tomato", "2026-01-01")) as blog:
        sitemap = blog.url("/sitemap.xml")
        (tmp_path / "footnoted.toml").write_text(f'[[sources]]\nname = "blog"\nsitemap = "{sitemap}"\n')
        settings = {"REDIS_URL": redis_url, "OPENAI_BASE_URL": model.base_url}
        first = await asyncio.to_thread(footnoted, tmp_path, "reindex", **settings)
        assert first.returncode == 0, first.stderr
        before = await contents(redis)
        blog.posts = posts(45, "Bean", "2026-02-01")

        points = 0
        for reached in (*read(blog), *embedded(redis, model), *published(redis)):
            paid = await kept(redis)
            asked = len(model.embeddings)
            points += await killed_when(tmp_path, settings, reached)
            again = {text for request in model.embeddings[asked:] for text in request.inputs}
            assert not {digest_of(as_passage(text)) for text in again} & paid
            live = await contents(redis)
            assert live == before
            await let_go(redis)
        assert points == 10

        last = await asyncio.to_thread(footnoted, tmp_path, "reindex", **settings)
        assert last.returncode == 0, last.stderr
        after_kills = await contents(redis)
        await redis.flushall()
        clean = await asyncio.to_thread(footnoted, tmp_path, "reindex", **settings)
        assert clean.returncode == 0, clean.stderr
        assert after_kills == await contents(redis)


def as_passage(embedded: str) -> Passage:
    """A passage that embeds to this text."""
    return Passage("", "", "", embedded)


def read(blog: Blog) -> list[Reached]:
    """After so many more pages of the site."""
    return [after(lambda: blog.requests.total(), count) for count in (1, 20, 41)]


def embedded(redis: Redis, model: OpenAIServer) -> list[Reached]:
    """After so many more requests to the model, and so many more vectors in Redis."""

    async def vectors(count: int) -> bool:
        return len(await kept(redis)) >= count

    return [
        after(lambda: len(model.embeddings), 1),
        after(lambda: len(model.embeddings), 2),
        lambda: vectors(110),
        lambda: vectors(160),
    ]


def published(redis: Redis) -> list[Reached]:
    """When the new edition has an index; when its passages are all in; when the calibration has begun."""

    async def index() -> bool:
        return len(await redis.execute_command("FT._LIST")) > 1

    async def questions() -> bool:
        numbers = [int(number) for number in await redis.smembers(keys.VERSIONS)]
        return bool(await redis.exists(keys.calibration_vectors(max(numbers))))

    return [index, index, questions]


def after(count: Callable[[], int], more: int) -> Reached:
    """When it counts so many more than at the first look."""
    start: list[int] = []

    async def reached() -> bool:
        start.append(count())
        return count() >= start[0] + more

    return reached


async def let_go(redis: Redis) -> None:
    """A dead holder's lease passes on after 15 seconds, for which no test waits."""
    with contextlib.suppress(ResponseError):
        await redis.delete(keys.RUN_LEASE)

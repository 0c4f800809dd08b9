"""What every test stands on: a real Redis in a clean room, the offline models, an event loop that nothing blocks."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from blockbuster import BlockBuster, blockbuster_ctx
from hypothesis import settings as hypothesis_settings
from redis.asyncio import Redis

from bot.app import Bot, create_bot
from bot.config.settings import Settings, load_settings
from bot.embedded_redis import embedded_redis
from core.models.offline_embedder import OfflineEmbedder
from core.storage.connection import connect

# The same examples in every run, so that what is green stays green; `make soak` looks for new ones.
hypothesis_settings.register_profile("steady", derandomize=True)
hypothesis_settings.register_profile("soak", derandomize=False, print_blob=True)
hypothesis_settings.load_profile("steady")


@pytest.fixture(autouse=True)
def nothing_blocks() -> Iterator[BlockBuster]:
    """Fails a test in which something blocks the event loop."""
    with blockbuster_ctx(["bot", "adapters", "core"]) as watch:
        # Counting which lines were run takes a lock, wherever they are run.
        watch.functions["threading.Lock.acquire"].can_block_in("coverage/collector.py", "lock_data")
        # Some bytes: locks of ended processes are taken back with the garbage, in whatever test that is collected.
        watch.functions["os.write"].can_block_in("multiprocessing/resource_tracker.py", {"_check_alive", "_send"})
        yield watch


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test reads the settings of whoever runs it."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an embedded Redis that lives as long as the session."""
    folder = tmp_path_factory.mktemp(f"redis-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}")
    with embedded_redis(folder) as url:
        yield url


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of an empty Redis."""
    client = connect(redis_url)
    await client.flushall()
    yield client
    await client.flushall()
    await client.aclose()


@pytest.fixture(scope="session")
def embedder() -> OfflineEmbedder:
    """The offline embedder; loading it once is enough."""
    return OfflineEmbedder()


@pytest.fixture
def settings(redis_url: str) -> Settings:
    """Settings of an offline bot on the session's Redis; its source is the manual."""
    return load_settings(redis_url=redis_url)


@pytest.fixture
async def bot(redis: Redis, settings: Settings) -> AsyncIterator[Bot]:
    """The whole bot as it is wired, on an empty Redis."""
    async with create_bot(settings) as wired_bot:
        yield wired_bot

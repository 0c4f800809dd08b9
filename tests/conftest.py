"""Fixtures for all tests: a real Redis, the offline models, a clean environment and a guarded event loop."""

import gc
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from blockbuster import BlockBuster, blockbuster_ctx
from hypothesis import settings as hypothesis_settings
from redis.asyncio import Redis

from bot.app import Bot, create_bot
from bot.config.loader import load_settings
from bot.config.settings import Settings
from bot.embedded_redis import embedded_redis
from core.models.offline_embedder import OfflineEmbedder
from core.storage.connection import connect

# Compile each module once for all workers and for the processes that tests start.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Collect garbage less often: with the objects of all tests in memory, it takes a fifth of the time.
gc.set_threshold(50_000, 20, 50)

# Use the same few examples in every run; `make soak` looks for new ones. No deadline: a busy machine is not a bug.
hypothesis_settings.register_profile("steady", derandomize=True, deadline=None, max_examples=50)
hypothesis_settings.register_profile("soak", derandomize=False, deadline=None, print_blob=True, max_examples=500)
hypothesis_settings.load_profile("steady")

SETTING_NAMES = {spelled for name in Settings.model_fields for spelled in (name, name.upper())}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest tests first, so that none of them runs alone at the end."""
    items.sort(key=lambda item: "/breaking/" not in str(item.path) and item.path.name != "test_processes.py")


def pytest_collection_finish() -> None:
    """Exempt what was imported and collected from garbage collection."""
    gc.freeze()


def pytest_xdist_auto_num_workers() -> int:
    """Start two workers per processor for `-n auto`: half of the time, tests wait."""
    return 2 * (os.cpu_count() or 1)


@pytest.fixture(autouse=True)
def nothing_blocks() -> Iterator[BlockBuster]:
    """Fail a test in which something blocks the event loop."""
    with blockbuster_ctx(["bot", "adapters", "core"]) as watch:
        # Coverage resolves the path of each module that is imported.
        for name in ("os.path.abspath", "os.readlink"):
            watch.functions[name].can_block_in("slipcover/importer.py", "matches")
        # Garbage collection releases the locks of ended processes, in any test.
        watch.functions["os.write"].can_block_in("multiprocessing/resource_tracker.py", {"_check_alive", "_send"})
        yield watch


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the developer's settings, and run in an empty folder."""
    for name in SETTING_NAMES.intersection(os.environ):
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start one embedded Redis per worker and return its URL."""
    folder = tmp_path_factory.mktemp(f"redis-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}")
    with embedded_redis(folder) as url:
        yield url


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """Connect to an empty Redis."""
    client = connect(redis_url)
    await client.flushall()
    yield client
    await client.flushall()
    await client.aclose()


@pytest.fixture(scope="session")
def embedder() -> OfflineEmbedder:
    """Load the offline embedder once."""
    return OfflineEmbedder()


@pytest.fixture
def settings(redis_url: str) -> Settings:
    """Return the settings of an offline bot that answers from the manual."""
    return load_settings(redis_url=redis_url)


@pytest.fixture
async def bot(redis: Redis, settings: Settings) -> AsyncIterator[Bot]:
    """Build the whole bot on an empty Redis."""
    async with create_bot(settings) as wired_bot:
        yield wired_bot

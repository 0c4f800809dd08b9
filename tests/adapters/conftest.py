"""A bot that has read the garden blog."""

from collections.abc import AsyncIterator, Iterator, MutableMapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.app import Bot
from bot.config.loader import load_settings
from bot.config.settings import Settings
from core.indexing.progress import Progress
from tests.adapters.garden import write_posts
from tests.servers.openai import OpenAIServer

Logged = list[MutableMapping[str, Any]]


@pytest.fixture(autouse=True)
def logged() -> Iterator[Logged]:
    """What is logged, as it was said: rendering a traceback would read source files within the event loop."""
    with capture_logs() as lines:
        yield lines


@pytest.fixture(scope="session")
def posts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the garden blog once per session, so that tests need not index it again."""
    return write_posts(tmp_path_factory.mktemp("garden") / "posts")


@pytest.fixture
async def model() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer() as model:
        yield model


@cache
def garden_settings(redis_url: str, posts: Path, model_url: str | None = None) -> Settings:
    """Load the settings of a bot whose source is the garden blog; loading takes as long as an answer."""
    garden = {"name": "garden", "folder": posts, "url": "https://garden.example/" if model_url else None}
    return load_settings(redis_url=redis_url, sources=[garden], openai_base_url=model_url, rewrite=False)


def settings_with(model: OpenAIServer, redis_url: str, posts: Path) -> Settings:
    """Return the settings of a bot whose model is the loopback one."""
    loaded = garden_settings(redis_url, posts, "http://127.0.0.1:1/v1")
    return loaded.model_copy(update={"openai_base_url": model.base_url})


@pytest.fixture
def settings(redis_url: str, posts: Path) -> Settings:
    """Settings of an offline bot whose source is the garden blog."""
    return garden_settings(redis_url, posts)


@pytest.fixture
async def bot(bot: Bot) -> Bot:
    """The offline bot, with the blog read."""
    await bot.reindex(unseen)
    return bot


def unseen(progress: Progress) -> None:
    """Ignore the progress of indexing."""

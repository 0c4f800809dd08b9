"""A bot that has read the garden blog."""

from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.app import Bot
from bot.config.loader import load_settings
from bot.config.settings import Settings
from core.indexing.progress import Progress
from tests.adapters.garden import write_posts

Logged = list[MutableMapping[str, Any]]


@pytest.fixture(autouse=True)
def logged() -> Iterator[Logged]:
    """What is logged, as it was said: rendering a traceback would read source files within the event loop."""
    with capture_logs() as lines:
        yield lines


@pytest.fixture
def settings(redis_url: str, tmp_path: Path) -> Settings:
    """Settings of an offline bot whose source is the garden blog."""
    folder = write_posts(tmp_path / "posts")
    return load_settings(redis_url=redis_url, sources=[{"name": "garden", "folder": folder}])


@pytest.fixture
async def bot(bot: Bot) -> Bot:
    """The offline bot, with the blog read."""
    await bot.reindex(unseen)
    return bot


def unseen(progress: Progress) -> None:
    """Ignore the progress of indexing."""

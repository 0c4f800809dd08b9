"""A bot that has read the garden blog."""

from pathlib import Path

import pytest

from bot.settings import Settings, load_settings
from bot.wiring import Bot
from core.reindexing.progress import Progress
from tests.adapters.garden import write_posts


@pytest.fixture
def settings(redis_url: str, tmp_path: Path) -> Settings:
    """Settings of an offline bot whose source is the garden blog."""
    folder = write_posts(tmp_path / "posts")
    return load_settings(redis_url=redis_url, sources=[{"name": "garden", "folder": folder}])


@pytest.fixture
async def bot(bot: Bot) -> Bot:
    """The offline bot, with the blog read."""
    await bot.read(unseen)
    return bot


def unseen(progress: Progress) -> None:
    """Nobody watches the reading."""

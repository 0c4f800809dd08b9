"""`footnoted forget`: erase everything that is stored about a person."""

import asyncio
from dataclasses import asdict

import typer
from rich.console import Console

from adapters.console import print_json
from bot.app import create_bot
from bot.config.settings import Settings
from bot.config.types import PLATFORM_NAMES
from core.storage.erasure import ErasedCounts


def parse_user(text: str) -> str:
    """Validate `PLATFORM:ID`. Raises BadParameter."""
    platform, _, user_id = text.partition(":")
    if platform not in PLATFORM_NAMES or not user_id.strip():
        raise typer.BadParameter("use PLATFORM:ID, such as slack:U0123456789.")
    return text


def forget(settings: Settings, user: str, out: Console, json: bool = False) -> int:
    """Erase, and print how much there was."""
    erased = asyncio.run(_erase(settings, user))
    if json:
        print_json(asdict(erased))
    else:
        out.print(_summary(user, erased), highlight=False, soft_wrap=True)
    return 0


async def _erase(settings: Settings, user: str) -> ErasedCounts:
    platform, _, user_id = user.partition(":")
    async with create_bot(settings) as bot:
        return await bot.eraser.forget(platform, user_id.strip())


def _summary(user: str, erased: ErasedCounts) -> str:
    if not (erased.questions or erased.turns or erased.votes):
        return f"Nothing is stored about {user}."
    return (
        f"Erased for {user}: {erased.questions} questions and their answers, {erased.turns} conversation turns, "
        f"{erased.votes} votes."
    )

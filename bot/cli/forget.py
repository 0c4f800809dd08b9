"""`footnoted forget`: erase everything that is stored about a person."""

from dataclasses import asdict

import typer
from rich.console import Console

from adapters.console import print_json
from bot.app import create_bot
from bot.cli.exit_codes import OK
from bot.config.settings import Settings
from bot.config.types import PLATFORM_NAMES
from core.storage.erasure import ErasedCounts


def parse_user(text: str) -> str:
    """Validate `PLATFORM:ID`. Raises BadParameter."""
    platform, _, user_id = text.partition(":")
    if platform not in PLATFORM_NAMES or not user_id.strip():
        raise typer.BadParameter("use PLATFORM:ID, such as slack:U0123456789.")
    return text


async def forget(settings: Settings, user: str, out: Console, json: bool = False) -> int:
    """Erase the user's data and print how much was erased; return the exit code."""
    platform, _, user_id = user.partition(":")
    async with create_bot(settings) as bot:
        erased = await bot.eraser.forget(platform, user_id.strip())
    if json:
        print_json(asdict(erased))
    else:
        out.print(_summary(user, erased), highlight=False, soft_wrap=True)
    return OK


def _summary(user: str, erased: ErasedCounts) -> str:
    if not (erased.questions or erased.turns or erased.votes):
        return f"Nothing is stored about {user}."
    parts = (
        _count(erased.questions, "question with its answer", "questions with their answers"),
        _count(erased.turns, "conversation turn", "conversation turns"),
        _count(erased.votes, "vote", "votes"),
    )
    return f"Erased for {user}: {', '.join(parts[:-1])} and {parts[-1]}."


def _count(count: int, singular: str, plural: str) -> str:
    return f"{count:,} {singular if count == 1 else plural}"

"""`footnoted forget`: all that is kept of one person goes."""

import asyncio
from dataclasses import asdict

import typer
from rich.console import Console

from adapters.console import print_json
from bot.app import create_bot
from bot.config.settings import Settings
from bot.platforms import CHATS
from core.storage.erasure import ErasedCounts


def person(text: str) -> str:
    """`slack:U0123456789`; anything else is refused with a sentence."""
    platform, _, person_id = text.partition(":")
    if platform not in CHATS or not person_id.strip():
        raise typer.BadParameter(f"name the platform and the id, such as {CHATS[0]}:U0123456789.")
    return text


def forget(settings: Settings, user: str, out: Console, json: bool = False) -> int:
    """Removes, and says how much there was."""
    forgotten = asyncio.run(_forget(settings, user))
    if json:
        print_json(asdict(forgotten))
    else:
        out.print(_sentence(user, forgotten), highlight=False, soft_wrap=True)
    return 0


async def _forget(settings: Settings, user: str) -> ErasedCounts:
    platform, _, person_id = user.partition(":")
    async with create_bot(settings) as bot:
        return await bot.eraser.forget(platform, person_id.strip())


def _sentence(user: str, forgotten: ErasedCounts) -> str:
    if not (forgotten.questions or forgotten.turns or forgotten.votes):
        return f"Nothing is kept of {user}."
    return (
        f"Of {user} {forgotten.questions} questions with their answers, {forgotten.turns} turns of conversations and "
        f"{forgotten.votes} votes were removed."
    )

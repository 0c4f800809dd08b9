"""Which chat platforms the bot speaks on: those that there are tokens for."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from typing import Protocol, cast

from aiohttp import web

from bot.app import Bot
from bot.config.settings import Settings
from core.errors import StartupError

CHATS = ("slack", "discord")
"""The names of all platforms that people are known on."""


class Platform(Protocol):
    """One platform's bot, alive within `open`."""

    @property
    def name(self) -> str: ...

    def open(self) -> AbstractAsyncContextManager[None]:
        """Listens. Raises StartupError for a token that is wrong."""
        ...

    def problem(self) -> str:
        """What keeps it from being heard at this moment; nothing when all is well."""
        ...

    async def post(self, channel: str, text: str) -> None:
        """Writes Markdown into a channel, unasked. Raises DeliveryError."""
        ...

    async def check(self) -> str:
        """Who the bot is there. Raises StartupError for what is wrong, each with its cure."""
        ...

    @property
    def routes(self) -> list[web.RouteDef]:
        """What the platform itself has to reach on the web server; each checks for itself who sends."""
        ...


Build = Callable[[Bot], Platform]


async def build_platforms(bot: Bot) -> list[Platform]:
    """The platforms of the settings. Only their own modules are imported: an SDK takes a second, which is not to be
    waited for by those who do not use it."""
    modules = [await asyncio.to_thread(import_module, name) for name in _modules(bot.settings)]
    return [cast("Build", module.build)(bot) for module in modules]


@asynccontextmanager
async def all_open(platforms: Sequence[Platform]) -> AsyncGenerator[None, None]:
    """All platforms, opened and closed beside each other: what runs on one does not shorten the time of the others.
    Raises StartupError with all that is wrong on any of them."""
    ended = asyncio.Event()
    opened = {platform.name: asyncio.Event() for platform in platforms}

    async def hold(platform: Platform) -> None:
        async with platform.open():
            opened[platform.name].set()
            await ended.wait()

    try:
        async with asyncio.TaskGroup() as tasks:
            for platform in platforms:
                tasks.create_task(hold(platform))
            for event in opened.values():
                await event.wait()
            try:
                yield
            finally:
                ended.set()
    except ExceptionGroup as group:
        known = [error for error in group.exceptions if isinstance(error, StartupError)]
        if len(known) < len(group.exceptions):
            raise
        raise StartupError(*(problem for error in known for problem in error.problems)) from group


def _modules(settings: Settings) -> list[str]:
    modules = {"bot.on_slack": settings.slack_bot_token, "bot.on_discord": settings.discord_bot_token}
    return [module for module, token in modules.items() if token]

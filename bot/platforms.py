"""The chat platforms: the table of builders, and their shared life cycle."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from aiohttp import web

from bot.app import Bot
from bot.config.settings import Settings
from bot.config.types import PlatformName
from core.chat.services import ChatServices
from core.errors import StartupError


class Platform(Protocol):
    """A chat platform's bot; it listens within `open`."""

    @property
    def name(self) -> str: ...

    def open(self) -> AbstractAsyncContextManager[None]:
        """Connect and listen. Raises StartupError for an invalid token."""
        ...

    def problem(self) -> str:
        """Return why the platform cannot be reached right now; empty if it can."""
        ...

    async def post(self, channel: str, text: str) -> None:
        """Post Markdown to a channel. Raises DeliveryError."""
        ...

    async def check(self) -> str:
        """Return the bot's identity on the platform. Raises StartupError with every problem and its cure."""
        ...

    @property
    def routes(self) -> list[web.RouteDef]:
        """HTTP routes that the platform calls; each authenticates its sender itself."""
        ...


def _build_slack(settings: Settings, services: ChatServices) -> Platform:
    from adapters.slack.app import Access, SlackBot

    token, app, signing = settings.slack_bot_token, settings.slack_app_token, settings.slack_signing_secret
    access = Access(
        bot_token=token.get_secret_value() if token else "",
        app_token=app.get_secret_value() if app else "",
        signing_secret=signing.get_secret_value() if signing else "",
        api_url=settings.slack_api_url,
        sockets=settings.slack_sockets,
        admins=frozenset(settings.slack_admins),
    )
    return SlackBot(services, access)


def _build_discord(settings: Settings, services: ChatServices) -> Platform:
    from adapters.discord.app import Access, DiscordBot

    token = settings.discord_bot_token
    shards, count = settings.discord_shards or ((), None)
    access = Access(
        bot_token=token.get_secret_value() if token else "",
        api_url=settings.discord_api_url or "",
        gateway_url=settings.discord_gateway_url or "",
        guilds=tuple(map(int, settings.discord_guilds)),
        shards=shards,
        shard_count=count,
        admins=frozenset(settings.discord_admins),
    )
    return DiscordBot(services, access)


Builder = Callable[[Settings, ChatServices], Platform]

BUILDERS: Mapping[PlatformName, Builder] = {"slack": _build_slack, "discord": _build_discord}
"""A platform is on if its `…_BOT_TOKEN` is set. Builders import the SDK themselves: each takes a second."""


def build_platforms(bot: Bot) -> list[Platform]:
    """Build the platforms that settings have a token for."""
    settings = bot.settings
    return [build(settings, bot.chat_services(name)) for name, build in BUILDERS.items() if settings.has_platform(name)]


@asynccontextmanager
async def all_open(platforms: Sequence[Platform]) -> AsyncGenerator[None, None]:
    """Open and close all platforms concurrently, so that none uses up another's time to shut down.

    Raises StartupError with the problems of all platforms.
    """
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

"""The chat platforms: the table of builders, and their shared life cycle."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import chain, repeat
from typing import Protocol

import structlog
from aiohttp import web

from bot.app import Bot
from bot.config.settings import Settings
from bot.config.types import PlatformName
from core.chat.services import ChatServices
from core.errors import Problem, StartupError, to_footnoted_error
from core.exception_groups import first_error

log = structlog.get_logger()

RETRY_DELAYS = (30.0, 60.0, 120.0, 300.0, 600.0)
"""Seconds before each attempt to open a platform that failed; the last one repeats."""


class Reachable(Protocol):
    """A chat platform that messages can be posted to."""

    @property
    def name(self) -> str: ...

    def problem(self) -> str:
        """Return why the platform cannot be reached right now; empty if it can."""
        ...

    async def post(self, channel: str, text: str) -> None:
        """Post Markdown to a channel. Raises DeliveryError."""
        ...


class Platform(Reachable, Protocol):
    """A chat platform's bot; it listens within `open`."""

    def open(self) -> AbstractAsyncContextManager[None]:
        """Connect and listen. Raises StartupError for an invalid token."""
        ...

    async def wait_until_failed(self) -> None:
        """Wait for a failure that only opening the platform again can mend; `problem` tells it."""
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


class SupervisedPlatform:
    """A platform that is opened again whenever it fails, so that it never ends the process or another platform."""

    def __init__(self, platform: Platform, retry_delays: Sequence[float] = RETRY_DELAYS) -> None:
        self._platform = platform
        self._retry_delays = retry_delays
        self._failure = ""
        self.name = platform.name
        self.routes = platform.routes
        self.tried = asyncio.Event()
        """Set once the first attempt has succeeded or failed."""

    def problem(self) -> str:
        """Return why the platform cannot be reached right now; empty if it can."""
        return self._failure or self._platform.problem()

    async def post(self, channel: str, text: str) -> None:
        """Post Markdown to a channel. Raises DeliveryError."""
        await self._platform.post(channel, text)

    async def keep_open(self, ended: asyncio.Event) -> None:
        """Keep the platform open until `ended`, with pauses between attempts."""
        for delay in chain(self._retry_delays, repeat(self._retry_delays[-1])):
            try:
                await self._hold(ended)
            except Exception as error:  # Boundary: a platform that fails must not end the others.
                self._note_failure(first_error(error), delay)
            self.tried.set()
            if await _is_set_within(ended, delay):
                return

    async def _hold(self, ended: asyncio.Event) -> None:
        async with self._platform.open():
            self._failure = ""
            self.tried.set()
            waiting = [asyncio.ensure_future(ended.wait()), asyncio.ensure_future(self._platform.wait_until_failed())]
            try:
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in waiting:
                    each.cancel()
            problem = self._platform.problem()
        if not ended.is_set():
            raise StartupError(Problem(problem, ""))

    def _note_failure(self, error: Exception, retry_in: float) -> None:
        known = to_footnoted_error(error)
        self._failure = known.user_message.strip()
        unexpected = None if isinstance(known, StartupError) else error
        log.error(
            "platform unavailable",
            platform=self.name,
            problem=self._failure,
            error_id=known.id,
            retry_in=retry_in,
            exc_info=unexpected,
        )


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


@asynccontextmanager
async def all_open(platforms: Sequence[SupervisedPlatform]) -> AsyncGenerator[None, None]:
    """Keep all platforms open, and close them concurrently, so that none uses up another's time to shut down.

    The block begins when each has been tried once.
    """
    ended = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for platform in platforms:
            tasks.create_task(platform.keep_open(ended))
        try:
            for platform in platforms:
                await platform.tried.wait()
            yield
        finally:
            ended.set()

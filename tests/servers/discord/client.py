"""A discord.py bot for the tests of the loopback Discord; it records events and has a few commands."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar
from unittest.mock import patch

import discord
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket

from tests.servers.discord.changes import Changes
from tests.servers.discord.server import DiscordServer

READY_QUICKLY = 0.05
"""Seconds without a further guild after which discord.py says that it is ready; by itself it waits two."""

SomeBot = TypeVar("SomeBot", bound="Bot")


class Bot(discord.AutoShardedClient):
    """`events` are names and arguments of what was dispatched to it. Its commands are registered as it starts."""

    def __init__(self, intents: discord.Intents | None = None, **options: Any) -> None:
        options.setdefault("guild_ready_timeout", READY_QUICKLY)
        super().__init__(intents=intents or discord.Intents.default(), **options)
        self.tree = app_commands.CommandTree(self)
        self.events: list[tuple[str, tuple[Any, ...]]] = []
        self.sync = True
        self.watch = Changes()

    async def setup_hook(self) -> None:
        if self.sync:
            await self.tree.sync()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Not the five seconds that discord.py waits before each identify but the first."""

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        self.events.append((event, args))
        super().dispatch(event, *args, **kwargs)
        self.watch.changed()

    def got(self, event: str) -> list[Any]:
        """The first argument of each of these events, or None."""
        return [args[0] if args else None for name, args in self.events if name == event]


class RecordingBot(Bot):
    """A bot that lets the test respond: it only keeps what it was asked with `/ask question`."""

    def __init__(self) -> None:
        super().__init__()
        self.tree.add_command(app_commands.Command(name="ask", description="Ask", callback=keep))

    async def asked(self, number: int = 0) -> discord.Interaction:
        """The interaction of that number, counted from 0, as soon as it is here."""
        await self.watch.until(lambda: len(self.got("interaction")) > number)
        return self.got("interaction")[number]  # type: ignore[no-any-return]


async def keep(interaction: discord.Interaction, question: str) -> None:
    """The test responds."""


@contextmanager
def pointed_at(server: DiscordServer) -> Iterator[None]:
    """discord.py talks to this server instead of to discord.com."""
    with (
        patch.object(discord.http.Route, "BASE", server.api_url),
        patch.object(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(server.gateway_url)),
    ):
        yield


@asynccontextmanager
async def running(server: DiscordServer, bot: SomeBot, token: str | None = None) -> AsyncIterator[SomeBot]:
    """The bot, connected to that server and ready, for as long as the block lasts."""
    with pointed_at(server):
        async with bot, asyncio.TaskGroup() as tasks:
            tasks.create_task(bot.start(token or server.token))
            await bot.wait_until_ready()
            yield bot
            await bot.close()


@asynccontextmanager
async def logged_in(server: DiscordServer) -> AsyncIterator[discord.Client]:
    """A client that knows its token and is not connected to the gateway: REST alone."""
    client = discord.Client(intents=discord.Intents.none())
    with pointed_at(server):
        async with client:
            await client.login(server.token)
            yield client

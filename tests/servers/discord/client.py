"""A discord.py bot that records events, for the tests of the loopback Discord."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar
from unittest.mock import patch

import discord
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket

from tests.servers.changes import Changes
from tests.servers.discord.server import DiscordServer

READY_QUICKLY = 0.05
"""Seconds without a further guild after which discord.py says that it is ready; by itself it waits two."""

SomeBot = TypeVar("SomeBot", bound="Bot")


class Bot(discord.AutoShardedClient):
    """Records its events by name and arguments. Its commands are registered at startup."""

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
        """Skip discord.py's wait of five seconds before every identify but the first."""

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        self.events.append((event, args))
        super().dispatch(event, *args, **kwargs)
        self.watch.changed()

    def got(self, event: str) -> list[Any]:
        """Return the first argument of each event of that name, or None."""
        return [args[0] if args else None for name, args in self.events if name == event]


class RecordingBot(Bot):
    """A bot that records `/ask question` interactions and leaves the response to the test."""

    def __init__(self) -> None:
        super().__init__()
        self.tree.add_command(app_commands.Command(name="ask", description="Ask", callback=leave_to_test))

    async def interaction(self, number: int = 0) -> discord.Interaction:
        """Return an interaction by its number, counted from 0, once it arrives."""
        await self.watch.until(lambda: len(self.got("interaction")) > number)
        return self.got("interaction")[number]  # type: ignore[no-any-return]


async def leave_to_test(interaction: discord.Interaction, question: str) -> None:
    """Do nothing: the test responds."""


@contextmanager
def pointed_at(server: DiscordServer) -> Iterator[None]:
    """Point discord.py at this server."""
    with (
        patch.object(discord.http.Route, "BASE", server.api_url),
        patch.object(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(server.gateway_url)),
    ):
        yield


@asynccontextmanager
async def running(server: DiscordServer, bot: SomeBot, token: str | None = None) -> AsyncIterator[SomeBot]:
    """Run the bot, connected and ready, inside the block."""
    with pointed_at(server):
        async with bot, asyncio.TaskGroup() as tasks:
            tasks.create_task(bot.start(token or server.token))
            await bot.wait_until_ready()
            yield bot
            await bot.close()


@asynccontextmanager
async def logged_in(server: DiscordServer) -> AsyncIterator[discord.Client]:
    """Yield a logged-in client without a gateway connection, for REST only."""
    client = discord.Client(intents=discord.Intents.none())
    with pointed_at(server):
        async with client:
            await client.login(server.token)
            yield client

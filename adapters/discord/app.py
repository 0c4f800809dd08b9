"""The Discord bot, from login to the last answer."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import discord
import structlog
from aiohttp import web
from discord.http import Route

from adapters.discord.client import Client, invite_link
from adapters.discord.command_sync import sync
from adapters.discord.commands import Autocomplete, DescriptionTranslator, Tree, command_tree
from adapters.discord.connection import INVALID_TOKEN, Connection
from adapters.discord.escaping import cut_message, neutralize_mentions
from adapters.discord.listeners import Listeners
from adapters.discord.message_sender import MessageSender, ReplyTarget
from adapters.discord.messages import message_content
from adapters.discord.rest_api import RestApi
from core.chat.platform_errors import PlatformError
from core.chat.services import ChatServices
from core.errors import DeliveryError, Problem, StartupError

log = structlog.get_logger()

CONNECT_TIMEOUT = 10.0
"""Seconds that the start waits for the gateway, to report a wrong token or a missing intent at once."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach Discord.

    `api_url` and `gateway_url` override Discord's own addresses. Commands are registered globally, or only in the
    `guilds` if there are any. `admins` are user ids with the rights of members who manage a server. `shards` are the
    shards of this process out of `shard_count`; without a count, Discord decides and this process opens all. An
    interaction's token is used for `token_lifetime`: of its 15 minutes, one is left for calls that take long.
    """

    bot_token: str
    api_url: str = ""
    gateway_url: str = ""
    guilds: tuple[int, ...] = ()
    shards: tuple[int, ...] = ()
    shard_count: int | None = None
    admins: frozenset[str] = frozenset()
    token_lifetime: timedelta = timedelta(minutes=14)
    identify_every: timedelta = timedelta(seconds=5)


class DiscordBot:
    """The bot in all its servers."""

    name = "discord"

    def __init__(self, services: ChatServices, access: Access) -> None:
        self._services = services
        self._access = access
        self._connection: Connection | None = None
        self._client: Client | None = None
        self._listeners: Listeners | None = None
        self._tree: Tree | None = None

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None, None]:
        """Listen for the length of the block; at its end, running answers may finish.

        Raise StartupError for a wrong token or a missing intent; while Discord is unreachable, keep trying.
        """
        self._listeners = self._tree = None
        client, connection = self._build()
        self._client = client
        ended = asyncio.Event()
        listening = asyncio.create_task(self._listen(client, connection, ended))
        try:
            await _wait_until_connected(client, connection)
            if connection.fatal:
                raise StartupError(connection.fatal)
            yield
        finally:
            ended.set()
            if self._listeners is None:
                listening.cancel()
            await asyncio.wait([listening])
            await client.close()

    async def wait_until_failed(self) -> None:
        """Wait for a problem that ends all attempts of the connection."""
        if self._connection:
            await self._connection.failed.wait()

    def problem(self) -> str:
        return self._connection.problem() if self._connection else "Discord has not been reached yet."

    async def post(self, channel: str, text: str) -> None:
        """Write Markdown to a channel, cut if it is too long. Raise DeliveryError."""
        if self._client is None:
            raise DeliveryError("Discord is not open")
        sender = MessageSender(RestApi(self._client), ReplyTarget(channel, user=""))
        try:
            await sender.create(message_content(cut_message(neutralize_mentions(text))))
        except PlatformError as error:
            raise DeliveryError(f"Discord: {error}") from error

    async def check(self) -> str:
        """Return the bot's name and invite link. Raise StartupError for a wrong token or an unreachable Discord."""
        client, _ = self._build()
        async with client:
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT):
                    user = await client.http.static_login(self._access.bot_token)
                    application = await client.http.application_info()
            except discord.LoginFailure:
                raise StartupError(INVALID_TOKEN) from None
            except (discord.HTTPException, OSError, TimeoutError) as error:
                cure = "Check the network, and DISCORD_API_URL if it is set."
                raise StartupError(Problem(f"Discord cannot be reached: {error}.", cure)) from error
        return f"{user['username']}; invite link: {invite_link(str(application['id']))}"

    @property
    def routes(self) -> list[web.RouteDef]:
        """No routes: the bot itself opens the connection."""
        return []

    def _build(self) -> tuple[Client, Connection]:
        if self._access.api_url:
            Route.BASE = self._access.api_url.rstrip("/")
        client = Client(
            every_question=self._services.answers_every_question_anywhere(),
            gateway=self._access.gateway_url,
            identify_every=self._access.identify_every,
            shards=self._access.shards,
            shard_count=self._access.shard_count,
            set_up=self._set_up,
        )
        self._connection = Connection(client, self._access.bot_token)
        return client, self._connection

    async def _set_up(self, client: Client) -> None:
        """Register listeners after the first login, which tells the bot's own id, and sync commands after each."""
        if self._listeners is None or self._tree is None:
            self._listeners = Listeners(client, self._services, self._access.admins, self._access.token_lifetime)
            self._listeners.register(client)
            self._tree = command_tree(client, self._listeners.on_command, Autocomplete(self._services))
        await sync(client, self._tree, DescriptionTranslator(), self._access.guilds)

    async def _listen(self, client: Client, connection: Connection, ended: asyncio.Event) -> None:
        """Log in and listen until `ended`. Events that arrive while the last answers finish are still claimed, for the
        next process.
        """
        try:
            await connection.log_in()
        except StartupError:
            return  # `open` raises it
        if self._listeners is None:
            raise RuntimeError("the login did not set up the listeners")
        log.info("Discord login succeeded", user=str(client.user))
        async with AsyncExitStack() as stack:
            # The dispatcher opens before the connection and closes before it.
            closing = await stack.enter_async_context(AsyncExitStack())
            await stack.enter_async_context(self._listeners.dispatcher.open())
            connecting = asyncio.create_task(connection.run())
            closing.push_async_callback(asyncio.wait, [connecting])
            closing.callback(connecting.cancel)
            await ended.wait()


async def _wait_until_connected(client: Client, connection: Connection) -> None:
    """Wait until the bot is connected or has failed, up to CONNECT_TIMEOUT."""
    waiting = [asyncio.ensure_future(event.wait()) for event in (client.connected, connection.failed)]
    await asyncio.wait(waiting, timeout=CONNECT_TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
    for each in waiting:
        each.cancel()

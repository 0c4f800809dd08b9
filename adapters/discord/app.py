"""The Discord bot, and its life from the login to the last answer."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import discord
import structlog
from aiohttp import web
from discord.http import Route

from adapters.discord.client import Client
from adapters.discord.command_sync import sync
from adapters.discord.commands import Tree, command_tree
from adapters.discord.connection import TOKEN_WRONG, Connection
from adapters.discord.escaping import neutralize_mentions
from adapters.discord.invite import invite_link
from adapters.discord.listeners import Listeners
from adapters.discord.message_sender import MessageSender
from adapters.discord.messages import LONGEST, message
from adapters.discord.reply_target import ReplyTarget
from adapters.discord.rest_api import DiscordRefusedError, DiscordUnreachableError, RestApi
from core.chat.services import ChatServices
from core.errors import DeliveryError, Problem, StartupError

log = structlog.get_logger()

CONNECTS_WITHIN = 10.0
"""Seconds that the start waits for the gateway, to tell at once what is wrong with a token or an intent."""


@dataclass(frozen=True, slots=True)
class Access:
    """How Discord is reached. `api_url` and `gateway_url` replace Discord's own addresses. Commands are registered
    everywhere, or in the `guilds` alone when there are any. `admins` are people, by their ids, who may do what those
    may who manage a server. `shards` are this process', of `shard_count`; without a count, Discord says how many there
    are, and all are this process'. For so long as `token_lasts` an interaction's token is used: Discord lets it live
    for 15 minutes, of which one is left for what takes longer than it should."""

    bot_token: str
    api_url: str = ""
    gateway_url: str = ""
    guilds: tuple[int, ...] = ()
    shards: tuple[int, ...] = ()
    shard_count: int | None = None
    admins: frozenset[str] = frozenset()
    token_lasts: timedelta = timedelta(minutes=14)
    identify_every: timedelta = timedelta(seconds=5)


class DiscordBot:
    """The bot in all its servers. To be used within `open`, once."""

    name = "discord"

    def __init__(self, desk: ChatServices, access: Access) -> None:
        self._desk = desk
        self._access = access
        self._connection: Connection | None = None
        self._client: Client | None = None
        self._listeners: Listeners | None = None
        self._tree: Tree | None = None

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None, None]:
        """Listens, for the length of the block. At its end no more is begun, and what runs may finish. Raises
        StartupError
        for a token that is wrong and an intent that the bot does not have; what cannot be reached is tried on."""
        client, connection = self._build()
        self._client = client
        ended = asyncio.Event()
        life = asyncio.create_task(self._live(client, connection, ended))
        try:
            await _connected(client, connection)
            if connection.fatal:
                raise StartupError(connection.fatal)
            yield
        finally:
            ended.set()
            if self._listeners is None:
                life.cancel()
            await asyncio.wait([life])
            await client.close()

    def problem(self) -> str:
        """What keeps the bot from hearing Discord at this moment; nothing when all is well."""
        return self._connection.problem() if self._connection else "Discord has not been reached yet."

    async def post(self, channel: str, text: str) -> None:
        """Writes Markdown into a channel, unasked. Raises DeliveryError."""
        if self._client is None:
            raise DeliveryError("Discord is not open")
        shown = neutralize_mentions(text)
        if len(shown) > LONGEST:
            shown = shown[:LONGEST].rsplit("\n", 1)[0]
        try:
            await MessageSender(RestApi(self._client), ReplyTarget(channel, user="")).create(message(shown))
        except (DiscordRefusedError, DiscordUnreachableError) as error:
            raise DeliveryError(f"Discord: {error}") from error

    async def check(self) -> str:
        """Who the bot is there, and the link by which it is invited. Raises StartupError for a token that is wrong."""
        client, _ = self._build()
        async with client:
            try:
                async with asyncio.timeout(CONNECTS_WITHIN):
                    me = await client.http.static_login(self._access.bot_token)
                    application = await client.http.application_info()
            except discord.LoginFailure:
                raise StartupError(TOKEN_WRONG) from None
            except (discord.HTTPException, OSError, TimeoutError) as error:
                cure = "Look at the network, and at DISCORD_API_URL if it is set."
                raise StartupError(Problem(f"Discord cannot be reached: {error}.", cure)) from error
        return f"{me['username']}; invite it by {invite_link(str(application['id']))}"

    @property
    def routes(self) -> list[web.RouteDef]:
        """None: the bot itself opens the connection."""
        return []

    def _build(self) -> tuple[Client, Connection]:
        if self._access.api_url:
            Route.BASE = self._access.api_url.rstrip("/")
        client = Client(
            every_question=self._desk.channels.any_answers_every_question("discord"),
            gateway=self._access.gateway_url,
            identify_every=self._access.identify_every,
            shards=self._access.shards,
            shard_count=self._access.shard_count,
            set_up=self._set_up,
        )
        self._connection = Connection(client, self._access.bot_token)
        return client, self._connection

    async def _set_up(self, client: Client) -> None:
        """After each login: now the bot knows its own id."""
        if self._listeners is None or self._tree is None:
            self._listeners = Listeners(client, self._desk, self._access.admins, self._access.token_lasts)
            self._listeners.register(client)
            self._tree = command_tree(client, self._listeners)
        await sync(client, self._tree, self._access.guilds)

    async def _live(self, client: Client, connection: Connection, ended: asyncio.Event) -> None:
        """Events that come while the last answers are being finished are still taken, for the process that comes
        next."""
        try:
            await connection.log_in()
        except StartupError:
            return  # `open` tells it
        if self._listeners is None:
            raise RuntimeError("a login sets up the listeners")
        log.info("Discord knows this bot", user=str(client.user))
        async with AsyncExitStack() as stack:
            # What is heard can be handled; and the connection is closed after the last answer.
            closing = await stack.enter_async_context(AsyncExitStack())
            await stack.enter_async_context(self._listeners.handling.open())
            connecting = asyncio.create_task(connection.run())
            closing.push_async_callback(asyncio.wait, [connecting])
            closing.callback(connecting.cancel)
            await ended.wait()


async def _connected(client: Client, connection: Connection) -> None:
    """Until the bot is connected, or cannot be; but not for ever."""
    waiting = [asyncio.ensure_future(event.wait()) for event in (client.connected, connection.failed)]
    await asyncio.wait(waiting, timeout=CONNECTS_WITHIN, return_when=asyncio.FIRST_COMPLETED)
    for each in waiting:
        each.cancel()

"""The gateway client: least-privileged intents and permissions, no caches, buttons recognized by their custom ids."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Self
from urllib.parse import urlencode

import discord
import structlog
import yarl
from discord import ui
from discord.gateway import DiscordWebSocket

from core.throttle_telemetry import throttle_trace_config

log = structlog.get_logger()

MAX_RATE_LIMIT_WAIT = 60.0
"""Seconds that discord.py may wait for a rate limit; longer waits fail. Only edits of old messages have them."""

PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    read_message_history=True,  # needed for replies
)

discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # the bot does not use voice

Interaction = discord.Interaction[Any]
OnPress = Callable[[Interaction, str, str, str], Awaitable[None]]
"""Called when a button is pressed, with its action, its subject and its label."""


def intents(every_question: bool) -> discord.Intents:
    """Return the intents for guilds and messages.

    Discord sends the text only of messages that mention the bot and of direct messages; to answer `every_question`
    the bot needs the privileged message content intent. Where the application has it, it is always used, for follow-ups
    in threads.
    """
    wanted = discord.Intents.none()
    wanted.guilds = wanted.guild_messages = wanted.dm_messages = True
    wanted.message_content = every_question
    return wanted


def invite_link(application_id: str) -> str:
    """Return the link through which a server's managers invite the bot with the permissions it needs."""
    scope = "bot applications.commands"
    query = urlencode({"client_id": application_id, "scope": scope, "permissions": PERMISSIONS.value})
    return f"https://discord.com/oauth2/authorize?{query}"


class Client(discord.AutoShardedClient):
    """discord.py's client with our intents, sharding and buttons.

    `on_press` is awaited for each press of our buttons, `set_up` after each login. `gateway` overrides the address that
    Discord names. `shards` are the shards of this process out of `shard_count`; without a count, Discord decides how
    many there are and all are opened. `identify_every` is the pause between two identifies, five seconds at Discord.
    """

    def __init__(
        self,
        *,
        every_question: bool,
        gateway: str,
        identify_every: timedelta,
        shards: tuple[int, ...] = (),
        shard_count: int | None = None,
        set_up: Callable[["Client"], Awaitable[None]],
    ) -> None:
        self._requested = intents(every_question)
        super().__init__(
            intents=self._requested,
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_ratelimit_timeout=MAX_RATE_LIMIT_WAIT,
            shard_count=shard_count,
            http_trace=throttle_trace_config("discord"),
        )
        self._gateway = yarl.URL(gateway) if gateway else None
        self._configured_shard_count = shard_count
        self.shard_ids = list(shards) or None
        self._identify_every = identify_every.total_seconds()
        self.on_press: OnPress | None = None
        self._set_up = set_up
        self.connected = asyncio.Event()
        """Set when the first shard has connected."""
        self.add_dynamic_items(Button)

    async def setup_hook(self) -> None:
        flags = self.application_flags
        if flags.gateway_message_content or flags.gateway_message_content_limited:
            # Its owner allows it; the connections opened from now on ask for it.
            self._requested.message_content = True
        await self._set_up(self)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        if not initial:
            await asyncio.sleep(self._identify_every)

    async def launch_shards(self) -> None:
        """Ask Discord for the number of shards and the gateway's address, which discord.py uses only for the first
        connection.

        Too many identifies in a day reset the bot's token, so wait rather than use up the last ones.
        """
        recommended, address, limits = await self.http.get_bot_gateway()
        self.shard_count = self._configured_shard_count or recommended
        opened = len(self.shard_ids or range(self.shard_count))
        DiscordWebSocket.DEFAULT_GATEWAY = self._gateway or yarl.URL(address)
        if limits["remaining"] < opened:
            wait = limits["reset_after"] / 1000
            log.error("Discord connection limit reached", wait_seconds=wait)
            await asyncio.sleep(wait)
        await super().launch_shards()

    async def on_shard_connect(self, shard_id: int) -> None:
        """Replace the resume address that Discord names when the settings override the gateway."""
        if self._gateway:
            self._get_websocket(shard_id=shard_id).gateway = self._gateway
        self.connected.set()

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """Log the failure without the message's text."""
        log.exception("Discord event handler failed", event_name=event_method)

    @property
    def down(self) -> bool:
        """Whether a shard has no connection."""
        shards = self.shards
        return not self.connected.is_set() or not shards or any(shard.is_closed() for shard in shards.values())


class Button(ui.DynamicItem[ui.Button[Any]], template=r"footnoted:(?P<action>[a-z]+):(?P<subject>.+)"):
    """Any of our buttons, recognized by custom id: it works after a restart and in every process."""

    def __init__(self, item: ui.Button[Any], action: str, subject: str) -> None:
        super().__init__(item)
        self._action = action
        self._subject = subject

    @classmethod
    async def from_custom_id(cls, interaction: Interaction, item: ui.Item[Any], match: re.Match[str], /) -> Self:
        if not isinstance(item, ui.Button):
            raise TypeError("only buttons have such custom ids")
        return cls(item, match["action"], match["subject"])

    async def callback(self, interaction: Interaction) -> None:
        client = interaction.client
        if isinstance(client, Client) and client.on_press:
            await client.on_press(interaction, self._action, self._subject, self.item.label or "")

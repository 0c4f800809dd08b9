"""The client of the gateway: least-privileged intents, no caches of what nobody needs, buttons that are known by
name."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Self

import discord
import structlog
import yarl
from discord import ui
from discord.gateway import DiscordWebSocket

from core.throttle_telemetry import throttle_trace_config

log = structlog.get_logger()

LONGEST_WAIT = 60.0
"""Seconds that discord.py may wait for a rate limit; what takes longer fails. Only edits of old messages do."""

discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nobody is spoken to by voice

Interaction = discord.Interaction[Any]
Press = Callable[[Interaction, str, str, str], Awaitable[None]]
"""Somebody has pressed a button: what it does, for what, and the words on it."""


def intents(every_question: bool) -> discord.Intents:
    """What the bot is told of: where it is, and messages. Their text is kept from it, but for those that mention it and
    its direct messages; only to answer every question it needs the privileged intent for message content."""
    wanted = discord.Intents.none()
    wanted.guilds = wanted.guild_messages = wanted.dm_messages = True
    wanted.message_content = every_question
    return wanted


class Client(discord.AutoShardedClient):
    """`press` is awaited for each button of ours, and `set_up` after each login. `gateway` replaces the address that
    Discord names. `shards` are those that this process opens, of `shard_count`; without a count Discord says how many,
    and all are opened. `identify_every` is the pause between two identifies of one bot, for which Discord wants five
    seconds."""

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
        super().__init__(
            intents=intents(every_question),
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_ratelimit_timeout=LONGEST_WAIT,
            shard_count=shard_count,
            http_trace=throttle_trace_config("discord"),
        )
        self._gateway = yarl.URL(gateway) if gateway else None
        self._asked_shards = shard_count
        self.shard_ids = list(shards) or None
        self._identify_every = identify_every.total_seconds()
        self.press: Press | None = None
        self._set_up = set_up
        self.connected = asyncio.Event()
        """Set when a shard has been heard of Discord for the first time."""
        self.add_dynamic_items(Button)

    async def setup_hook(self) -> None:
        await self._set_up(self)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        if not initial:
            await asyncio.sleep(self._identify_every)

    async def launch_shards(self) -> None:
        """Asks how many shards Discord wants, and where the gateway is, which discord.py uses for the first connection
        alone. Too many identifies in a day cost the bot its token, so the last ones are not used up."""
        wanted, address, limits = await self.http.get_bot_gateway()
        self.shard_count = self._asked_shards or wanted
        opened = len(self.shard_ids or range(self.shard_count))
        DiscordWebSocket.DEFAULT_GATEWAY = self._gateway or yarl.URL(address)
        if limits["remaining"] < opened:
            wait = limits["reset_after"] / 1000
            log.error("the day's connections to Discord are used up", seconds=wait)
            await asyncio.sleep(wait)
        await super().launch_shards()

    async def on_shard_connect(self, shard_id: int) -> None:
        """A session has begun. Discord names an address for resuming it, which is not the one of the settings."""
        if self._gateway:
            self._get_websocket(shard_id=shard_id).gateway = self._gateway
        self.connected.set()

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """What was said is not in the log."""
        log.exception("an event could not be understood", event_name=event_method)

    @property
    def down(self) -> bool:
        """Whether a shard has no connection at this moment."""
        shards = self.shards
        return not self.connected.is_set() or not shards or any(shard.is_closed() for shard in shards.values())


class Button(ui.DynamicItem[ui.Button[Any]], template=r"footnoted:(?P<act>[a-z]+):(?P<subject>.+)"):
    """Any button of ours: it is known by its name, so that it works after a restart, and in every process."""

    def __init__(self, item: ui.Button[Any], act: str, subject: str) -> None:
        super().__init__(item)
        self._act = act
        self._subject = subject

    @classmethod
    async def from_custom_id(cls, interaction: Interaction, item: ui.Item[Any], match: re.Match[str], /) -> Self:
        if not isinstance(item, ui.Button):
            raise TypeError("only buttons have such names")
        return cls(item, match["act"], match["subject"])

    async def callback(self, interaction: Interaction) -> None:
        client = interaction.client
        if isinstance(client, Client) and client.press:
            await client.press(interaction, self._act, self._subject, self.item.label or "")

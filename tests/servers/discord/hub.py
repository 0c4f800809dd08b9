"""Event dispatch to gateway sessions: READY, guilds, and the limit on identifies."""

import time
from collections.abc import Callable

from tests.servers.discord.changes import Changes
from tests.servers.discord.objects import Guild, Json
from tests.servers.discord.payloads import channel_json, guild_json, member_json, stamp, thread_json, user_json
from tests.servers.discord.permissions import VIEW_CHANNEL, may
from tests.servers.discord.rules import Rules
from tests.servers.discord.sessions import Intent, Session, Sessions
from tests.servers.discord.store import Store


class Hub:
    """`closed` are close codes; `identified` and `resumed` are shards, in order."""

    def __init__(self, store: Store, rules: Rules, watch: Changes, token: str, url: Callable[[], str]) -> None:
        self.store, self.rules, self.watch, self.token, self.url = store, rules, watch, token, url
        self.sessions = Sessions(rules)
        self.closed: list[int] = []
        self.identified: list[tuple[int, int]] = []
        self.resumed: list[tuple[int, int]] = []
        self._identifies: dict[int, list[float]] = {}

    @property
    def listening(self) -> list[tuple[int, int]]:
        """Return the connected shards; one with two replicas twice."""
        return [session.shard for session in self.sessions if session.present]

    def may_identify(self, shard: int) -> bool:
        """Allow one identify per `identify_every` seconds and key (shard number modulo `max_concurrency`)."""
        now = time.monotonic()
        key = shard % self.rules.max_concurrency
        recent = [at for at in self._identifies.get(key, []) if now - at < self.rules.identify_every]
        self._identifies[key] = [*recent, now]
        return not recent

    def send_ready(self, session: Session) -> None:
        """Send READY with unavailable guilds, then each guild."""
        guilds = [guild for guild in self.store.guilds.values() if self.sees(guild) and session.includes(guild)]
        application = {"id": str(self.store.application.id), "flags": self.store.application.flags}
        session.send("READY", {
            "v": 10, "user": user_json(self.store.bot) | {"verified": True, "mfa_enabled": True, "flags": 0},
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds], "session_id": session.id,
            "resume_gateway_url": self.url(), "shard": list(session.shard), "application": application,
            "private_channels": [], "relationships": [], "presences": [], "user_settings": {},
            "geo_ordered_rtc_regions": [], "_trace": ["loopback"]})  # fmt: skip
        if session.intents & Intent.GUILDS:
            for guild in guilds:
                if not guild.unavailable:
                    session.send("GUILD_CREATE", self.guild_create(guild))

    def sees(self, guild: Guild) -> bool:
        return self.store.bot.id in guild.members

    def guild_create(self, guild: Guild) -> Json:
        """Return a guild with its channels and, as without the presences intent, only the bot as member."""
        bot = self.store.bot
        channels = [channel for channel in guild.channels.values() if not channel.deleted]
        threads = [one for one in channels if one.is_thread and not one.archived and may(bot, one, VIEW_CHANNEL)]
        me = guild.members[bot.id]
        return guild_json(guild) | {
            "joined_at": stamp(me.joined), "large": False, "member_count": len(guild.members), "voice_states": [],
            "unavailable": False, "members": [member_json(me)], "presences": [], "stage_instances": [],
            "guild_scheduled_events": [], "soundboard_sounds": [],
            "channels": [channel_json(channel) for channel in channels if not channel.is_thread],
            "threads": [thread_json(thread, bot) for thread in threads]}  # fmt: skip

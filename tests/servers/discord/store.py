"""Store of all objects by snowflake id."""

import time
from collections.abc import Iterable

from tests.servers.discord.objects import Application, Channel, Guild, Kind, Member, Message, Role, User
from tests.servers.discord.permissions import MEMBERS_MAY

EPOCH = 1_420_070_400_000
"""Snowflakes count milliseconds from the first second of 2015."""


class Store:
    """All objects. Their ids are snowflakes: unique, increasing and timestamped."""

    def __init__(self, bot_name: str = "bot") -> None:
        self._last_snowflake = 0
        self.users: dict[int, User] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.messages: dict[int, Message] = {}
        self.bot = self.user(bot_name, bot=True)
        self.application = Application(self.bot.id, bot_name, self.user("owner"), install_permissions=MEMBERS_MAY)

    def snowflake(self, at: float | None = None) -> int:
        """Return a new id, optionally for a Unix time (which may break the order of ids)."""
        if at is not None:
            return (int(at * 1000) - EPOCH) << 22 | (len(self.messages) & 0xFFF)
        self._last_snowflake = max(self._last_snowflake + 1, (int(time.time() * 1000) - EPOCH) << 22)
        return self._last_snowflake

    def user(self, name: str, *, bot: bool = False, locale: str = "en-US") -> User:
        user = User(self.snowflake(), name, bot, locale)
        self.users[user.id] = user
        return user

    def guild(self, name: str, *, owner: User | None = None, members: Iterable[User] = (), with_bot: bool = True,
              shard: tuple[int, int] | None = None) -> Guild:  # fmt: skip
        """Create a guild with @everyone. `shard` (index, count) chooses an id of that shard."""
        guild_id = self.snowflake()
        while shard and (guild_id >> 22) % shard[1] != shard[0]:
            guild_id += 1 << 22
        self._last_snowflake = max(self._last_snowflake, guild_id)
        guild = Guild(guild_id, name, owner or self.application.owner)
        guild.roles[guild_id] = Role(guild_id, "@everyone", MEMBERS_MAY, position=0)
        for user in dict.fromkeys((guild.owner, *members, *((self.bot,) if with_bot else ()))):
            guild.members[user.id] = Member(user)
        self.guilds[guild_id] = guild
        return guild

    def role(self, guild: Guild, name: str, permissions: int = 0, *, mentionable: bool = False) -> Role:
        role = Role(self.snowflake(), name, permissions, mentionable, len(guild.roles))
        guild.roles[role.id] = role
        return role

    def channel(self, guild: Guild, name: str, kind: Kind = Kind.TEXT, *, parent: Channel | None = None) -> Channel:
        """Create a channel, forum or thread without an event."""
        channel = Channel(self.snowflake(), kind, name, guild, parent)
        guild.channels[channel.id] = self.channels[channel.id] = channel
        return channel

    def direct(self, user: User) -> Channel:
        """Return the bot's direct conversation with the user, created on first use."""
        for channel in self.channels.values():
            if channel.is_direct and channel.recipients == [user]:
                return channel
        channel = Channel(self.snowflake(), Kind.DM, recipients=[user])
        self.channels[channel.id] = channel
        return channel

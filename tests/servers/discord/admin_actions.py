"""Actions of a guild administrator: channels, permissions, roles, members, adding and removing the bot."""

from tests.servers.discord.objects import Channel, Guild, Json, Kind, Member, Role
from tests.servers.discord.payloads import member_json, role_json
from tests.servers.discord.sessions import Intent
from tests.servers.discord.user_messages import ChannelRef, UserMessages, UserRef


class AdminActions(UserMessages):
    """Guilds are given as objects or names. Each action sends its gateway events."""

    def guild(self, guild: Guild | str) -> Guild:
        if isinstance(guild, Guild):
            return guild
        return next(one for one in self.platform.store.guilds.values() if one.name == guild)

    def add_channel(self, guild: Guild | str, name: str, kind: Kind = Kind.TEXT) -> Channel:
        channel = self.platform.store.channel(self.guild(guild), name, kind)
        self.platform.changed(channel, "CREATE")
        return channel

    def remove_channel(self, channel: ChannelRef) -> None:
        channel = self.find_channel(channel)
        channel.deleted = True
        self.platform.changed(channel, "DELETE")

    def set_overwrite(
        self, channel: ChannelRef, target: UserRef | Role | None = None, *, allow: int = 0, deny: int = 0
    ) -> None:
        """Set the channel's permission overwrite of a role, a member or everyone."""
        channel = self.find_channel(channel)
        assert channel.guild
        target = target or channel.guild.everyone
        holder = target if isinstance(target, Role) else self.find_user(target)
        channel.overwrites[holder.id] = allow, deny
        self.platform.changed(channel)

    def set_role_permissions(self, guild: Guild | str, role: Role | None = None, *, permissions: int) -> None:
        """Set the guild permissions of a role or of everyone."""
        guild = self.guild(guild)
        changed = role or guild.everyone
        changed.permissions = permissions
        data: Json = {"guild_id": str(guild.id), "role": role_json(changed)}
        self.platform.dispatch("GUILD_ROLE_UPDATE", data, guild, Intent.GUILDS)

    def add_role(self, user: UserRef, guild: Guild | str, role: Role) -> None:
        """Give a role to a member. A bot receives its own changes whatever its intents."""
        guild, user = self.guild(guild), self.find_user(user)
        member = guild.members[user.id]
        member.roles.append(role)
        intent = Intent.NONE if user is self.platform.bot else Intent.MEMBERS
        data = member_json(member) | {"guild_id": str(guild.id)}
        self.platform.dispatch("GUILD_MEMBER_UPDATE", data, guild, intent)

    def join(self, user: UserRef, guild: Guild | str) -> Member:
        """Add a user to the guild."""
        guild, user = self.guild(guild), self.find_user(user)
        member = guild.members[user.id] = Member(user)
        if user is self.platform.bot:
            self._send_guild_create(guild, new=True)
        else:
            data = member_json(member) | {"guild_id": str(guild.id)}
            self.platform.dispatch("GUILD_MEMBER_ADD", data, guild, Intent.MEMBERS)
        return member

    def remove_bot(self, guild: Guild | str) -> None:
        guild = self.guild(guild)
        self.platform.dispatch("GUILD_DELETE", {"id": str(guild.id)}, guild, Intent.GUILDS)
        del guild.members[self.platform.bot.id]

    def outage(self, guild: Guild | str) -> None:
        """Make the guild temporarily unavailable."""
        guild = self.guild(guild)
        guild.unavailable = True
        self.platform.dispatch("GUILD_DELETE", {"id": str(guild.id), "unavailable": True}, guild, Intent.GUILDS)

    def recover(self, guild: Guild | str) -> None:
        guild = self.guild(guild)
        guild.unavailable = False
        self._send_guild_create(guild, new=False)

    def _send_guild_create(self, guild: Guild, *, new: bool) -> None:
        """Send GUILD_CREATE; `unavailable` is False for a known guild and absent for a new one."""
        data = self.platform.gateway.guild_create(guild)
        if new:
            del data["unavailable"]
        self.platform.dispatch("GUILD_CREATE", data, guild, Intent.GUILDS)

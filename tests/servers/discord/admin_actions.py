"""Actions of a guild administrator: channels, permissions, roles, members, adding and removing the bot."""

from tests.servers.discord.objects import Channel, Guild, Json, Kind, Member, Role
from tests.servers.discord.payloads import member_json, role_json
from tests.servers.discord.sessions import Intent
from tests.servers.discord.user_messages import ChannelRef, UserMessages, UserRef

EVERYONE = None


class AdminActions(UserMessages):
    """Guilds are given as objects or names. Each action sends its gateway events."""

    def guild(self, guild: Guild | str) -> Guild:
        if isinstance(guild, Guild):
            return guild
        return next(one for one in self.platform.world.guilds.values() if one.name == guild)

    def add_channel(self, guild: Guild | str, name: str, kind: Kind = Kind.TEXT) -> Channel:
        channel = self.platform.world.channel(self.guild(guild), name, kind)
        self.platform.changed(channel, "CREATE")
        return channel

    def remove_channel(self, channel: ChannelRef) -> None:
        room = self.where(channel)
        room.deleted = True
        self.platform.changed(room, "DELETE")

    def permit(
        self, channel: ChannelRef, who: UserRef | Role | None = EVERYONE, *, allow: int = 0, deny: int = 0
    ) -> None:
        """Set the channel's permission overwrite of a role, a member or everyone."""
        room = self.where(channel)
        assert room.guild
        target = room.guild.everyone if who is None else who if isinstance(who, Role) else self.who(who)
        room.overwrites[target.id] = allow, deny
        self.platform.changed(room)

    def allow_role(self, guild: Guild | str, role: Role | None = EVERYONE, *, permissions: int) -> None:
        """Set the guild permissions of a role or of everyone."""
        place = self.guild(guild)
        changed = role or place.everyone
        changed.permissions = permissions
        data: Json = {"guild_id": str(place.id), "role": role_json(changed)}
        self.platform.tell("GUILD_ROLE_UPDATE", data, place, Intent.GUILDS)

    def give(self, user: UserRef, guild: Guild | str, role: Role) -> None:
        """Give a role to a member. A bot receives its own changes whatever its intents."""
        place, who = self.guild(guild), self.who(user)
        member = place.members[who.id]
        member.roles.append(role)
        intent = Intent.NONE if who is self.platform.bot else Intent.MEMBERS
        data = member_json(member) | {"guild_id": str(place.id)}
        self.platform.tell("GUILD_MEMBER_UPDATE", data, place, intent)

    def join(self, user: UserRef, guild: Guild | str) -> Member:
        """Add a user to the guild."""
        place, who = self.guild(guild), self.who(user)
        member = place.members[who.id] = Member(who)
        if who is self.platform.bot:
            self._there(place, new=True)
        else:
            data = member_json(member) | {"guild_id": str(place.id)}
            self.platform.tell("GUILD_MEMBER_ADD", data, place, Intent.MEMBERS)
        return member

    def remove_bot(self, guild: Guild | str) -> None:
        place = self.guild(guild)
        self.platform.tell("GUILD_DELETE", {"id": str(place.id)}, place, Intent.GUILDS)
        del place.members[self.platform.bot.id]

    def outage(self, guild: Guild | str) -> None:
        """Make the guild temporarily unavailable."""
        place = self.guild(guild)
        place.unavailable = True
        self.platform.tell("GUILD_DELETE", {"id": str(place.id), "unavailable": True}, place, Intent.GUILDS)

    def recover(self, guild: Guild | str) -> None:
        place = self.guild(guild)
        place.unavailable = False
        self._there(place, new=False)

    def _there(self, guild: Guild, *, new: bool) -> None:
        """Send GUILD_CREATE; `unavailable` is False for a known guild and absent for a new one."""
        data = self.platform.gateway.guild_create(guild)
        if new:
            del data["unavailable"]
        self.platform.tell("GUILD_CREATE", data, guild, Intent.GUILDS)

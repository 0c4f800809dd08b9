"""REST: the application, users, guilds and channels, and the lookups that all routes share."""

from collections.abc import Iterable

from tests.servers.discord.errors import ApiError, snowflake
from tests.servers.discord.http import Answer, Call, Route
from tests.servers.discord.objects import Channel, Guild
from tests.servers.discord.payloads import (
    application_json,
    channel_json,
    guild_json,
    member_json,
    role_json,
    thread_json,
    thread_member_json,
    user_json,
)
from tests.servers.discord.permissions import ALL, MANAGE_CHANNELS, MANAGE_THREADS, in_channel, in_guild
from tests.servers.discord.platform import Platform


class Channels:
    def __init__(self, platform: Platform) -> None:
        self.platform, self.store = platform, platform.store

    def routes(self) -> Iterable[Route]:
        yield Route("GET", "/users/@me", lambda call: (200, self._me()))
        yield Route("GET", "/users/@me/guilds", self.guilds)
        yield Route("POST", "/users/@me/channels", self.direct)
        yield Route("GET", "/users/{user}", self.user)
        for path in ("/applications/@me", "/oauth2/applications/@me"):
            yield Route("GET", path, self.application)
        yield Route("GET", "/gateway", lambda call: (200, {"url": self.platform.gateway.url()}), open=True)
        yield Route("GET", "/gateway/bot", self.gateway)
        yield Route("GET", "/guilds/{guild}", lambda call: (200, guild_json(self.guild(call))))
        yield Route("GET", "/guilds/{guild}/channels", self.channels)
        yield Route("GET", "/guilds/{guild}/roles", self.roles)
        yield Route("GET", "/guilds/{guild}/members/{user}", self.member)
        yield Route("GET", "/guilds/{guild}/threads/active", self.active_threads)
        yield Route("GET", "/channels/{channel}", self.get_channel)
        yield Route("PATCH", "/channels/{channel}", self.edit_channel)
        yield Route("DELETE", "/channels/{channel}", self.delete_channel)

    def _me(self) -> object:
        return user_json(self.store.bot) | {"verified": True, "mfa_enabled": True, "flags": 0, "locale": "en-US"}

    # Lookups shared by all routes.

    def guild(self, call: Call) -> Guild:
        """Return the guild of the path, which the bot must be in."""
        guild = self.store.guilds.get(call.id("guild"))
        if guild is None:
            raise ApiError(10004)
        if not self.platform.gateway.sees(guild):
            raise ApiError(50001)
        return guild

    def channel(self, call: Call) -> Channel:
        """Return the channel of the path, which the bot must see."""
        channel = self.store.channels.get(call.id("channel"))
        if channel is None or channel.deleted:
            raise ApiError(10003)
        if not self.platform.sees(channel):
            raise ApiError(50001)
        return channel

    def need(self, channel: Channel, permission: int) -> None:
        """Raise 50013 unless the bot has the permission in the channel."""
        if in_channel(self.store.bot, channel) & permission != permission:
            raise ApiError(50013)

    # Routes.

    def guilds(self, call: Call) -> Answer:
        mine = [guild for guild in self.store.guilds.values() if self.platform.gateway.sees(guild)]
        return 200, [{"id": str(guild.id), "name": guild.name, "icon": None, "banner": None, "owner": False,
                      "permissions": str(in_guild(self.store.bot, guild) & ALL), "features": []}
                     for guild in mine]  # fmt: skip

    def user(self, call: Call) -> Answer:
        user = self.store.users.get(call.id("user"))
        if user is None:
            raise ApiError(10013)
        return 200, user_json(user)

    def direct(self, call: Call) -> Answer:
        """Open a conversation, even with users who accept no direct messages: only sending fails."""
        user = self.store.users.get(snowflake(call.form.get("recipient_id"), "recipient_id"))
        if user is None:
            raise ApiError(10013)
        if user is self.store.bot:
            raise ApiError(50007)
        return 200, channel_json(self.store.direct(user))

    def application(self, call: Call) -> Answer:
        guilds = len([guild for guild in self.store.guilds.values() if self.platform.gateway.sees(guild)])
        return 200, application_json(self.store.application, self.store.bot, guilds)

    def gateway(self, call: Call) -> Answer:
        rules, gateway = self.platform.rules, self.platform.gateway
        left = max(0, rules.session_starts - len(gateway.identified))
        limit = {"total": rules.session_starts, "remaining": left, "reset_after": 24 * 3600 * 1000,
                 "max_concurrency": rules.max_concurrency}  # fmt: skip
        return 200, {"url": gateway.url(), "shards": rules.shards, "session_start_limit": limit}

    def channels(self, call: Call) -> Answer:
        channels = self.guild(call).channels.values()
        return 200, [channel_json(channel) for channel in channels if not channel.is_thread and not channel.deleted]

    def roles(self, call: Call) -> Answer:
        return 200, [role_json(role) for role in self.guild(call).roles.values()]

    def member(self, call: Call) -> Answer:
        member = self.guild(call).members.get(call.id("user"))
        if member is None:
            raise ApiError(10007)
        return 200, member_json(member)

    def active_threads(self, call: Call) -> Answer:
        threads = [one for one in self.guild(call).channels.values() if one.is_thread and not one.deleted]
        threads = [thread for thread in threads if not thread.archived and self.platform.sees(thread)]
        mine = [thread_member_json(thread, self.store.bot) for thread in threads if self.store.bot in thread.joined]
        return 200, {"threads": [thread_json(thread, self.store.bot) for thread in threads], "members": mine}

    def get_channel(self, call: Call) -> Answer:
        channel = self.channel(call)
        return 200, thread_json(channel, self.store.bot) if channel.is_thread else channel_json(channel)

    def edit_channel(self, call: Call) -> Answer:
        """Edit name and topic; for threads, also `archived` and `locked`."""
        channel, body = self.channel(call), call.form
        own = channel.is_thread and channel.owner is self.store.bot and "locked" not in body
        if not own:
            self.need(channel, MANAGE_THREADS if channel.is_thread else MANAGE_CHANNELS)
        channel.name = body.get("name") or channel.name
        channel.topic = body.get("topic", channel.topic)
        channel.archived, channel.locked = body.get("archived", channel.archived), body.get("locked", channel.locked)
        self.platform.changed(channel)
        return 200, channel_json(channel)

    def delete_channel(self, call: Call) -> Answer:
        channel = self.channel(call)
        if channel.is_direct:
            return 200, channel_json(channel)
        self.need(channel, MANAGE_THREADS if channel.is_thread else MANAGE_CHANNELS)
        channel.deleted = True
        self.platform.changed(channel, "DELETE")
        return 200, channel_json(channel)

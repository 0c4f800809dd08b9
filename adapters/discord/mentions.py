"""Mentions of users, roles, channels and the like, replaced by the names that people see."""

from collections.abc import Mapping
from datetime import UTC, datetime

import discord
import regex

from adapters.discord.rest_api import RestApi
from core.chat.name_cache import NameCache

_MENTION = regex.compile(
    r"<@!?(?P<user>\d+)>|<@&(?P<role>\d+)>|<#(?P<channel>\d+)>|</(?P<command>[^:<>\n]+):\d+>"
    r"|<a?:(?P<emoji>\w+):\d+>|<t:(?P<time>-?\d+)(?::\w)?>|<(?P<address>https?://[^<>\s]+)>"
)


class MentionResolver:
    """Resolves channels and roles from the gateway's state, and users by one API call each."""

    def __init__(self, client: discord.Client, api: RestApi) -> None:
        self._client = client
        self._api = api
        self._names = NameCache()

    async def resolve(self, text: str, guild: str = "", people: Mapping[str, str] | None = None) -> str:
        """Return the text as people see it, without the bot's own mention. `people` are names already known."""
        bot_id = str(self._client.user.id) if self._client.user else ""
        resolved, at = "", 0
        for mention in _MENTION.finditer(text):
            before = text[at : mention.start()]
            own = mention["user"] == bot_id or self._is_own_role(mention["role"], guild)
            resolved += before.rstrip(" ") if own and resolved + before else before
            resolved += "" if own else await self._name(mention, guild, people or {})
            at = mention.end()
        return (resolved + text[at:]).strip()

    async def _name(self, mention: regex.Match[str], guild: str, people: Mapping[str, str]) -> str:
        if user := mention["user"]:
            return f"@{people.get(user) or await self._names.get(user, self._user_name)}"
        if mention["role"]:
            return f"@{self._role_name(mention['role'], guild)}"
        if mention["channel"]:
            return f"#{self._channel_name(mention['channel'])}"
        if mention["time"]:
            return _date(int(mention["time"]))
        if mention["command"]:
            return f"/{mention['command']}"
        return f":{mention['emoji']}:" if mention["emoji"] else str(mention["address"])

    def _role(self, role_id: str, guild: str) -> discord.Role | None:
        known = self._client.get_guild(int(guild or 0))
        return known.get_role(int(role_id)) if known else None

    def _is_own_role(self, role_id: str | None, guild: str) -> bool:
        """Return whether this is the role that Discord made for the bot alone."""
        role = self._role(role_id, guild) if role_id else None
        return bool(role and role.tags and self._client.user and role.tags.bot_id == self._client.user.id)

    def _role_name(self, role_id: str, guild: str) -> str:
        role = self._role(role_id, guild)
        return role.name if role else role_id

    def _channel_name(self, channel_id: str) -> str:
        channel = self._client.get_channel(int(channel_id))
        return str(getattr(channel, "name", None) or channel_id)

    async def _user_name(self, user_id: str) -> str:
        user = await self._api.call("GET", "/users/{user_id}", user_id=user_id)
        return str(user.get("global_name") or user.get("username") or user_id)


def _date(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return str(seconds)

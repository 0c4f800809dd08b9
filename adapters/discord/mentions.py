"""People, channels and roles in a message, as the names that people read instead of the ids that Discord writes."""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime

import discord
import regex
import structlog

from adapters.discord.rest_api import DiscordRefusedError, DiscordUnreachableError, RestApi

log = structlog.get_logger()

MOST_KNOWN = 5_000
"""Names that are remembered; the longest unused go first."""

_MARK = regex.compile(
    r"<@!?(?P<user>\d+)>|<@&(?P<role>\d+)>|<#(?P<channel>\d+)>|</(?P<command>[^:<>\n]+):\d+>"
    r"|<a?:(?P<emoji>\w+):\d+>|<t:(?P<time>-?\d+)(?::\w)?>|<(?P<address>https?://[^<>\s]+)>"
)


class MentionResolver:
    """Channels and roles are known from the gateway; a person whom nobody has named is asked for once."""

    def __init__(self, client: discord.Client, calls: RestApi) -> None:
        self._client = client
        self._calls = calls
        self._people: OrderedDict[str, str] = OrderedDict()

    async def readable(self, text: str, guild: str = "", people: Mapping[str, str] | None = None) -> str:
        """A message as people read it, without the bot's own mention. `people` are names that came along with it."""
        me = str(self._client.user.id) if self._client.user else ""
        shown, at = "", 0
        for mark in _MARK.finditer(text):
            before = text[at : mark.start()]
            own = mark["user"] == me
            shown += before.rstrip(" ") if own and shown + before else before
            shown += "" if own else await self._name(mark, guild, people or {})
            at = mark.end()
        return (shown + text[at:]).strip()

    async def _name(self, mark: regex.Match[str], guild: str, people: Mapping[str, str]) -> str:
        if user := mark["user"]:
            return f"@{people.get(user) or await self._person(user)}"
        if mark["role"]:
            return f"@{self._role(mark['role'], guild)}"
        if mark["channel"]:
            return f"#{self._channel(mark['channel'])}"
        if mark["time"]:
            return _date(int(mark["time"]))
        if mark["command"]:
            return f"/{mark['command']}"
        return f":{mark['emoji']}:" if mark["emoji"] else str(mark["address"])

    def _role(self, role: str, guild: str) -> str:
        known = self._client.get_guild(int(guild or 0))
        found = known.get_role(int(role)) if known else None
        return found.name if found else role

    def _channel(self, channel: str) -> str:
        found = self._client.get_channel(int(channel))
        return str(getattr(found, "name", None) or channel)

    async def _person(self, user: str) -> str:
        if user not in self._people:
            try:
                found = await self._calls.call("GET", "/users/{user_id}", user_id=user)
            except (DiscordRefusedError, DiscordUnreachableError) as error:
                log.info("a name cannot be known", cause=str(error))
                return user
            self._people[user] = str(found.get("global_name") or found.get("username") or user)
            while len(self._people) > MOST_KNOWN:
                self._people.popitem(last=False)
        self._people.move_to_end(user)
        return self._people[user]


def _date(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return str(seconds)

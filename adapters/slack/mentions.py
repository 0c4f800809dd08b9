"""Display names for the ids of users and channels that Slack writes into messages."""

from html import unescape
from typing import Any

import regex
import structlog
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.web_api import call_api
from core.chat.name_cache import NameCache
from core.chat.platform_errors import PlatformError
from core.domain import Person

log = structlog.get_logger()

_ENTITY = regex.compile(
    r"<@(?P<user>[A-Z0-9]+)(?:\|(?P<user_name>[^<>]*))?>"
    r"|<#(?P<channel>[A-Z0-9]+)(?:\|(?P<channel_name>[^<>]*))?>"
    r"|<!subteam\^[A-Z0-9]+(?:\|@?(?P<group>[^<>]*))?>"
    r"|<!date\^[^<>|]*\|(?P<date>[^<>]*)>"
    r"|<!(?P<special>[a-z]+)(?:\|[^<>]*)?>"
    r"|<(?P<url>[a-z]+:[^<>|]+)(?:\|(?P<label>[^<>]*))?>"
)


class MentionResolver:
    """Replaces mentions by names, and looks up people."""

    def __init__(self, client: AsyncWebClient, bot_user: str, team: str) -> None:
        self._client = client
        self._team = team
        self._bot_user = bot_user
        self._names = NameCache()
        self._locales = NameCache()

    async def resolve(self, text: str) -> str:
        """Return a message as users see it, without the mention of the bot."""
        shown, at = "", 0
        for entity in _ENTITY.finditer(text):
            name = await self._name(entity)
            shown += text[at : entity.start()] + name
            # One space is enough where the bot's own name was.
            at = entity.end() if name else _skip_blanks(text, entity.end())
        return unescape(shown + text[at:]).strip()

    async def person(self, user: str) -> Person:
        """Return a user with their name, or with their id as the name when Slack does not tell it."""
        return Person(user, await self._user_name(user))

    async def locale(self, user: str) -> str:
        """Return the locale that a user has chosen, such as `de-DE`."""
        return await self._locales.get(user, self._look_up_locale)

    async def admin(self, user: str) -> Person:
        """Return a user and whether they are, right now, an admin or owner of the bot's own workspace.

        In a shared channel, admins of other workspaces write as well.
        """
        try:
            info = (await call_api(self._client.users_info(user=user)))["user"]
        except PlatformError as error:
            log.warning("admin lookup failed", cause=str(error))
            return Person(user)
        teams = {info.get("team_id") or self._team, *((info.get("enterprise_user") or {}).get("teams") or ())}
        is_admin = bool(info.get("is_admin") or info.get("is_owner") or info.get("is_primary_owner"))
        is_admin = is_admin and self._team in teams and not info.get("is_stranger")
        return Person(user, _display_name(info), admin=is_admin)

    async def _name(self, entity: regex.Match[str]) -> str:
        if entity["user"]:
            if entity["user"] == self._bot_user:
                return ""
            return f"@{entity['user_name'] or await self._user_name(entity['user'])}"
        if entity["channel"]:
            return f"#{entity['channel_name'] or await self._names.get(entity['channel'], self._look_up_channel)}"
        if entity["url"]:
            url = entity["url"].removeprefix("mailto:")
            label = entity["label"]
            return f"{label} ({url})" if label and label != url and label not in url else url
        return entity["date"] or f"@{entity['group'] or entity['special'] or 'group'}"

    async def _user_name(self, user: str) -> str:
        return await self._names.get(user, self._look_up_user)

    async def _look_up_user(self, user: str) -> str:
        return _display_name((await call_api(self._client.users_info(user=user)))["user"])

    async def _look_up_locale(self, user: str) -> str:
        info = (await call_api(self._client.users_info(user=user, include_locale=True)))["user"]
        return str(info.get("locale") or "")

    async def _look_up_channel(self, channel: str) -> str:
        return str((await call_api(self._client.conversations_info(channel=channel)))["channel"]["name"])


def _skip_blanks(text: str, at: int) -> int:
    while text[at : at + 1] in {" ", "\t"}:
        at += 1
    return at


def _display_name(user: dict[str, Any]) -> str:
    profile = user.get("profile") or {}
    return str(profile.get("display_name") or profile.get("real_name") or user.get("real_name") or user["name"])

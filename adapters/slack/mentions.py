"""People, channels and links in a message, as the names that people read instead of the ids that Slack writes."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from html import unescape
from typing import Any

import regex
import structlog
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.web_api import SlackRefusedError, SlackUnreachableError, call_api
from core.domain import Person

log = structlog.get_logger()

MOST_KNOWN = 5_000
"""Names that are remembered; the longest unused go first."""

_MARK = regex.compile(
    r"<@(?P<user>[A-Z0-9]+)(?:\|(?P<user_name>[^<>]*))?>"
    r"|<#(?P<channel>[A-Z0-9]+)(?:\|(?P<channel_name>[^<>]*))?>"
    r"|<!subteam\^[A-Z0-9]+(?:\|@?(?P<group>[^<>]*))?>"
    r"|<!date\^[^<>|]*\|(?P<date>[^<>]*)>"
    r"|<!(?P<special>[a-z]+)(?:\|[^<>]*)?>"
    r"|<(?P<address>[a-z]+:[^<>|]+)(?:\|(?P<label>[^<>]*))?>"
)


class MentionResolver:
    """Asks Slack for a name once, and remembers it."""

    def __init__(self, client: AsyncWebClient, me: str) -> None:
        self._client = client
        self._me = me
        self._known: OrderedDict[str, str] = OrderedDict()

    async def readable(self, text: str) -> str:
        """A message as people read it, without the bot's own mention."""
        shown, at = "", 0
        for mark in _MARK.finditer(text):
            name = await self._name(mark)
            shown += text[at : mark.start()] + name
            # Where the bot's own name stood, one blank is enough.
            at = mark.end() if name else _behind_blanks(text, mark.end())
        return unescape(shown + text[at:]).strip()

    async def person(self, user: str) -> str:
        """Somebody's name; their id when it cannot be known."""
        return await self._known_or(user, self._ask_user)

    async def admin(self, user: str) -> Person:
        """Somebody with their name, and whether they are an admin or an owner of the workspace, as it is now."""
        try:
            found = (await call_api(self._client.users_info(user=user)))["user"]
        except (SlackRefusedError, SlackUnreachableError) as error:
            log.warning("it cannot be known who is an admin", cause=str(error))
            return Person(user)
        rules = bool(found.get("is_admin") or found.get("is_owner") or found.get("is_primary_owner"))
        return Person(user, _display(found), admin=rules)

    async def _name(self, mark: regex.Match[str]) -> str:
        if mark["user"]:
            return "" if mark["user"] == self._me else f"@{mark['user_name'] or await self.person(mark['user'])}"
        if mark["channel"]:
            return f"#{mark['channel_name'] or await self._known_or(mark['channel'], self._ask_channel)}"
        if mark["address"]:
            address = mark["address"].removeprefix("mailto:")
            label = mark["label"]
            return f"{label} ({address})" if label and label != address and label not in address else address
        return mark["date"] or f"@{mark['group'] or mark['special'] or 'group'}"

    async def _known_or(self, id_: str, ask: Callable[[str], Awaitable[str]]) -> str:
        if id_ not in self._known:
            try:
                self._known[id_] = await ask(id_)
            except (SlackRefusedError, SlackUnreachableError) as error:
                log.info("a name cannot be known", cause=str(error))
                return id_
            while len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        self._known.move_to_end(id_)
        return self._known[id_]

    async def _ask_user(self, user: str) -> str:
        return _display((await call_api(self._client.users_info(user=user)))["user"])

    async def _ask_channel(self, channel: str) -> str:
        return str((await call_api(self._client.conversations_info(channel=channel)))["channel"]["name"])


def _behind_blanks(text: str, at: int) -> int:
    while text[at : at + 1] in {" ", "\t"}:
        at += 1
    return at


def _display(user: dict[str, Any]) -> str:
    profile = user.get("profile") or {}
    return str(profile.get("display_name") or profile.get("real_name") or user.get("real_name") or user["name"])

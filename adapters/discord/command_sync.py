"""Registration of the slash commands, only when they changed: Discord allows about 200 registrations a day."""

from collections.abc import Sequence
from typing import Any

import discord
import structlog
from discord import app_commands
from discord.http import Route

log = structlog.get_logger()

_DEFAULTS: dict[str, Any] = {
    "type": 1,
    "nsfw": False,
    "required": False,
    "autocomplete": False,
    "default_member_permissions": None,
}
"""Values that Discord omits, or fills in, when it lists the registered commands."""

_GLOBAL_ONLY = frozenset({"contexts", "integration_types", "dm_permission"})
"""Fields that Discord does not store for the commands of one server."""

_COMPARED = (
    *("name", "description", "type", "nsfw", "default_member_permissions", "contexts", "integration_types"),
    *("required", "autocomplete", "min_length", "max_length", "min_value", "max_value"),
)


async def sync(
    client: discord.Client,
    tree: app_commands.CommandTree[Any],
    translator: app_commands.Translator,
    guilds: Sequence[int],
) -> None:
    """Register the commands globally, or only in the `guilds` if there are any.

    Failures are logged: the bot still answers mentions.
    """
    for guild in guilds or (None,):
        try:
            commands = [await command.get_translated_payload(tree, translator) for command in tree.get_commands()]
            await _sync(client, [_payload(command, guild) for command in commands], guild)
        except (discord.HTTPException, OSError, TimeoutError) as error:
            log.error("command registration failed", guild=guild, cause=str(error))


def _payload(command: Any, guild: int | None) -> Any:
    return command if guild is None else {name: command[name] for name in command if name not in _GLOBAL_ONLY}


async def _sync(client: discord.Client, wanted: list[Any], guild: int | None) -> None:
    http, application = client.http, client.application_id or 0
    registered = await http.request(_route(application, guild), params={"with_localizations": "true"})
    if differ(wanted, registered):
        if guild is None:
            await http.bulk_upsert_global_commands(application, wanted)
        else:
            await http.bulk_upsert_guild_commands(application, guild, wanted)
        log.info("commands registered", guild=guild, commands=len(wanted))


def _route(application: int, guild: int | None) -> Route:
    if guild is None:
        return Route("GET", "/applications/{application_id}/commands", application_id=application)
    path = "/applications/{application_id}/guilds/{guild_id}/commands"
    return Route("GET", path, application_id=application, guild_id=guild)


def differ(wanted: Sequence[Any], registered: Sequence[Any]) -> bool:
    """Return whether the commands differ, regardless of their order."""
    return _by_name(wanted) != _by_name(registered)


def _by_name(commands: Sequence[Any]) -> dict[str, Any]:
    return {command["name"]: _canonical(command) for command in commands}


def _canonical(command: Any) -> dict[str, Any]:
    """Return the compared fields of a command or an option in one form, with defaults filled in."""
    fields = {name: command.get(name, _DEFAULTS.get(name)) for name in _COMPARED}
    if fields["default_member_permissions"] is not None:
        fields["default_member_permissions"] = str(fields["default_member_permissions"])
    fields["description_localizations"] = command.get("description_localizations") or {}
    for name in ("contexts", "integration_types"):
        fields[name] = sorted(fields[name] or ())
    choices = [(choice["name"], choice["value"]) for choice in command.get("choices") or ()]
    return {**fields, "choices": choices, "options": [_canonical(option) for option in command.get("options") or ()]}

"""Registering the slash commands with Discord, only when they differ from those that are registered: it allows some
200 registrations a day."""

from collections.abc import Sequence
from typing import Any

import discord
import structlog
from discord import app_commands

log = structlog.get_logger()

_DEFAULTS: dict[str, Any] = {
    "type": 1,
    "nsfw": False,
    "required": False,
    "autocomplete": False,
    "default_member_permissions": None,
}
"""What Discord leaves out, or fills in, when it says what is registered."""

_ABOUT_PLACES = frozenset({"contexts", "integration_types", "dm_permission"})

_COMPARED = (
    *("name", "description", "type", "nsfw", "default_member_permissions", "contexts", "integration_types"),
    *("required", "autocomplete", "min_length", "max_length", "min_value", "max_value"),
)


async def sync(client: discord.Client, tree: app_commands.CommandTree[Any], guilds: Sequence[int]) -> None:
    """Registers the commands of the tree: everywhere, or in the `guilds` alone when there are any.

    What fails is logged: the bot answers mentions all the same.
    """
    for guild in guilds or (None,):
        try:
            await _sync(client, [_wanted(command.to_dict(tree), guild) for command in tree.get_commands()], guild)
        except (discord.HTTPException, OSError, TimeoutError) as error:
            log.error("the commands could not be registered", guild=guild, cause=str(error))


def _wanted(command: Any, guild: int | None) -> Any:
    """A command of one server is for that server, so that Discord keeps nothing else about where it is."""
    return command if guild is None else {name: command[name] for name in command if name not in _ABOUT_PLACES}


async def _sync(client: discord.Client, wanted: list[Any], guild: int | None) -> None:
    http, application = client.http, client.application_id or 0
    if guild is None:
        registered = await http.get_global_commands(application)
    else:
        registered = await http.get_guild_commands(application, guild)
    if differ(wanted, registered):
        if guild is None:
            await http.bulk_upsert_global_commands(application, wanted)
        else:
            await http.bulk_upsert_guild_commands(application, guild, wanted)
        log.info("the commands were registered", guild=guild, commands=len(wanted))


def differ(wanted: Sequence[Any], registered: Sequence[Any]) -> bool:
    """Whether commands are not those that are registered, in whatever order."""
    return _by_name(wanted) != _by_name(registered)


def _by_name(commands: Sequence[Any]) -> dict[str, Any]:
    return {command["name"]: _canonical(command) for command in commands}


def _canonical(command: Any) -> dict[str, Any]:
    """What is compared of a command or an option, in one form whoever wrote it."""
    kept = {name: command.get(name, _DEFAULTS.get(name)) for name in _COMPARED}
    if kept["default_member_permissions"] is not None:
        kept["default_member_permissions"] = str(kept["default_member_permissions"])
    for name in ("contexts", "integration_types"):
        kept[name] = sorted(kept[name] or ())
    choices = [(choice["name"], choice["value"]) for choice in command.get("choices") or ()]
    return {**kept, "choices": choices, "options": [_canonical(option) for option in command.get("options") or ()]}

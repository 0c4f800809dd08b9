"""Options of a slash command, validated and resolved as Discord's client does."""

from typing import Any

from tests.servers.discord.command_rules import (
    ATTACHMENT,
    BOOLEAN,
    CHANNEL,
    GROUP,
    INTEGER,
    LONGEST_STRING,
    MENTIONABLE,
    NUMBER,
    ROLE,
    STRING,
    SUB_COMMAND,
    USER,
)
from tests.servers.discord.objects import Channel, Json, Role, User
from tests.servers.discord.payloads import member_json, partial_channel_json, role_json, user_json
from tests.servers.discord.permissions import in_channel
from tests.servers.discord.user_messages import UserActionError

TYPES: dict[int, tuple[type, ...]] = {
    STRING: (str,), INTEGER: (int,), BOOLEAN: (bool,), NUMBER: (int, float), USER: (User,), CHANNEL: (Channel,),
    ROLE: (Role,), MENTIONABLE: (User, Role), ATTACHMENT: (dict,),
}  # fmt: skip


def fill_options(command: Json, path: list[str], values: dict[str, Any], channel: Channel, user: User,
                 focused: str | None = None) -> Json:  # fmt: skip
    """Return `options` and `resolved` of an interaction's data. `path` are subcommands. Raise UserActionError.

    While an option is focused (autocomplete), none is required and the focused value need not be valid.
    """
    known, wrap = _inner(command, path)
    names = {option["name"]: option for option in known}
    if strangers := sorted(set(values) - set(names)):
        raise UserActionError(f"/{command['name']} has no option {strangers[0]}")
    missing = [name for name, option in names.items() if option.get("required") and name not in values]
    if missing and focused is None:
        raise UserActionError(f"/{command['name']} wants {missing[0]}")
    options: list[Json] = []
    resolved: Json = {}
    for name, value in values.items():
        option: Json = {"name": name, "type": names[name]["type"]}
        if name == focused:
            option |= {"value": value, "focused": True}
        else:
            _check(names[name], value)
            option |= {"value": _resolve(value, resolved, channel, user)}
        options.append(option)
    for step in reversed(wrap):
        options = [step | {"options": options}]
    return ({"options": options} if options else {}) | ({"resolved": resolved} if resolved else {})


def _inner(command: Json, path: list[str]) -> tuple[list[Json], list[Json]]:
    """Return the options that take values, and the subcommands around them."""
    known: list[Json] = command["options"]
    wrap: list[Json] = []
    for step in path:
        inner = next((one for one in known if one["name"] == step and one["type"] in (SUB_COMMAND, GROUP)), None)
        if inner is None:
            raise UserActionError(f"/{command['name']} has no subcommand {step}")
        wrap.append({"name": step, "type": inner["type"]})
        known = inner.get("options") or []
    if any(one["type"] in (SUB_COMMAND, GROUP) for one in known):
        raise UserActionError(f"/{command['name']} is used with a subcommand only")
    return known, wrap


def _check(option: Json, value: Any) -> None:
    name, kind = str(option["name"]), int(option["type"])
    fits = isinstance(value, TYPES[kind]) and not (isinstance(value, bool) and kind != BOOLEAN)
    if not fits:
        raise UserActionError(f"{name} takes no {type(value).__name__}")
    choices = [choice["value"] for choice in option.get("choices") or ()]
    if choices and value not in choices:
        raise UserActionError(f"{name} is one of {choices}")
    if kind == STRING and not option.get("min_length", 0) <= len(value) <= option.get("max_length", LONGEST_STRING):
        raise UserActionError(f"{name} is too short or too long")
    if kind in (INTEGER, NUMBER) and not option.get("min_value", value) <= value <= option.get("max_value", value):
        raise UserActionError(f"{name} is too small or too large")
    if kind == CHANNEL and option.get("channel_types") and value.kind not in option["channel_types"]:
        raise UserActionError(f"{name} takes no channel of that type")


def _resolve(value: Any, resolved: Json, channel: Channel, user: User) -> Any:
    """Return an object's snowflake and add the object to `resolved`."""
    if isinstance(value, User):
        resolve_user(value, channel, resolved)
    elif isinstance(value, Role):
        resolved.setdefault("roles", {})[str(value.id)] = role_json(value)
    elif isinstance(value, Channel):
        channels = resolved.setdefault("channels", {})
        channels[str(value.id)] = partial_channel_json(value, in_channel(user, value))
    elif isinstance(value, dict):
        resolved.setdefault("attachments", {})[value["id"]] = value
        return value["id"]
    else:
        return value
    return str(value.id)


def resolve_user(user: User, channel: Channel, resolved: Json) -> None:
    """Add a user to `resolved`, with the membership and channel permissions of a guild member."""
    resolved.setdefault("users", {})[str(user.id)] = user_json(user)
    member = channel.guild.members.get(user.id) if channel.guild else None
    if member:
        members = resolved.setdefault("members", {})
        members[str(user.id)] = member_json(member, user=False, permissions=in_channel(user, channel))

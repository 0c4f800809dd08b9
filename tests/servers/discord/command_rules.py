"""Validation of application commands: names, lengths, options, contexts, 8,000 characters in total."""

from collections.abc import Iterable, Sequence
from typing import Any

import regex

from tests.servers.discord.errors import Form
from tests.servers.discord.objects import Json

NAME = regex.compile(r"[-_'\p{L}\p{N}\p{Script=Devanagari}\p{Script=Thai}]{1,32}")
CHAT_INPUT, ON_USER, ON_MESSAGE = 1, 2, 3
SUB_COMMAND, GROUP, STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = range(1, 12)
CHOOSABLE = (STRING, INTEGER, NUMBER)
LARGEST, LONGEST_STRING = 8000, 6000


def check_command(command: Json, form: Form, path: str = "") -> None:
    """Collect the faults of one command."""
    at = f"{path}." if path else ""
    kind = command.get("type") or CHAT_INPUT
    form.choice(f"{at}type", kind, (CHAT_INPUT, ON_USER, ON_MESSAGE))
    if kind == CHAT_INPUT:
        _check_name(form, f"{at}name", command.get("name"))
        form.required(f"{at}description", command.get("description"), 100)
        _check_options(form, f"{at}options", command.get("options") or [], depth=0)
    else:
        form.required(f"{at}name", command.get("name"), 32)
        if command.get("description") or command.get("options"):
            message = "Context menu commands cannot have description"
            form.fault(f"{at}description", "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION_INVALID", message)
    _check_where(form, at, command)
    if size(command) > LARGEST:
        form.fault(path, "APPLICATION_COMMAND_TOO_LARGE", f"Command exceeds maximum size ({LARGEST})")


def _check_name(form: Form, path: str, name: object) -> None:
    form.required(path, name, 32)
    if isinstance(name, str) and name and len(name) <= 32 and (not NAME.fullmatch(name) or name != name.lower()):
        form.fault(path, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")


def _check_where(form: Form, at: str, command: Json) -> None:
    for field, known in (("contexts", (0, 1, 2)), ("integration_types", (0, 1))):
        values = command.get(field)
        if values is None:
            continue
        form.length(f"{at}{field}", values, len(known), 1)
        for index, value in enumerate(values):
            form.choice(f"{at}{field}.{index}", value, known)
    permissions = command.get("default_member_permissions")
    if permissions is not None and not str(permissions).isdecimal():
        form.fault(f"{at}default_member_permissions", "NUMBER_TYPE_COERCE", f'Value "{permissions}" is not int.')


def _check_options(form: Form, path: str, options: Sequence[Json], depth: int) -> None:
    """Values or subcommands, never both; groups hold subcommands, subcommands hold values."""
    form.length(path, options, 25)
    names: set[str] = set()
    optional = False
    deeper = {option.get("type") in (SUB_COMMAND, GROUP) for option in options}
    if len(deeper) > 1:
        message = "Sub-command and sub-command group option types are mutually exclusive to all other types"
        form.fault(path, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message)
    for index, option in enumerate(options):
        here = f"{path}.{index}"
        _check_option(form, here, option, depth)
        if option.get("name") in names:
            form.fault(f"{here}.name", "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", "Option name already exists")
        names.add(str(option.get("name")))
        if option.get("required") and optional:
            message = "Required options must be placed before non-required options"
            form.fault(here, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message)
        optional = optional or not option.get("required")


def _check_option(form: Form, path: str, option: Json, depth: int) -> None:
    kind = option.get("type")
    form.choice(f"{path}.type", kind, tuple(range((SUB_COMMAND, SUB_COMMAND, STRING)[depth], ATTACHMENT + 1)))
    if kind == GROUP and depth:
        form.fault(f"{path}.type", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Groups cannot be nested")
    _check_name(form, f"{path}.name", option.get("name"))
    form.required(f"{path}.description", option.get("description"), 100)
    if kind in (SUB_COMMAND, GROUP):
        _check_options(form, f"{path}.options", option.get("options") or [], 1 if kind == GROUP else 2)
        return
    choices = option.get("choices") or []
    form.length(f"{path}.choices", choices, 25)
    for index, choice in enumerate(choices):
        form.required(f"{path}.choices.{index}.name", choice.get("name"), 100)
        if kind == STRING:
            form.required(f"{path}.choices.{index}.value", choice.get("value"), 100)
    if option.get("autocomplete") and (choices or kind not in CHOOSABLE):
        message = "Autocomplete cannot be used with choices, or with this type of option"
        form.fault(f"{path}.autocomplete", "APPLICATION_COMMAND_AUTOCOMPLETE_INVALID", message)
    for bound, least in (("min_length", 0), ("max_length", 1)):
        value = option.get(bound)
        if value is not None and not least <= value <= LONGEST_STRING:
            message = f"int value should be between {least} and {LONGEST_STRING}."
            form.fault(f"{path}.{bound}", "NUMBER_TYPE_MAX", message)


def size(command: Json) -> int:
    """Return the total length of names, descriptions and values; the longest translation of each counts."""
    return sum(_sizes(command))


def _sizes(part: Json) -> Iterable[int]:
    for field in ("name", "description"):
        texts = [part.get(field) or "", *(part.get(f"{field}_localizations") or {}).values()]
        yield max(map(len, texts))
    if isinstance(part.get("value"), str):
        yield len(part["value"])
    inner: list[Any] = [*(part.get("options") or ()), *(part.get("choices") or ())]
    for one in inner:
        yield from _sizes(one)

"""REST: global and guild commands of the application."""

from collections.abc import Iterable

from tests.servers.discord.command_rules import CHAT_INPUT, check_command
from tests.servers.discord.errors import ApiError, Form
from tests.servers.discord.http import Answer, Call, Route
from tests.servers.discord.objects import Channel, Json
from tests.servers.discord.platform import Platform

MOST = {1: 100, 2: 15, 3: 15}
"""Commands of each type, everywhere and again in each guild."""


class Commands:
    """`syncs` counts bulk overwrites by guild id, or None for the global scope."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self._registered: dict[int | None, list[Json]] = {}
        self.syncs: dict[int | None, int] = {}

    def routes(self) -> Iterable[Route]:
        for here in ("/applications/{application}/commands", "/applications/{application}/guilds/{guild}/commands"):
            yield Route("GET", here, lambda call: (200, self.of(self._scope(call))))
            yield Route("PUT", here, self.overwrite)
            yield Route("POST", here, self.create)
            yield Route("GET", here + "/{command}", lambda call: (200, self._found(call)))
            yield Route("PATCH", here + "/{command}", self.edit)
            yield Route("DELETE", here + "/{command}", self.delete)

    def of(self, scope: int | None) -> list[Json]:
        return self._registered.get(scope, [])

    def find(self, channel: Channel, name: str, kind: int = CHAT_INPUT) -> Json | None:
        """Return the command available in the channel. A guild's command hides the global one of that name."""
        scopes = (channel.guild.id, None) if channel.guild else (None,)
        everything = (command for scope in scopes for command in self.of(scope))
        return next((one for one in everything if one["name"] == name and one["type"] == kind), None)

    def _scope(self, call: Call) -> int | None:
        if call.id("application") != self.platform.store.application.id:
            raise ApiError(20012)
        if "guild" not in call.params:
            return None
        guild = self.platform.store.guilds.get(call.id("guild"))
        if guild is None or not self.platform.gateway.sees(guild):
            raise ApiError(50001)
        return guild.id

    def _found(self, call: Call) -> Json:
        wanted = call.id("command")
        for command in self.of(self._scope(call)):
            if command["id"] == str(wanted):
                return command
        raise ApiError(10063)

    def overwrite(self, call: Call) -> Answer:
        """Replace all commands. One that keeps its name keeps its id."""
        scope, wanted = self._scope(call), call.body
        if not isinstance(wanted, list):
            form = Form()
            form.fault("", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            form.check()
        form = Form()
        seen = set()
        for index, command in enumerate(wanted):
            check_command(command, form, str(index))
            key = command.get("type") or CHAT_INPUT, command.get("name")
            if key in seen:
                message = "Application command names must be unique"
                form.fault(f"{index}.name", "APPLICATION_COMMANDS_DUPLICATE_NAME", message)
            seen.add(key)
        form.check()
        self._count([kind for kind, _ in seen])
        self._registered[scope] = [self._made(command, scope) for command in wanted]
        self.syncs[scope] = self.syncs.get(scope, 0) + 1
        return 200, self.of(scope)

    def create(self, call: Call) -> Answer:
        """Create a command or replace the one of that name."""
        scope, command = self._scope(call), call.form
        form = Form()
        check_command(command, form)
        form.check()
        made = self._made(command, scope)
        others = [one for one in self.of(scope) if one["id"] != made["id"]]
        self._count([one["type"] for one in [*others, made]])
        new = len(others) == len(self.of(scope))
        self._registered[scope] = [*others, made]
        return 201 if new else 200, made

    def edit(self, call: Call) -> Answer:
        scope, command = self._scope(call), self._found(call)
        changed = command | call.form | {"type": command["type"]}
        form = Form()
        check_command(changed, form)
        form.check()
        command.update(changed | {"version": str(self.platform.store.snowflake())})
        return 200, self._registered[scope][self.of(scope).index(command)]

    def delete(self, call: Call) -> Answer:
        self._registered[self._scope(call)].remove(self._found(call))
        return 204, None

    def _count(self, kinds: list[int]) -> None:
        if any(kinds.count(kind) > most for kind, most in MOST.items()):
            raise ApiError(30032)

    def _made(self, command: Json, scope: int | None) -> Json:
        kind, store = command.get("type") or CHAT_INPUT, self.platform.store
        before = (one["id"] for one in self.of(scope) if (one["type"], one["name"]) == (kind, command["name"]))
        permissions = command.get("default_member_permissions")
        made = {"id": next(before, None) or str(store.snowflake()), "application_id": str(store.application.id),
                "version": str(store.snowflake()), "type": kind, "name": command["name"],
                "name_localizations": command.get("name_localizations"),
                "description": command.get("description") or "",
                "description_localizations": command.get("description_localizations"),
                "default_member_permissions": None if permissions is None else str(permissions),
                "nsfw": bool(command.get("nsfw")), "options": command.get("options") or []}  # fmt: skip
        if scope is not None:
            return made | {"guild_id": str(scope)}
        usual = [kind for kind, has in ((0, store.application.for_guilds), (1, store.application.for_users)) if has]
        in_private = command.get("dm_permission", True)
        return made | {"contexts": command.get("contexts"), "dm_permission": in_private,
                       "integration_types": command.get("integration_types") or usual}  # fmt: skip

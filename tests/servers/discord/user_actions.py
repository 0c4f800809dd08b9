"""Users' commands, button clicks and modal submissions, as Discord's client allows them."""

from dataclasses import dataclass
from typing import Any

from tests.servers.discord.command_options import fill_options, resolve_user
from tests.servers.discord.command_rules import ON_MESSAGE, ON_USER
from tests.servers.discord.commands import Commands
from tests.servers.discord.interactions import Interaction, InteractionType
from tests.servers.discord.objects import Channel, Json, Message, User, walk
from tests.servers.discord.payloads import ATTACHMENT_LIMIT, member_json, message_json, partial_channel_json, user_json
from tests.servers.discord.permissions import ALL, USE_APPLICATION_COMMANDS, in_channel, may
from tests.servers.discord.sessions import Intent
from tests.servers.discord.user_messages import ChannelRef, UserActionError, UserMessages, UserRef

GUILD, BOT_DM = 0, 1
BY_GUILD, BY_USER = 0, 1
STRING_SELECT, TEXT_INPUT = 3, 4


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Autocomplete choices and the seconds until they came."""

    choices: list[Json]
    latency: float


class UserActions(UserMessages):
    """`late` delays the gateway event by so many seconds after the action, from which deadlines count."""

    commands: Commands

    def slash(self, user: UserRef, channel: ChannelRef, name: str, *, late: float = 0.0, permitted: bool = False,
              **options: Any) -> Interaction:  # fmt: skip
        """Run a command; further words of the name are its subcommands.

        `permitted`: an administrator allowed the command to this user, whatever its default permissions.
        """
        user, channel = self.find_user(user), self.find_channel(channel, user)
        command, path = self._command(user, channel, name, permitted)
        data = _data(command) | fill_options(command, path, options, channel, user)
        owners = self._owners(user, channel, command)
        return self._interact(InteractionType.COMMAND, user, channel, data, owners, late=late)

    async def autocomplete(self, user: UserRef, channel: ChannelRef, name: str, option: str, value: Any, *,
                           within: float = 3.0, **others: Any) -> Suggestions:  # fmt: skip
        """Type into an option. Raise TimeoutError if no choices come."""
        user, channel = self.find_user(user), self.find_channel(channel, user)
        command, path = self._command(user, channel, name, permitted=False)
        data = _data(command) | fill_options(command, path, others | {option: value}, channel, user, focused=option)
        interaction = self._interact(
            InteractionType.AUTOCOMPLETE, user, channel, data, self._owners(user, channel, command)
        )
        await self.platform.watch.until(lambda: interaction.choices is not None, within)
        return Suggestions(interaction.choices or [], interaction.latency or 0.0)

    def use_context_menu(
        self, user: UserRef, target: Message | User, name: str, channel: ChannelRef = ""
    ) -> Interaction:
        """Run a message's or user's context menu command."""
        on_message = isinstance(target, Message)
        channel = target.channel if isinstance(target, Message) else self.find_channel(channel)
        user = self.find_user(user)
        command = self.commands.find(channel, name, ON_MESSAGE if on_message else ON_USER)
        if command is None:
            raise UserActionError(f"there is no command {name} on that")
        resolved: Json = {}
        if isinstance(target, Message):
            resolved["messages"] = {str(target.id): message_json(target)}
        else:
            resolve_user(target, channel, resolved)
        data = _data(command) | {"target_id": str(target.id), "resolved": resolved}
        return self._interact(InteractionType.COMMAND, user, channel, data, self._owners(user, channel, command))

    def click(self, user: UserRef, message: Message, custom_id: str, *, values: list[str] | None = None,
              late: float = 0.0) -> Interaction:  # fmt: skip
        """Click a button, or select values in a menu."""
        user = self.find_user(user)
        if message.deleted or (message.ephemeral_to and message.ephemeral_to is not user):
            raise UserActionError(f"{user.name} does not see that message")
        part = next((one for one in walk(message.components) if one.get("custom_id") == custom_id), None)
        if part is None or part.get("disabled"):
            raise UserActionError(f"there is nothing to press under {custom_id}")
        data: Json = {"custom_id": custom_id, "component_type": part["type"], "id": part.get("id", 1)}
        if part["type"] == STRING_SELECT:
            offered = {option["value"] for option in part["options"]}
            least, most = part.get("min_values", 1), part.get("max_values", 1)
            if not set(values or ()) <= offered or not least <= len(values or ()) <= most:
                raise UserActionError("the menu does not offer that")
            data["values"] = values or []
        owners = (message.interaction or {}).get("authorizing_integration_owners")
        owners = owners or self._owners(user, message.channel, None)
        return self._interact(InteractionType.COMPONENT, user, message.channel, data, owners, message, late=late)

    def submit(self, opened: Interaction, values: dict[str, str] | None = None, *, late: float = 0.0) -> Interaction:
        """Submit the modal that the interaction opened."""
        if opened.modal is None:
            raise UserActionError("no form is open")
        given = dict(values or {})
        components = [_submitted(component, given) for component in opened.modal["components"]]
        if given:
            raise UserActionError(f"the form has no field {min(given)}")
        data = {"custom_id": opened.modal["custom_id"], "components": components}
        return self._interact(
            InteractionType.MODAL, opened.user, opened.channel, data, opened.owners, opened.message, opened, late=late
        )

    # Checks of the client.

    def _command(self, user: User, channel: Channel, name: str, permitted: bool) -> tuple[Json, list[str]]:
        first, *path = name.removeprefix("/").split()
        command = self.commands.find(channel, first)
        if command is None:
            raise UserActionError(f"there is no command /{first}")
        if not self._owners(user, channel, command):
            raise UserActionError(f"/{first} is not offered there")
        contexts = command.get("contexts")
        if channel.is_direct and not command.get("dm_permission", True) and contexts is None:
            raise UserActionError(f"/{first} is not offered in direct messages")
        if contexts is not None and (BOT_DM if channel.is_direct else GUILD) not in contexts:
            raise UserActionError(f"/{first} is not offered there")
        if channel.guild and not permitted:
            self._check_permissions(user, channel, command)
        return command, path

    def _check_permissions(self, user: User, channel: Channel, command: Json) -> None:
        wanted = command["default_member_permissions"]
        mine = in_channel(user, channel)
        # "0" restricts a command to administrators.
        missing = wanted is not None and (mine & int(wanted) != int(wanted) or (not int(wanted) and mine != ALL))
        if missing or not may(user, channel, USE_APPLICATION_COMMANDS):
            raise UserActionError(f"{user.name} may not use /{command['name']}")

    def _owners(self, user: User, channel: Channel, command: Json | None) -> dict[str, str]:
        """Return the installations that offer the command to the user there; empty if none does."""
        store = self.platform.store
        types = (command or {}).get("integration_types") or [BY_GUILD, BY_USER]
        owners: dict[str, str] = {}
        if channel.guild is None and BY_GUILD in types:
            owners["0"] = "0"
        if channel.guild and BY_GUILD in types and store.bot.id in channel.guild.members:
            owners["0"] = str(channel.guild.id)
        if BY_USER in types and user in store.application.installed_by:
            owners["1"] = str(user.id)
        return owners

    # Gateway events.

    def _interact(self, kind: InteractionType, user: User, channel: Channel, data: Json, owners: dict[str, str],
                  message: Message | None = None, opener: Interaction | None = None,
                  late: float = 0.0) -> Interaction:  # fmt: skip
        store = self.platform.store
        interaction = Interaction(store.snowflake(), kind, user, channel, data, owners, message, opener)
        interaction.payload = self._payload(interaction)
        self.platform.interactions[interaction.token] = interaction
        self.platform.gateway.sessions.dispatch(
            "INTERACTION_CREATE", interaction.payload, channel.guild, Intent.NONE, late
        )
        self.platform.watch.changed()
        return interaction

    def _payload(self, interaction: Interaction) -> Json:
        user, channel, store = interaction.user, interaction.channel, self.platform.store
        permissions = in_channel(user, channel)
        payload: Json = {"id": str(interaction.id), "application_id": str(store.application.id), "version": 1,
                         "type": int(interaction.type), "token": interaction.token, "data": interaction.data,
                         "channel_id": str(channel.id), "channel": partial_channel_json(channel, permissions),
                         "app_permissions": str(in_channel(store.bot, channel)), "locale": user.locale,
                         "entitlements": [], "entitlement_sku_ids": [], "attachment_size_limit": ATTACHMENT_LIMIT,
                         "authorizing_integration_owners": interaction.owners,
                         "context": BOT_DM if channel.is_direct else GUILD}  # fmt: skip
        if interaction.message:
            payload["message"] = message_json(interaction.message)
        guild = channel.guild
        if guild is None:
            return payload | {"user": user_json(user)}
        member = member_json(guild.members[user.id], permissions=permissions)
        partial = {"id": str(guild.id), "locale": guild.locale, "features": []}
        return payload | {"guild_id": str(guild.id), "guild": partial, "guild_locale": guild.locale, "member": member}


def _data(command: Json) -> Json:
    data: Json = {"id": command["id"], "name": command["name"], "type": command["type"]}
    return data | ({"guild_id": command["guild_id"]} if "guild_id" in command else {})


def _submitted(component: Json, given: dict[str, str]) -> Json:
    """Return a modal component with its submitted value, which is removed from `given`."""
    if "component" in component:
        return {"type": component["type"], "id": 1, "component": _submitted(component["component"], given)}
    if "components" in component:
        return {
            "type": component["type"],
            "id": 1,
            "components": [_submitted(it, given) for it in component["components"]],
        }
    if component["type"] != TEXT_INPUT:
        return {"type": component["type"], "id": 1}
    value = given.pop(component["custom_id"], component.get("value") or "")
    least, most = component.get("min_length") or 0, component.get("max_length") or 4000
    if (component.get("required", True) and not value) or not (least <= len(value) <= most or not value):
        raise UserActionError(f"{component['custom_id']} is too short or too long")
    return {"type": TEXT_INPUT, "id": 1, "custom_id": component["custom_id"], "value": value}

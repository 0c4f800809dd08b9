"""Invalid messages and commands get Discord's error code and path."""

from typing import Any

import discord
import pytest
from discord.http import Route

from tests.servers.discord import DiscordServer

LONG = "x" * 2001


def button(custom_id: str = "a", **more: Any) -> dict[str, Any]:
    return {"type": 2, "style": 1, "label": "A", "custom_id": custom_id} | more


def rows(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"content": "x", "components": [{"type": 1, "components": list(buttons)}]}


def embed(**parts: Any) -> dict[str, Any]:
    return {"embeds": [parts]}


async def refusal(rest: discord.Client, route: Route, body: Any) -> tuple[int, int, str]:
    """Return status, code and the path of the first fault."""
    with pytest.raises(discord.HTTPException) as caught:
        await rest.http.request(route, json=body)
    first = caught.value.text.partition("\n")[2].partition(":")[0]
    return caught.value.status, caught.value.code, first.removeprefix("In ")


FIELD = {"name": "n", "value": "v"}
MESSAGES: list[tuple[dict[str, Any], int, str]] = [
    ({"content": LONG}, 50035, "content"),
    ({"content": ""}, 50006, ""),
    ({"content": "  \n "}, 50006, ""),
    ({}, 50006, ""),
    ({"content": "x", "nonce": "n" * 26}, 50035, "nonce"),
    (embed(title="t" * 257), 50035, "embeds.0.title"),
    (embed(description="d" * 4097), 50035, "embeds.0.description"),
    (embed(title="t", footer={"text": "f" * 2049}), 50035, "embeds.0.footer.text"),
    (embed(title="t", author={"name": "a" * 257}), 50035, "embeds.0.author.name"),
    (embed(fields=[FIELD] * 26), 50035, "embeds.0.fields"),
    (embed(fields=[FIELD | {"name": "n" * 257}]), 50035, "embeds.0.fields.0.name"),
    (embed(fields=[FIELD | {"value": "v" * 1025}]), 50035, "embeds.0.fields.0.value"),
    (embed(fields=[FIELD | {"value": ""}]), 50035, "embeds.0.fields.0.value"),
    (embed(title="t", url="javascript:alert()"), 50035, "embeds.0.url"),
    (embed(), 50035, "embeds.0.description"),
    ({"embeds": [{"description": "d" * 3001}] * 2}, 50035, "embeds"),
    ({"embeds": [{"title": "t"}] * 11}, 50035, "embeds"),
    ({"embeds": ["t"]}, 50035, "embeds.0"),
    ({"content": "x", "allowed_mentions": {"parse": ["all"]}}, 50035, "allowed_mentions.parse.0"),
    ({"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}}, 50035, "allowed_mentions"),
    ({"content": "x", "allowed_mentions": {"roles": ["1"] * 101}}, 50035, "allowed_mentions.roles"),
    ({"content": "x", "components": [{"type": 1, "components": [button()]}] * 6}, 50035, "components"),
    ({"content": "x", "components": [button()]}, 50035, "components.0.type"),
    (rows(), 50035, "components.0.components"),
    (rows(*[button(str(number)) for number in range(6)]), 50035, "components.0.components"),
    (rows(button("a"), button("a", disabled=True)), 50035, "components.0.components.1.custom_id"),
    (rows(button("i" * 101)), 50035, "components.0.components.0.custom_id"),
    (rows(button("")), 50035, "components.0.components.0.custom_id"),
    (rows(button(label="l" * 81)), 50035, "components.0.components.0.label"),
    (rows(button(label=None)), 50035, "components.0.components.0.label"),
    (rows(button(style=9)), 50035, "components.0.components.0.style"),
    (rows({"type": 2, "style": 5, "label": "A"}), 50035, "components.0.components.0.url"),
    (rows(button(style=5, url="https://example.com")), 50035, "components.0.components.0"),
    (rows({"type": 2, "style": 5, "label": "A", "url": "ftp://x"}), 50035, "components.0.components.0.url"),
    (rows({"type": 3, "custom_id": "m", "options": [{"label": "l", "value": "v"}]}, button()), 50035,
     "components.0.components.1"),
    (rows({"type": 3, "custom_id": "m", "options": []}), 50035, "components.0.components.0.options"),
    ({"flags": 1 << 15, "content": "x", "components": [{"type": 10, "content": "y"}]}, 50035, "content"),
    ({"flags": 1 << 15, "components": [{"type": 10, "content": "y" * 2001}] * 2}, 50035, "components"),
    ({"flags": 1 << 15, "components": [{"type": 14}] * 41}, 50035, "components"),
    ({"content": "x", "message_reference": {"message_id": "1"}}, 50035, "message_reference"),
    ({"content": "x", "message_reference": {"message_id": "one"}}, 50035, "message_reference.message_id"),
    ({"content": "x", "flags": "some"}, 50035, "flags"),
    ({"content": 5}, 50035, "content"),
]  # fmt: skip


async def test_invalid_message_is_refused_with_the_path_of_the_fault(
    server: DiscordServer, rest: discord.Client
) -> None:
    for body, code, place in MESSAGES:
        route = Route("POST", "/channels/{channel_id}/messages", channel_id=server.find_channel("general").id)
        assert await refusal(rest, route, body) == (400, code, place)
        assert server.said == []
        assert (server.calls[-1].status, server.calls[-1].code, server.calls[-1].body) == (400, code, body)


ACCEPTED_MESSAGES: list[dict[str, Any]] = [
    {"content": "x" * 2000},
    {"content": "x", "nonce": "n" * 25},
    embed(title="t" * 256, description="d" * 4096, fields=[FIELD] * 25),
    {"embeds": [{"description": "d" * 3000}] * 2},
    rows(*[button(str(number), label="l" * 80) for number in range(5)]),
    rows(button(), {"type": 2, "style": 5, "label": "A", "url": "https://example.com"}),
    {"content": "x", "allowed_mentions": {"parse": ["users"], "users": [], "roles": ["1"]}},
    {"flags": 1 << 15, "components": [{"type": 10, "content": "y" * 4000}]},
    {"content": "x", "message_reference": {"message_id": "1", "fail_if_not_exists": False}},
]


async def test_message_at_the_limits_is_posted(server: DiscordServer, rest: discord.Client) -> None:
    for body in ACCEPTED_MESSAGES:
        route = Route("POST", "/channels/{channel_id}/messages", channel_id=server.find_channel("general").id)
        await rest.http.request(route, json=body)
    assert len(server.said) == len(ACCEPTED_MESSAGES)


OPTION = {"type": 3, "name": "o", "description": "d"}
COMMAND = {"name": "ask", "description": "Ask"}
CHOICE = {"name": "n", "value": "v"}


def option(**changes: Any) -> dict[str, Any]:
    return COMMAND | {"options": [OPTION | changes]}


COMMANDS: list[tuple[dict[str, Any], str]] = [
    (COMMAND | {"name": "Ask"}, "0.name"),
    (COMMAND | {"name": "a b"}, "0.name"),
    (COMMAND | {"name": "n" * 33}, "0.name"),
    (COMMAND | {"description": ""}, "0.description"),
    (COMMAND | {"description": "d" * 101}, "0.description"),
    (COMMAND | {"type": 2}, "0.description"),
    (COMMAND | {"contexts": [3]}, "0.contexts.0"),
    (COMMAND | {"integration_types": [2]}, "0.integration_types.0"),
    (COMMAND | {"integration_types": []}, "0.integration_types"),
    (COMMAND | {"default_member_permissions": "many"}, "0.default_member_permissions"),
    (COMMAND | {"options": [OPTION] * 26}, "0.options"),
    (COMMAND | {"options": [OPTION, OPTION]}, "0.options.1.name"),
    (COMMAND | {"options": [OPTION, OPTION | {"name": "p", "required": True}]}, "0.options.1"),
    (COMMAND | {"options": [OPTION, {"type": 1, "name": "s", "description": "d"}]}, "0.options"),
    (option(name="O"), "0.options.0.name"),
    (option(description="d" * 101), "0.options.0.description"),
    (option(type=12), "0.options.0.type"),
    (option(choices=[CHOICE] * 26), "0.options.0.choices"),
    (option(choices=[CHOICE | {"name": "n" * 101}]), "0.options.0.choices.0.name"),
    (option(choices=[CHOICE | {"value": "v" * 101}]), "0.options.0.choices.0.value"),
    (option(choices=[CHOICE], autocomplete=True), "0.options.0.autocomplete"),
    (option(max_length=6001), "0.options.0.max_length"),
    (option(type=1, options=[{"type": 2, "name": "g", "description": "d"}]), "0.options.0.options.0.type"),
    (COMMAND | {"options": [OPTION | {"name": f"o{number}", "choices": [{"name": str(n), "value": "v" * 98}
                                                                        for n in range(25)]}
                            for number in range(4)]}, "0"),
]  # fmt: skip


async def test_invalid_command_is_not_registered(server: DiscordServer, rest: discord.Client) -> None:
    for command, place in COMMANDS:
        route = Route("PUT", "/applications/{application_id}/commands", application_id=server.store.application.id)
        assert await refusal(rest, route, [command]) == (400, 50035, place)
        assert server.commands.of(None) == []


async def test_command_names_are_unique_and_limited_to_one_hundred(server: DiscordServer, rest: discord.Client) -> None:
    route = Route("PUT", "/applications/{application_id}/commands", application_id=server.store.application.id)
    assert await refusal(rest, route, [COMMAND, COMMAND]) == (400, 50035, "1.name")
    many = [COMMAND | {"name": f"ask{number}"} for number in range(101)]
    assert await refusal(rest, route, many) == (400, 30032, "")
    await rest.http.request(route, json=[*many[:100], {"type": 2, "name": "Who is that"}])
    assert len(server.commands.of(None)) == 101


async def test_command_keeps_its_id_while_its_name_is_unchanged(server: DiscordServer, rest: discord.Client) -> None:
    application = server.store.application.id
    first = await rest.http.bulk_upsert_global_commands(application, payload=[COMMAND])
    again = await rest.http.bulk_upsert_global_commands(application, payload=[COMMAND | {"description": "Now"}])
    assert (first[0]["id"], again[0]["description"]) == (again[0]["id"], "Now")
    await rest.http.upsert_guild_command(application, server.guild("acme").id, payload=COMMAND)
    assert len(await rest.http.get_guild_commands(application, server.guild("acme").id)) == 1
    await rest.http.edit_global_command(application, int(again[0]["id"]), payload={"description": "Later"})
    assert server.commands.of(None)[0]["description"] == "Later"
    await rest.http.delete_global_command(application, int(again[0]["id"]))
    assert await rest.http.get_global_commands(application) == []
    with pytest.raises(discord.NotFound, match="10063"):
        await rest.http.get_global_command(application, int(again[0]["id"]))

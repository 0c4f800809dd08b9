"""Interactions: payload, responses and deadlines."""

from typing import Any

import discord
import pytest
from discord.http import Route

from tests.servers.discord import Callback, DiscordServer, Flag, Interaction, Rules, UserActionError
from tests.servers.discord.client import RecordingBot, running


def ask(server: DiscordServer, **more: Any) -> Interaction:
    return server.slash("alice", "general", "ask", question="Why?", **more)


async def respond(interaction: discord.Interaction, kind: int, data: dict[str, Any] | None = None) -> Any:
    """Send a first response that discord.py does not validate."""
    path = "/interactions/{webhook_id}/{webhook_token}/callback"
    route = Route("POST", path, webhook_id=interaction.id, webhook_token=interaction.token)
    body = {"type": kind, "data": data or {}}
    return await interaction.client.http.request(route, json=body, params={"with_response": "true"})


async def test_interaction_payload_has_user_channel_and_permissions(server: DiscordServer, bot: RecordingBot) -> None:
    happened = ask(server)
    interaction = await bot.interaction()
    assert isinstance(interaction.user, discord.Member)
    assert (interaction.user.name, interaction.channel and interaction.channel.id) == ("alice", happened.channel.id)
    assert interaction.permissions.manage_guild
    assert interaction.app_permissions.send_messages
    assert not interaction.app_permissions.manage_messages
    assert (interaction.locale, interaction.guild_locale) == (discord.Locale.american_english,) * 2
    assert (interaction.context.guild, interaction.is_guild_integration()) == (True, True)
    assert happened.payload["entitlements"] == []
    server.slash("bob", "general", "ask", question="?")
    assert not (await bot.interaction(1)).permissions.manage_guild
    alone = server.slash("bob", server.bot, "ask", question="?")
    interaction = await bot.interaction(2)
    assert (interaction.guild, interaction.context.dm_channel, alone.owners) == (None, True, {"0": "0"})


async def test_interaction_is_acknowledged_only_once(server: DiscordServer, bot: RecordingBot) -> None:
    happened = ask(server)
    interaction = await bot.interaction()
    await interaction.response.send_message("x")
    with pytest.raises(discord.HTTPException) as caught:
        await respond(interaction, 4, {"content": "y"})
    assert (caught.value.status, caught.value.code) == (400, 40060)
    assert happened.callback == Callback.MESSAGE
    assert happened.original and happened.original.content == "x"


@pytest.mark.parametrize("late", [0.0, 0.6])
async def test_first_response_is_due_within_its_deadline(late: float) -> None:
    async with DiscordServer(rules=Rules(first_response=0.5)) as server, running(server, RecordingBot()) as bot:
        happened = ask(server, late=late)
        interaction = await bot.interaction()
        if not late:
            await interaction.response.defer()
            return
        with pytest.raises(discord.NotFound) as caught:
            await interaction.response.defer()
        assert (caught.value.code, happened.responded) == (10062, None)


@pytest.mark.parametrize("part", ["id", "token"])
async def test_unknown_interaction_is_refused(server: DiscordServer, bot: RecordingBot, part: str) -> None:
    ask(server)
    interaction = await bot.interaction()
    setattr(interaction, part, {"id": 1, "token": "no"}[part])
    with pytest.raises(discord.NotFound, match="10062"):
        await respond(interaction, 5)


async def test_follow_up_requires_a_first_response(server: DiscordServer, bot: RecordingBot) -> None:
    ask(server)
    interaction = await bot.interaction()
    for action in (interaction.followup.send("x"), interaction.edit_original_response(content="x")):
        with pytest.raises(discord.NotFound, match="10015"):
            await action


async def test_interaction_token_expires(server: DiscordServer, bot: RecordingBot) -> None:
    ask(server)
    interaction = await bot.interaction()
    await interaction.response.send_message("x")
    server.rules.token_lifetime = 0
    for action in (interaction.followup.send("y"), interaction.edit_original_response(content="y")):
        with pytest.raises(discord.HTTPException) as caught:
            await action
        assert (caught.value.status, caught.value.code) == (401, 50027)


@pytest.mark.parametrize("private", [True, False])
async def test_deferral_decides_whether_the_response_is_ephemeral(
    server: DiscordServer, bot: RecordingBot, private: bool
) -> None:
    happened = ask(server)
    interaction = await bot.interaction()
    await interaction.response.defer(thinking=True, ephemeral=private)
    original = happened.original
    assert original and (original.loading, original.ephemeral) == (True, private)
    await interaction.followup.send("x", ephemeral=not private)
    assert (happened.original, happened.follow_ups, original.content) == (original, [], "x")
    assert (original.loading, original.ephemeral, original.edits) == (False, private, 0)
    await interaction.followup.send("y", ephemeral=not private)
    assert [message.ephemeral for message in happened.messages] == [private, not private]
    assert happened.follow_ups[0].reply_to is original


async def test_ephemeral_message_is_not_listed_in_its_channel(server: DiscordServer, bot: RecordingBot) -> None:
    happened = ask(server)
    interaction = await bot.interaction()
    await interaction.response.send_message("x", ephemeral=True)
    original = happened.original
    assert original and original.ephemeral_to is happened.user
    assert [message async for message in interaction.channel.history()] == []  # type: ignore[union-attr]
    message = interaction.channel.get_partial_message(original.id)  # type: ignore[union-attr]
    with pytest.raises(discord.NotFound, match="10008"):
        await message.edit(content="y")
    await bot.watch.until(lambda: bot.got("message"))
    assert bot.got("message")[0].guild is None  # Discord sends it without a guild, as a direct message
    await interaction.edit_original_response(content="y")
    assert original.content == "y"
    with pytest.raises(UserActionError):
        server.click("bob", original, "a")
    server.delete(original)
    with pytest.raises(discord.NotFound, match="10008"):
        await interaction.edit_original_response(content="z")


async def test_response_needs_no_channel_permission(server: DiscordServer, bot: RecordingBot) -> None:
    happened = ask(server)
    interaction = await bot.interaction()
    server.set_overwrite("general", server.bot, deny=(1 << 10) | (1 << 11))
    await interaction.response.send_message("x")
    await interaction.followup.send("y")
    assert [message.content for message in happened.messages] == ["x", "y"]


async def test_response_mentions_only_users_by_default(server: DiscordServer, bot: RecordingBot) -> None:
    server.set_overwrite("general", server.bot, allow=1 << 17)
    happened = ask(server)
    interaction = await bot.interaction()
    bob = server.find_user("bob").mention
    await interaction.response.send_message(f"@everyone {bob}")
    everyone = discord.AllowedMentions.all()
    await interaction.followup.send(f"@everyone {bob}", allowed_mentions=everyone)
    assert [message.pings for message in happened.messages] == [{bob}, {bob, "everyone"}]


@pytest.mark.parametrize(
    ("kind", "data", "code"),
    [
        (4, {"content": "x" * 2001}, 50035),
        (4, {"content": ""}, 50006),
        (4, {"content": "x", "components": [{"type": 2}]}, 50035),
        (6, None, 50035),
        (8, {"choices": []}, 50035),
        (10, None, 50035),
        (9, {"title": "t" * 46, "custom_id": "m", "components": []}, 50035),
        (9, {"title": "t", "custom_id": "", "components": [{"type": 1, "components": []}]}, 50035),
        (9, {"title": "t", "custom_id": "m", "components": []}, 50035),
    ],
)
async def test_invalid_response_does_not_acknowledge_the_interaction(
    server: DiscordServer, bot: RecordingBot, kind: int, data: dict[str, Any] | None, code: int
) -> None:
    happened = ask(server)
    interaction = await bot.interaction()
    with pytest.raises(discord.HTTPException) as caught:
        await respond(interaction, kind, data)
    assert (caught.value.status, caught.value.code, happened.responded) == (400, code, None)
    await respond(interaction, 5)


async def test_deferral_ignores_everything_but_the_ephemeral_flag(server: DiscordServer, bot: RecordingBot) -> None:
    happened = ask(server)
    response = await respond(await bot.interaction(), 5, {"flags": int(Flag.EPHEMERAL | Flag.SUPPRESS_EMBEDS)})
    assert happened.original and happened.original.flags == Flag.LOADING | Flag.EPHEMERAL
    assert response["interaction"] | {"id": 0, "response_message_id": 0} == {
        "id": 0, "type": 2, "response_message_id": 0, "response_message_loading": True,
        "response_message_ephemeral": True,
    }  # fmt: skip


async def test_callback_returns_the_response_only_on_request(server: DiscordServer, bot: RecordingBot) -> None:
    ask(server)
    interaction = await bot.interaction()
    path = "/interactions/{webhook_id}/{webhook_token}/callback"
    route = Route("POST", path, webhook_id=interaction.id, webhook_token=interaction.token)
    assert await bot.http.request(route, json={"type": 5}) == ""
    assert server.calls[-1].status == 204


async def test_follow_up_is_fetched_edited_and_deleted_by_id(server: DiscordServer, bot: RecordingBot) -> None:
    happened = ask(server)
    interaction = await bot.interaction()
    await interaction.response.send_message("x")
    more = await interaction.followup.send("y", wait=True, ephemeral=True)
    await more.edit(content="z")
    assert (await interaction.followup.fetch_message(more.id)).content == "z"
    assert (await interaction.original_response()).content == "x"
    await more.delete()
    await interaction.delete_original_response()
    assert [message.deleted for message in happened.messages] == [True, True]
    for gone in (interaction.followup.fetch_message(more.id), interaction.edit_original_response(content="?")):
        with pytest.raises(discord.NotFound, match="10008"):
            await gone
    await interaction.followup.send("the token still works")


async def test_deleted_deferral_cannot_be_answered(server: DiscordServer, bot: RecordingBot) -> None:
    happened = ask(server)
    interaction = await bot.interaction()
    await interaction.response.defer(thinking=True)
    assert happened.original
    server.delete(happened.original)
    for late in (interaction.followup.send("x"), interaction.edit_original_response(content="x")):
        with pytest.raises(discord.NotFound, match="10008"):
            await late

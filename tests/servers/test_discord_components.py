"""Buttons, menus and modals."""

from typing import Any

import discord
import pytest
from discord.http import Route

from tests.servers.discord import DiscordServer, Flag, UserActionError
from tests.servers.discord.client import RecordingBot


class Buttons(discord.ui.View):
    """A component per kind of response."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="Update", custom_id="update")
    async def update(self, interaction: discord.Interaction, _: Any) -> None:
        await interaction.response.edit_message(content="updated")

    @discord.ui.button(label="Later", custom_id="later")
    async def later(self, interaction: discord.Interaction, _: Any) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(content="later")

    @discord.ui.button(label="Answer", custom_id="answer")
    async def answer(self, interaction: discord.Interaction, _: Any) -> None:
        await interaction.response.send_message("answered", ephemeral=True)

    @discord.ui.button(label="Form", custom_id="form")
    async def form(self, interaction: discord.Interaction, _: Any) -> None:
        await interaction.response.send_modal(Form())

    @discord.ui.select(custom_id="menu", options=[discord.SelectOption(label="One", value="1")])
    async def menu(self, interaction: discord.Interaction, chosen: discord.ui.Select[Any]) -> None:
        await interaction.response.edit_message(content=chosen.values[0])


class Form(discord.ui.Modal, title="Form"):
    text = discord.ui.TextInput[Any](label="Text", custom_id="text", max_length=5)

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"got {self.text.value}")


@pytest.mark.parametrize(("custom_id", "content"), [("update", "updated"), ("later", "later"), ("menu", "1")])
async def test_button_click_updates_its_message(
    server: DiscordServer, bot: RecordingBot, custom_id: str, content: str
) -> None:
    await bot.get_channel(server.find_channel("general").id).send("x", view=Buttons())  # type: ignore[union-attr]
    (message,) = server.said
    values = ["1"] if custom_id == "menu" else None
    happened = server.click("bob", message, custom_id, values=values)
    await server.until(lambda: message.content == content)
    assert happened.original is message
    assert server.said == [message]


async def test_button_click_is_answered_with_a_reply(server: DiscordServer, bot: RecordingBot) -> None:
    await bot.get_channel(server.find_channel("general").id).send("x", view=Buttons())  # type: ignore[union-attr]
    happened = server.click("bob", server.said[0], "answer")
    original = await server.until(lambda: happened.original)
    assert (original.reply_to, original.ephemeral, original.type) == (server.said[0], True, 19)


async def test_modal_is_opened_and_submitted(server: DiscordServer, bot: RecordingBot) -> None:
    await bot.get_channel(server.find_channel("general").id).send("x", view=Buttons())  # type: ignore[union-attr]
    opened = server.click("bob", server.said[0], "form")
    await server.until(lambda: opened.modal)
    for wrong in ({"text": "too long"}, {"text": ""}, {"text": "x", "other": "y"}):
        with pytest.raises(UserActionError):
            server.submit(opened, wrong)
    sent = server.submit(opened, {"text": "hello"})
    await server.until(lambda: sent.original)
    assert sent.original and sent.original.content == "got hello"


async def test_components_v2_flag_cannot_be_removed(server: DiscordServer, bot: RecordingBot) -> None:
    view: discord.ui.LayoutView = discord.ui.LayoutView(timeout=None)
    row: discord.ui.ActionRow[Any] = discord.ui.ActionRow(discord.ui.Button(label="A", custom_id="a"))
    view.add_item(discord.ui.Container(discord.ui.TextDisplay(f"hello {server.find_user('bob').mention}"), row))
    message = await bot.get_channel(server.find_channel("general").id).send(view=view)  # type: ignore[union-attr]
    (said,) = server.said
    assert (said.has(Flag.COMPONENTS_V2), said.content, len(said.buttons)) == (True, "", 1)
    assert said.pings == {server.find_user("bob").mention}
    route = Route("PATCH", "/channels/{channel_id}/messages/{id}", channel_id=message.channel.id, id=message.id)
    for body, place in (({"flags": 0}, "flags"), ({"content": "x"}, "content")):
        with pytest.raises(discord.HTTPException, match=f"50035.*\n?In {place}"):
            await bot.http.request(route, json=body)


async def test_duplicate_ids_in_a_layout_are_refused_at_any_depth(server: DiscordServer, bot: RecordingBot) -> None:
    button = {"type": 2, "style": 1, "label": "A", "custom_id": "a"}
    row = {"type": 1, "components": [button]}
    section = {"type": 9, "components": [{"type": 10, "content": "x"}], "accessory": button}
    body = {"flags": int(Flag.COMPONENTS_V2), "components": [{"type": 17, "components": [row, section]}]}
    route = Route("POST", "/channels/{channel_id}/messages", channel_id=server.find_channel("general").id)
    with pytest.raises(discord.HTTPException, match=r"In components\.0\.components\.1\.accessory\.custom_id"):
        await bot.http.request(route, json=body)

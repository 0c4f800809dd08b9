"""Buttons, menus and forms: what a press and a submission lead to."""

from typing import Any

import discord
import pytest

from tests.servers.discord import CannotDo, DiscordServer
from tests.servers.discord_bot import Asked


class Buttons(discord.ui.View):
    """What each kind of response to a button does."""

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
async def test_a_button_changes_its_message(server: DiscordServer, bot: Asked, custom_id: str, content: str) -> None:
    await bot.get_channel(server.where("general").id).send("x", view=Buttons())  # type: ignore[union-attr]
    (message,) = server.said
    values = ["1"] if custom_id == "menu" else None
    happened = server.click("bob", message, custom_id, values=values)
    await server.until(lambda: message.content == content)
    assert happened.original is message
    assert server.said == [message]


async def test_a_button_answers_beside_its_message(server: DiscordServer, bot: Asked) -> None:
    await bot.get_channel(server.where("general").id).send("x", view=Buttons())  # type: ignore[union-attr]
    happened = server.click("bob", server.said[0], "answer")
    original = await server.until(lambda: happened.original)
    assert (original.reply_to, original.ephemeral, original.type) == (server.said[0], True, 19)


async def test_a_form_is_opened_filled_and_sent(server: DiscordServer, bot: Asked) -> None:
    await bot.get_channel(server.where("general").id).send("x", view=Buttons())  # type: ignore[union-attr]
    opened = server.click("bob", server.said[0], "form")
    await server.until(lambda: opened.modal)
    for wrong in ({"text": "too long"}, {"text": ""}, {"text": "x", "other": "y"}):
        with pytest.raises(CannotDo):
            server.submit(opened, wrong)
    sent = server.submit(opened, {"text": "hello"})
    await server.until(lambda: sent.original)
    assert sent.original and sent.original.content == "got hello"

"""The Discord in a terminal."""

import asyncio
import sys
from pathlib import Path

import discord
import pytest

from tests.servers.discord import DiscordServer
from tests.servers.discord_bot import Bot, running
from tests.servers.discord_console import HELP, Console


class Again(discord.ui.View):
    @discord.ui.button(label="Again", custom_id="again")
    async def again(self, interaction: discord.Interaction, _: object) -> None:
        await interaction.response.edit_message(content="again")


async def test_lines_are_what_people_do(server: DiscordServer) -> None:
    bot = Bot()

    @bot.tree.command(description="Add")
    async def add(interaction: discord.Interaction, number: int, text: str, who: discord.User, loud: bool) -> None:
        await interaction.response.send_message(f"{number + 1} {text} {who.name} {loud}", view=Again())

    async with running(server, bot):
        console = Console(server, server.calls)
        console.act("say alice bot psst")
        assert server.where("alice").said[0].content == "psst"
        console.act("slash alice general add number=1 text=two words who=bob loud=yes")
        await server.until(lambda: server.said)
        assert server.said[0].content == "2 two words bob True"
        console.act("click alice again")
        await server.until(lambda: server.said[0].content == "again")
        told = console.told(server.calls[-1])
    assert told.startswith("bot POST /interactions/")
    assert told.endswith(" 200\n    again")


@pytest.mark.parametrize(
    "line", ["nonsense", "slash alice general none", "say nobody general x", "say alice bob x", "click alice none"]
)
async def test_what_cannot_be_done_is_said(server: DiscordServer, line: str) -> None:
    answer = Console(server, server.calls).answer(line)
    assert answer == HELP if line == "nonsense" else answer.startswith("! ")


async def test_the_process_reads_lines_until_it_is_told_to_quit() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.servers.discord", "--port", "0", cwd=Path(__file__).parents[2],
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    written, _ = await process.communicate(b"say alice general hi\nwho\nquit\n")
    lines = written.decode().splitlines()
    assert lines[0].endswith("/api/v10")
    assert lines[1].startswith("message ")
    assert lines[2].endswith("in general, random, help, lobby")
    assert process.returncode == 0

"""Slash commands: availability, options and payloads."""

from collections.abc import Callable
from typing import Any

import discord
import pytest
from discord import app_commands

from tests.servers.discord import DiscordServer, UserActionError
from tests.servers.discord.client import Bot, RecordingBot, running


async def test_autocomplete_returns_choices(server: DiscordServer) -> None:
    bot = Bot()

    @bot.tree.command(description="Ask")
    async def topic(interaction: discord.Interaction, name: str) -> None:
        """Never called."""

    @topic.autocomplete("name")
    async def suggest(interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=current * 2, value=current)] * (26 if current == "many" else 1)

    async with running(server, bot):
        suggestions = await server.autocomplete("alice", "general", "topic", "name", "ab")
        assert suggestions.choices == [{"name": "abab", "value": "ab"}]
        assert suggestions.latency < 1
        with pytest.raises(TimeoutError):
            await server.autocomplete("alice", "general", "topic", "name", "many", within=0.2)
        assert server.calls[-1].code == 50035


async def test_user_install_is_limited_to_five_follow_ups(server: DiscordServer) -> None:
    server.store.application.for_users = True
    alice = server.find_user("alice")
    server.store.application.installed_by.append(alice)
    elsewhere = server.store.channel(server.store.guild("elsewhere", members=(alice,), with_bot=False), "out")
    async with running(server, RecordingBot()) as bot:
        happened = server.slash("alice", elsewhere, "ask", question="Why?")
        assert happened.owners == {"1": str(alice.id)}
        interaction = await bot.interaction()
        await interaction.response.send_message("0")
        for number in range(5):
            await interaction.followup.send(str(number))
        with pytest.raises(discord.HTTPException, match="40094"):
            await interaction.followup.send("6")


Build = Callable[[Bot], None]


def with_permission(bot: Bot) -> None:
    @bot.tree.command(description="For managers")
    @app_commands.default_permissions(manage_guild=True)
    async def manage(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("done")


def in_guilds(bot: Bot) -> None:
    @bot.tree.command(description="In guilds")
    @app_commands.guild_only()
    async def manage(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("done")


def in_group(bot: Bot) -> None:
    group = app_commands.Group(name="faq", description="Questions")

    @group.command(description="Add")
    @app_commands.choices(kind=[app_commands.Choice(name="One", value=1)])
    async def add(
        interaction: discord.Interaction, kind: app_commands.Choice[int], who: discord.Member,
        where: discord.TextChannel, words: app_commands.Range[str, 2, 5] = "ab",
    ) -> None:  # fmt: skip
        await interaction.response.send_message(f"{kind.value} {who.name} {where.name} {words}")

    bot.tree.add_command(group)


@pytest.mark.parametrize(
    ("build", "user", "channel", "name", "options"),
    [
        (with_permission, "bob", "general", "manage", {}),
        (with_permission, "alice", "general", "nothing", {}),
        (in_guilds, "alice", "bot", "manage", {}),
        (in_group, "alice", "general", "faq", {}),
        (in_group, "alice", "general", "faq remove", {}),
        (in_group, "alice", "general", "faq add", {"kind": 1}),
        (in_group, "alice", "general", "faq add", {"kind": 2, "who": "bob", "where": "random"}),
        (in_group, "alice", "general", "faq add", {"kind": 1, "who": "bob", "where": "help"}),
        (in_group, "alice", "general", "faq add", {"kind": 1, "who": "bob", "where": "random", "words": "a"}),
        (in_group, "alice", "general", "faq add", {"kind": 1, "who": "bob", "where": "random", "x": "a"}),
    ],
)
async def test_unavailable_commands_cannot_be_used(
    server: DiscordServer, build: Build, user: str, channel: str, name: str, options: dict[str, Any]
) -> None:
    bot = Bot()
    build(bot)
    known: dict[str, Callable[[str], Any]] = {"who": server.find_user, "where": server.find_channel}
    options = {key: known[key](value) if key in known else value for key, value in options.items()}
    async with running(server, bot):
        with pytest.raises(UserActionError):
            server.slash(user, channel, name, **options)
    assert server.interactions == []


async def test_subcommand_options_are_resolved(server: DiscordServer) -> None:
    bot = Bot()
    in_group(bot)
    with_permission(bot)
    options: dict[str, Any] = {"kind": 1, "who": server.find_user("bob"), "where": server.find_channel("random")}
    async with running(server, bot):
        happened = server.slash("alice", "general", "faq add", **options)
        original = await server.until(lambda: happened.original)
        assert (original.content, happened.name) == ("1 bob random ab", "faq add")
        happened = server.slash("bob", "general", "manage", permitted=True)
        await server.until(lambda: happened.original)


async def test_context_menu_command_gets_its_target_with_content(server: DiscordServer) -> None:
    bot = Bot()

    @bot.tree.context_menu(name="Quote it")
    async def quote(interaction: discord.Interaction, message: discord.Message) -> None:
        await interaction.response.send_message(message.content)

    async with running(server, bot):
        happened = server.use_context_menu("alice", server.say("bob", "general", "words"), "Quote it")
        original = await server.until(lambda: happened.original)
        assert (original.content, original.type) == ("words", 23)


async def test_guild_command_hides_the_global_one(server: DiscordServer) -> None:
    bot = RecordingBot()
    acme = discord.Object(server.guild("acme").id)

    @bot.tree.command(name="ask", description="Ours", guild=acme)
    async def ours(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("ours")

    async with running(server, bot):
        await bot.tree.sync(guild=acme)
        happened = server.slash("alice", "general", "ask")
        await server.until(lambda: happened.original)
        server.slash("alice", "lobby", "ask", question="?")
        assert server.commands.syncs == {None: 1, acme.id: 1}

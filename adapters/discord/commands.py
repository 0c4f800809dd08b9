"""Slash commands: /ask, /forget, /sources, /help and /reindex, as Discord registers them, and what is suggested while
somebody types."""

import logging
from collections.abc import Awaitable
from typing import Any, Protocol

import discord
import structlog
from discord import app_commands

from adapters.discord.escaping import short

log = structlog.get_logger()

LONGEST_QUESTION = 1_500
LONGEST_CHOICE = 100
MOST_CHOICES = 25

Interaction = discord.Interaction[Any]


class Commands(Protocol):
    """What stands behind the commands."""

    async def take(self, interaction: Interaction, act: str, *, private: bool, **what: Any) -> None:
        """Somebody has used a command."""
        ...

    async def suggest_questions(self, interaction: Interaction, typed: str) -> list[str]:
        """What could be asked, for what has been typed so far."""
        ...

    async def suggest_sources(self, interaction: Interaction, typed: str) -> list[str]:
        """The sources whose names hold what has been typed."""
        ...


class Tree(app_commands.CommandTree[discord.Client]):
    """An error of a command is one line in the log; what was asked is not in it. That suggestions came too late, or
    after those of another process, is in no log: whoever types goes on typing."""

    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError) -> None:
        cause = error.__cause__ or error
        log.error("a command failed", cause=f"{type(cause).__name__}: {cause}", exc_info=error)


logging.getLogger("discord.app_commands.tree").setLevel(logging.CRITICAL)


def command_tree(client: discord.Client, commands: Commands) -> Tree:
    """All commands, everywhere: in guilds, threads and direct messages, also where a person has brought the bot
    along."""
    tree = Tree(
        client,
        allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True),
        allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
    )
    for command in (_ask(commands), _forget(commands), _sources(commands), _help(commands), _reindex(commands)):
        tree.add_command(command)
    return tree


def _ask(commands: Commands) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(name="ask", description="Ask the posts; the answer names where it comes from")
    @app_commands.describe(question="What you want to know", private="Only you see the answer")
    async def ask(
        interaction: Interaction, question: app_commands.Range[str, 1, LONGEST_QUESTION], private: bool = False
    ) -> None:
        await commands.take(interaction, "ask", private=private, subject=question)

    @ask.autocomplete("question")
    async def suggest(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return await _suggest(commands.suggest_questions(interaction, typed))

    return ask


def _forget(commands: Commands) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(name="forget", description="Forget what was asked in this channel or thread")
    async def forget(interaction: Interaction) -> None:
        await commands.take(interaction, "forget", private=True)

    return forget


def _sources(commands: Commands) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(name="sources", description="List what has been read")
    async def sources(interaction: Interaction) -> None:
        await commands.take(interaction, "sources", private=True)

    return sources


def _help(commands: Commands) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(name="help", description="How to ask, with examples")
    async def help_(interaction: Interaction) -> None:
        await commands.take(interaction, "help", private=True)

    return help_


def _reindex(commands: Commands) -> app_commands.Command[Any, ..., None]:
    """For those who may manage the server; that is checked again when it runs, since servers may show it to others."""

    @app_commands.command(name="reindex", description="Read the sources again")
    @app_commands.describe(
        source="Only this source",
        dry_run="Only tell what would be done",
        force="Even if most posts have gone",
        rollback="Go back to the posts as before",
    )
    @app_commands.default_permissions(manage_guild=True)
    @app_commands.allowed_installs(guilds=True, users=False)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
    async def reindex(
        interaction: Interaction, source: str = "", dry_run: bool = False, force: bool = False, rollback: bool = False
    ) -> None:
        options = {"dry_run": dry_run, "force": force, "rollback": rollback}
        await commands.take(interaction, "reindex", private=False, subject=source, **options)

    @reindex.autocomplete("source")
    async def suggest(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return await _suggest(commands.suggest_sources(interaction, typed))

    return reindex


async def _suggest(suggesting: Awaitable[list[str]]) -> list[app_commands.Choice[str]]:
    """At most 25, each as long as Discord takes them; none when something goes wrong, for whoever types goes on."""
    try:
        suggested = await suggesting
    except Exception as error:  # a door: behind it somebody types
        log.warning("nothing can be suggested just now", cause=str(error))
        suggested = []
    choices = [short(text, LONGEST_CHOICE) for text in dict.fromkeys(suggested) if text.strip()]
    return [app_commands.Choice(name=text, value=text) for text in dict.fromkeys(choices)][:MOST_CHOICES]

"""The slash commands as Discord registers them, and autocompletion of their options."""

import logging
from collections.abc import Awaitable
from time import monotonic
from typing import Any, Protocol

import discord
import structlog
from discord import app_commands

from adapters.discord.escaping import shorten
from adapters.discord.interactions import parse_target
from core.chat.services import ChatServices
from core.domain import Conversation
from core.i18n import N_, gettext, language, translating_into, use_language

log = structlog.get_logger()

MAX_QUESTION = 1_500
MAX_CHOICE = 100
MAX_CHOICES = 25
MAX_EXAMPLES = 200
EXAMPLES_TTL = 60.0
"""Seconds; typing one question asks for suggestions several times."""

Interaction = discord.Interaction[Any]
Choices = list[app_commands.Choice[str]]


class OnCommand(Protocol):
    """Called when a command is used."""

    async def __call__(self, interaction: Interaction, action: str, *, private: bool, **options: Any) -> None: ...


class Tree(app_commands.CommandTree[discord.Client]):
    """A command tree that logs a failed command as one line without its question."""

    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError) -> None:
        cause = error.__cause__ or error
        log.error("command failed", cause=f"{type(cause).__name__}: {cause}", exc_info=error)


class DescriptionTranslator(app_commands.Translator):
    """Translates what Discord shows beside commands and their options; their names stay."""

    async def translate(
        self, string: app_commands.locale_str, locale: discord.Locale, context: app_commands.TranslationContextTypes
    ) -> str | None:
        locations = app_commands.TranslationContextLocation
        if context.location not in {locations.command_description, locations.parameter_description}:
            return None
        with translating_into(locale.value):
            translated = gettext(string.message)
        return translated if translated != string.message else None


# discord.py logs every suggestion that arrives too late or that another process sent first.
logging.getLogger("discord.app_commands.tree").setLevel(logging.CRITICAL)


class Autocomplete:
    """Suggestions from the index, with its examples cached."""

    def __init__(self, services: ChatServices) -> None:
        self._services = services
        self._examples: dict[tuple[frozenset[str] | None, str], tuple[float, list[str]]] = {}

    async def questions(self, interaction: Interaction, typed: str) -> list[str]:
        """Return example questions that contain what was typed, then matching post titles."""
        use_language(str(interaction.locale))
        conversation = parse_target(interaction).conversation
        words = typed.lower().split()
        examples = await self._cached_examples(conversation)
        matching = [text for text in examples if all(word in text.lower() for word in words)]
        if not words:
            return matching[:MAX_CHOICES]
        titles = await self._services.titles(typed, MAX_CHOICES, conversation)
        covered = " ".join(matching)
        return [*matching, *(title for title in titles if title not in covered)][:MAX_CHOICES]

    async def sources(self, interaction: Interaction, typed: str) -> list[str]:
        """Return the indexed sources whose names contain what was typed."""
        names = await self._services.source_names(parse_target(interaction).conversation)
        return [name for name in names if typed.lower() in name.lower()][:MAX_CHOICES]

    async def _cached_examples(self, conversation: Conversation) -> list[str]:
        sources = self._services.visible_sources(conversation)
        key = sources, language()
        cached_at, examples = self._examples.get(key, (0.0, list[str]()))
        if not examples or monotonic() - cached_at > EXAMPLES_TTL:
            examples = await self._services.examples(conversation, MAX_EXAMPLES)
            self._examples[key] = monotonic(), examples
        return examples


def command_tree(client: discord.Client, on_command: OnCommand, autocomplete: Autocomplete) -> Tree:
    """Build all commands for guilds, threads and direct messages, installed in a server or by a user."""
    tree = Tree(
        client,
        allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True),
        allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
    )
    tree.add_command(_ask(on_command, autocomplete))
    tree.add_command(_plain(on_command, "forget", N_("Forget what was asked in this channel or thread")))
    tree.add_command(_plain(on_command, "sources", N_("List the sources I answer from")))
    tree.add_command(_plain(on_command, "help", N_("How to ask questions, with examples")))
    tree.add_command(_reindex(on_command, autocomplete))
    return tree


def _plain(on_command: OnCommand, name: str, description: str) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(name=name, description=description)
    async def command(interaction: Interaction) -> None:
        await on_command(interaction, name, private=True)

    return command


def _ask(on_command: OnCommand, autocomplete: Autocomplete) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(name="ask", description=N_("Ask a question; the answer cites the posts it comes from"))
    @app_commands.describe(question=N_("Your question"), private=N_("Show the answer only to you"))
    async def ask(
        interaction: Interaction, question: app_commands.Range[str, 1, MAX_QUESTION], private: bool = False
    ) -> None:
        await on_command(interaction, "ask", private=private, subject=question)

    @ask.autocomplete("question")
    async def suggest(interaction: Interaction, typed: str) -> Choices:
        return await _choices(autocomplete.questions(interaction, typed))

    return ask


def _reindex(on_command: OnCommand, autocomplete: Autocomplete) -> app_commands.Command[Any, ..., None]:
    """Show the command to members who manage the server.

    Permission is checked again when it runs, since servers may show it to others.
    """

    @app_commands.command(name="reindex", description=N_("Read the sources again"))
    @app_commands.describe(
        source=N_("Read only this source"),
        dry_run=N_("Only show what would change"),
        force=N_("Publish even if most posts are gone"),
        rollback=N_("Go back to the previous posts"),
    )
    @app_commands.default_permissions(manage_guild=True)
    @app_commands.allowed_installs(guilds=True, users=False)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
    async def reindex(
        interaction: Interaction, source: str = "", dry_run: bool = False, force: bool = False, rollback: bool = False
    ) -> None:
        options = {"dry_run": dry_run, "force": force, "rollback": rollback}
        await on_command(interaction, "reindex", private=False, subject=source, **options)

    @reindex.autocomplete("source")
    async def suggest(interaction: Interaction, typed: str) -> Choices:
        return await _choices(autocomplete.sources(interaction, typed))

    return reindex


async def _choices(suggestions: Awaitable[list[str]]) -> Choices:
    """Return at most 25 distinct choices of the length that Discord takes; none when the suggestions fail."""
    try:
        suggested = await suggestions
    except Exception as error:  # Boundary: typing must go on without suggestions.
        log.warning("autocomplete failed", cause=str(error))
        suggested = []
    choices = [shorten(text, MAX_CHOICE) for text in suggested if text.strip()]
    return [app_commands.Choice(name=text, value=text) for text in dict.fromkeys(choices)][:MAX_CHOICES]

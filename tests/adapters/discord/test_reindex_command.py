"""/reindex: allowed for members who manage the server, shown in one message, refused for others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.discord.app import DiscordBot
from bot.app import Bot
from core.chat.services import ChatServices
from core.errors import AdminRequiredError, NoPreviousVersionError
from core.indexing.options import ReindexOptions
from core.indexing.progress import Plan, Progress, Report
from core.indexing.reindexer import Reindexer
from core.indexing.run_events import Emit, RunPlanned, RunProgressed
from tests.adapters.discord.harness import access, buttons
from tests.adapters.garden import write_posts
from tests.adapters.held_run import held, nothing_before
from tests.servers.discord import DiscordServer, Message, Rules

WITHIN = 20.0


@pytest.fixture
def posts(tmp_path: Path) -> Path:
    """The garden blog in a folder of this test's own, to which something may be added."""
    return write_posts(tmp_path / "posts")


@asynccontextmanager
async def connected(services: ChatServices, discord: DiscordServer, **given: Any) -> AsyncIterator[DiscordServer]:
    """The bot, connected to Discord."""
    async with DiscordBot(services, access(discord, **given)).open():
        await discord.ready()
        yield discord


async def notice(discord: DiscordServer, words: str) -> Message:
    """Wait for the message that contains these words."""
    found = await discord.until(lambda: [one for one in discord.said if words in one.content], WITHIN)
    return found[0]


async def test_a_run_is_one_message_that_ends_with_the_changes(bot: Bot, discord: DiscordServer, posts: Path) -> None:
    (posts / "moles.md").write_text("# Moles in the lawn\n\nMoles leave when it smells of garlic.")
    async with connected(bot.chat_services("discord"), discord):
        used = discord.slash("alice", "general", "reindex")
        told = await notice(discord, "The posts have been read.")
        assert told is used.original
        for part in ("Reading all sources for Alice.", "1 new", "5 unchanged"):
            assert part in told.content
        assert buttons(told) == {}
        assert discord.said == [told]


async def test_a_dry_run_shows_its_plan(bot: Bot, discord: DiscordServer) -> None:
    async def plan(options: ReindexOptions, emit: Emit) -> Report:
        assert (options.source, options.dry_run) == ("garden", True)
        emit(RunPlanned(Plan(new=3, unchanged=2, passages=7)))
        return Report(Progress(), 0.1, outcome="planned")

    services = replace(bot, reindexer=Reindexer(bot.redis, ["garden"], plan, nothing_before)).chat_services("discord")
    async with connected(services, discord):
        discord.slash("alice", "general", "reindex", source="garden", dry_run=True)
        told = await notice(discord, "this is what a run would do")
        assert "3 new, 2 unchanged; 7 passages to embed" in told.content


async def test_a_rollback_without_a_previous_version_says_so(bot: Bot, discord: DiscordServer) -> None:
    async with connected(bot.chat_services("discord"), discord):
        discord.slash("alice", "general", "reindex", rollback=True)
        told = await notice(discord, NoPreviousVersionError.user_message)
        assert discord.said == [told]


async def test_a_member_without_rights_is_refused_privately_where_the_command_is_visible(
    bot: Bot, discord: DiscordServer
) -> None:
    async with connected(bot.chat_services("discord"), discord):
        discord.slash("bob", "general", "reindex", permitted=True)
        told = await notice(discord, AdminRequiredError.user_message)
        assert discord.said == [told]
        assert told.ephemeral_to is discord.find_user("bob")


async def test_admins_from_the_settings_may_reindex(bot: Bot, discord: DiscordServer) -> None:
    bob = discord.find_user("bob")
    async with connected(bot.chat_services("discord"), discord, admins=frozenset({str(bob.id)})):
        discord.slash("bob", bob, "reindex")
        told = await notice(discord, "Nothing has changed.")
        assert discord.said == [told]


async def test_a_run_that_outlives_its_token_continues_in_the_same_message(bot: Bot, model: object) -> None:
    services = replace(bot, reindexer=Reindexer(bot.redis, ["garden"], slow, nothing_before)).chat_services("discord")
    async with (
        DiscordServer(rules=Rules(token_lifetime=2)) as discord,
        connected(services, discord, token_lifetime=timedelta(seconds=1)),
    ):
        used = discord.slash("alice", "general", "reindex")
        told = await notice(discord, "The posts have been read.")
        assert told is used.original
        assert len({revision.content for revision in told.revisions}) > 2
        assert "Cancel" in str(told.revisions[-2].components)


async def test_a_long_run_continues_in_a_direct_message_where_the_bot_cannot_write(bot: Bot, model: object) -> None:
    services = replace(bot, reindexer=Reindexer(bot.redis, ["garden"], slow, nothing_before)).chat_services("discord")
    async with (
        DiscordServer(rules=Rules(token_lifetime=2)) as discord,
        connected(services, discord, token_lifetime=timedelta(seconds=1)),
    ):
        discord.set_overwrite("general", discord.bot, deny=1 << 10)
        discord.slash("alice", "general", "reindex")
        told = await notice(discord, "The posts have been read.")
        assert told.channel is discord.find_channel(discord.find_user("alice"))


async def test_a_second_run_joins_the_first_and_cancel_stops_it(bot: Bot, discord: DiscordServer) -> None:
    async with connected(bot.chat_services("discord"), discord), held(bot):
        discord.slash("alice", "general", "reindex")
        told = await notice(discord, "Carol started reading all sources")
        refused = discord.click("bob", told, buttons(told)["cancel"])
        await discord.until(lambda: refused.follow_ups, WITHIN)
        assert AdminRequiredError.user_message in refused.follow_ups[0].content
        discord.click("alice", told, buttons(told)["cancel"])
        assert await notice(discord, "Stopped.") is told


async def slow(options: ReindexOptions, emit: Emit) -> Report:
    for done in range(26):
        emit(RunProgressed(Progress(listing=False, listed=100, new=done)))
        await asyncio.sleep(0.1)
    return Report(Progress(new=26), seconds=2.6)

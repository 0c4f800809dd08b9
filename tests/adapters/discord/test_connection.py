"""The connection to Discord: what is asked of it, what is wrong with it in plain words, and that it comes back."""

import asyncio
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import discord as library
import pytest

from adapters.discord.app import DiscordBot
from adapters.discord.connection import CONTENT_REFUSED, TOKEN_WRONG
from adapters.discord.invite import PERMISSIONS, invite_link
from bot.app import Bot
from core.answering.channel_scope import Channel, Channels
from core.errors import StartupError
from tests.adapters.discord.acting import Room, access, entered
from tests.adapters.garden import ASKED
from tests.servers.discord import AppFlag, DiscordServer, Intent, Rules
from tests.servers.loopback import Status
from tests.servers.openai import OpenAIServer

WITHIN = 20.0


async def test_the_bot_asks_for_no_privileged_intent(room: Room) -> None:
    [session] = list(room.discord.gateway.sessions)
    assert session.intents == Intent.GUILDS | Intent.GUILD_MESSAGES | Intent.DIRECT_MESSAGES


async def test_it_asks_for_the_text_of_messages_only_where_every_question_is_answered(
    discord: DiscordServer, model: OpenAIServer, bot: Bot
) -> None:
    discord.world.application.flags = AppFlag.MESSAGE_CONTENT
    async with entered(discord, model, answering_everything(bot)):
        [session] = list(discord.gateway.sessions)
        assert session.intents & Intent.MESSAGE_CONTENT


async def test_a_channel_of_another_platform_is_no_reason_for_an_intent(
    discord: DiscordServer, model: OpenAIServer, bot: Bot
) -> None:
    async with entered(discord, model, answering_everything(bot, "slack")):
        [session] = list(discord.gateway.sessions)
        assert not session.intents & Intent.MESSAGE_CONTENT


async def test_an_intent_that_the_bot_does_not_have_is_a_sentence_with_its_cure(
    discord: DiscordServer, bot: Bot
) -> None:
    app = DiscordBot(answering_everything(bot).chat_services("discord"), access(discord))
    with pytest.raises(StartupError) as refused:
        async with app.open():
            pass
    assert refused.value.problems == (CONTENT_REFUSED,)


async def test_a_wrong_token_is_a_sentence_with_its_cure(discord: DiscordServer, bot: Bot) -> None:
    app = DiscordBot(bot.chat_services("discord"), access(discord, bot_token="wrong"))
    with pytest.raises(StartupError) as refused:
        async with app.open():
            pass
    assert refused.value.problems == (TOKEN_WRONG,)
    with pytest.raises(StartupError) as refused:
        await app.check()
    assert refused.value.problems == (TOKEN_WRONG,)


async def test_a_token_that_is_changed_while_the_bot_runs_is_told(room: Room) -> None:
    await room.discord.gateway.close(4004)
    await room.until(lambda: room.app.problem() == f"{TOKEN_WRONG.what} {TOKEN_WRONG.cure}")


async def test_discord_that_cannot_be_reached_at_first_is_tried_until_it_can(
    discord: DiscordServer, model: OpenAIServer, bot: Bot
) -> None:
    app = DiscordBot(bot.chat_services("discord"), access(discord))
    discord.misbehave("GET /users/@me", Status(403), times=1)
    async with app.open():
        await discord.ready()
        await Room(discord, model, bot, app).until(lambda: not app.problem())


@pytest.mark.parametrize("how", ["drop", "reconnect", "invalidate", "resume", "close"])
async def test_a_connection_that_is_lost_comes_back_and_nothing_is_missed(room: Room, how: str) -> None:
    gateway = room.discord.gateway
    match how:
        case "drop":
            gateway.drop()
        case "reconnect":
            await gateway.reconnect()
        case "invalidate":
            await gateway.invalidate()
        case "resume":
            await gateway.invalidate(resumable=True)
        case "close":
            await gateway.close(4000)
    await asyncio.sleep(0.05)
    await room.until(lambda: room.discord.gateway.listening and not room.app.problem(), within=WITHIN)
    await room.answer(room.ask(ASKED))


async def test_what_ends_the_connection_for_discord_py_begins_anew(room: Room) -> None:
    await room.discord.gateway.close(4011)
    await room.until(lambda: room.app.problem(), within=WITHIN)
    await room.until(lambda: room.discord.gateway.listening and not room.app.problem(), within=WITHIN)
    await room.answer(room.command(ASKED))


async def test_a_bot_in_many_servers_has_many_shards_by_configuration_alone(model: OpenAIServer, bot: Bot) -> None:
    async with DiscordServer(rules=Rules(shards=3)) as discord, entered(discord, model, bot) as room:
        await discord.ready(shards=3)
        asked = [room.ask(ASKED), room.ask(ASKED, "lobby", "dave"), room.ask(ASKED, discord.who("bob"), "bob")]
        for one in asked:
            await room.answer(one)
        assert [len(room.since(one)) for one in asked] == [1, 1, 1]


async def test_processes_share_the_shards_as_they_are_told_to(model: OpenAIServer, bot: Bot) -> None:
    async with (
        DiscordServer(rules=Rules(shards=3)) as discord,
        entered(discord, model, bot, shards=(0, 2), shard_count=3) as room,
    ):
        await discord.ready(shards=2)
        assert sorted(discord.gateway.identified) == [(0, 3), (2, 3)]
        async with entered(discord, model, bot, shards=(1,), shard_count=3):
            await discord.ready(shards=3)
            asked = [room.ask(ASKED), room.ask(ASKED, "lobby", "dave"), room.ask(ASKED, discord.who("bob"), "bob")]
            for one in asked:
                await room.answer(one)
            assert [len(room.since(one)) for one in asked] == [1, 1, 1]


async def test_another_gateway_may_stand_between(model: OpenAIServer, bot: Bot) -> None:
    async with DiscordServer() as discord, entered(discord, model, bot, gateway_url=discord.gateway_url + "/") as room:
        assert all(connection.request.path == "/gateway/" for connection in discord.gateway.connections)
        await discord.gateway.reconnect()
        await asyncio.sleep(0.05)
        await room.until(lambda: discord.gateway.listening and not room.app.problem(), within=WITHIN)
        assert all(connection.request.path == "/gateway/" for connection in discord.gateway.connections)


async def test_before_it_is_open_the_bot_says_that_it_is_not_there(discord: DiscordServer, bot: Bot) -> None:
    assert DiscordBot(bot.chat_services("discord"), access(discord)).problem() == "Discord has not been reached yet."


async def test_a_check_names_the_bot_and_the_link_that_invites_it(room: Room) -> None:
    checked = await DiscordBot(room.bot.chat_services("discord"), access(room.discord)).check()
    assert checked == f"bot; invite it by {invite_link(str(room.discord.world.application.id))}"


def test_the_link_asks_for_what_the_bot_needs_and_no_more() -> None:
    asked = parse_qs(urlsplit(invite_link("123")).query)
    assert asked["client_id"] == ["123"]
    assert asked["scope"] == ["bot applications.commands"]
    assert asked["permissions"] == [str(PERMISSIONS.value)]
    assert {name for name, given in PERMISSIONS if given} == {
        "read_messages",  # discord.py's word for viewing channels
        "send_messages",
        "send_messages_in_threads",
        "read_message_history",
    }


async def test_these_permissions_are_enough(model: OpenAIServer, bot: Bot) -> None:
    async with DiscordServer() as discord:
        acme = discord.guild("acme")
        discord.allow_role(acme, permissions=library.Permissions(use_application_commands=True).value)
        role = discord.world.role(acme, "bot", PERMISSIONS.value)
        discord.give(discord.bot, acme, role)
        person = discord.world.role(acme, "people", library.Permissions.text().value | 1 << 10)
        discord.give("alice", acme, person)
        async with entered(discord, model, bot) as room:
            asked = room.ask(ASKED)
            await room.answer(asked)
            thread = discord.thread("alice", asked, "Tomatoes")
            await room.answer(room.ask(ASKED, thread))
            await room.answer(room.command(ASKED))
            assert room.refused() == []


def answering_everything(bot: Bot, platform: str = "discord") -> Bot:
    """The same bot, with a channel in which every question is answered."""
    channel = Channel("discord" if platform == "discord" else "slack", "1", mode="every-question")
    return replace(bot, channels=Channels([channel], ["garden"]))

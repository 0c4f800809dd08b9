"""The connection to Discord: its intents, its problems in plain words, and its recovery."""

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import discord as library
import pytest

from adapters.discord.app import DiscordBot
from adapters.discord.client import PERMISSIONS, invite_link
from adapters.discord.connection import INVALID_TOKEN, MESSAGE_CONTENT_DENIED
from bot.app import Bot
from core.answering.channel_scope import Channel, Channels
from core.errors import StartupError
from tests.adapters.discord.harness import Harness, access, buttons, connected
from tests.adapters.garden import ASKED
from tests.servers.discord import AppFlag, DiscordServer, Intent, Rules
from tests.servers.loopback import Status
from tests.servers.openai import OpenAIServer

WITHIN = 20.0


async def test_the_bot_requests_no_privileged_intent(harness: Harness) -> None:
    [session] = list(harness.discord.gateway.sessions)
    assert session.intents == Intent.GUILDS | Intent.GUILD_MESSAGES | Intent.DIRECT_MESSAGES


async def test_an_every_question_channel_requests_the_message_content_intent(
    discord: DiscordServer, model: OpenAIServer, bot: Bot
) -> None:
    discord.store.application.flags = AppFlag.MESSAGE_CONTENT
    async with connected(discord, model, answering_everything(bot)):
        [session] = list(discord.gateway.sessions)
        assert session.intents & Intent.MESSAGE_CONTENT


async def test_an_every_question_channel_of_another_platform_requests_no_intent(
    discord: DiscordServer, model: OpenAIServer, bot: Bot
) -> None:
    async with connected(discord, model, answering_everything(bot, "slack")):
        [session] = list(discord.gateway.sessions)
        assert not session.intents & Intent.MESSAGE_CONTENT


async def test_a_denied_intent_stops_startup_and_says_how_to_fix_it(discord: DiscordServer, bot: Bot) -> None:
    app = DiscordBot(answering_everything(bot).chat_services("discord"), access(discord))
    with pytest.raises(StartupError) as refused:
        async with app.open():
            pass
    assert refused.value.problems == (MESSAGE_CONTENT_DENIED,)


async def test_a_wrong_token_fails_startup_and_the_check_and_says_how_to_fix_it(
    discord: DiscordServer, bot: Bot
) -> None:
    app = DiscordBot(bot.chat_services("discord"), access(discord, bot_token="wrong"))
    with pytest.raises(StartupError) as refused:
        async with app.open():
            pass
    assert refused.value.problems == (INVALID_TOKEN,)
    with pytest.raises(StartupError) as refused:
        await app.check()
    assert refused.value.problems == (INVALID_TOKEN,)


async def test_a_token_revoked_while_running_is_reported_as_the_problem(harness: Harness) -> None:
    await harness.discord.gateway.close(4004)
    problem = f"{INVALID_TOKEN.what} {INVALID_TOKEN.cure}"
    await harness.until(lambda: harness.app.problem() == problem)
    assert not harness.discord.gateway.listening


async def test_an_unreachable_discord_is_retried_until_it_answers(
    discord: DiscordServer, model: OpenAIServer, bot: Bot
) -> None:
    app = DiscordBot(bot.chat_services("discord"), access(discord))
    discord.inject_fault("GET /users/@me", Status(403), times=1)
    async with app.open():
        await discord.ready()
        await Harness(discord, model, bot, app).until(lambda: not app.problem())
        assert discord.gateway.listening


@pytest.mark.parametrize("how", ["drop", "reconnect", "invalidate", "resume", "close"])
async def test_a_lost_connection_comes_back(harness: Harness, how: str) -> None:
    gateway = harness.discord.gateway
    lost = list(gateway.connections)
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
    await harness.until(lambda: reconnected(harness, lost), within=WITHIN)
    assert "up" in buttons(await harness.answer(harness.ask(ASKED)))


async def test_a_connection_that_discord_py_gives_up_is_reopened(harness: Harness) -> None:
    await harness.discord.gateway.close(4011)
    await harness.until(lambda: harness.app.problem(), within=WITHIN)
    await harness.until(lambda: harness.discord.gateway.listening and not harness.app.problem(), within=WITHIN)
    assert "up" in buttons(await harness.answer(harness.command(ASKED)))


async def test_a_bot_opens_all_shards_that_discord_recommends(model: OpenAIServer, bot: Bot) -> None:
    async with DiscordServer(rules=Rules(shards=3)) as discord, connected(discord, model, bot) as harness:
        await discord.ready(shards=3)
        assert await answers_everywhere(harness) == [1, 1, 1]


async def test_processes_can_share_the_shards(model: OpenAIServer, bot: Bot) -> None:
    async with (
        DiscordServer(rules=Rules(shards=3)) as discord,
        connected(discord, model, bot, shards=(0, 2), shard_count=3) as harness,
    ):
        await discord.ready(shards=2)
        assert sorted(discord.gateway.identified) == [(0, 3), (2, 3)]
        async with connected(discord, model, bot, shards=(1,), shard_count=3):
            await discord.ready(shards=3)
            assert await answers_everywhere(harness) == [1, 1, 1]


async def test_the_gateway_address_can_be_overridden(model: OpenAIServer, bot: Bot) -> None:
    async with (
        DiscordServer() as discord,
        connected(discord, model, bot, gateway_url=discord.gateway_url + "/") as harness,
    ):
        assert all(connection.request.path == "/gateway/" for connection in discord.gateway.connections)
        lost = list(discord.gateway.connections)
        await discord.gateway.reconnect()
        await harness.until(lambda: reconnected(harness, lost), within=WITHIN)
        assert all(connection.request.path == "/gateway/" for connection in discord.gateway.connections)


async def test_an_unopened_bot_reports_that_discord_was_not_reached(discord: DiscordServer, bot: Bot) -> None:
    assert DiscordBot(bot.chat_services("discord"), access(discord)).problem() == "Discord has not been reached yet."


async def test_the_check_returns_the_bots_name_and_invite_link(harness: Harness) -> None:
    checked = await DiscordBot(harness.bot.chat_services("discord"), access(harness.discord)).check()
    assert checked == f"bot; invite link: {invite_link(str(harness.discord.store.application.id))}"


def test_the_invite_link_requests_only_the_needed_permissions() -> None:
    asked = parse_qs(urlsplit(invite_link("123")).query)
    assert asked["client_id"] == ["123"]
    assert asked["scope"] == ["bot applications.commands"]
    assert asked["permissions"] == [str(PERMISSIONS.value)]
    assert {name for name, given in PERMISSIONS if given} == {
        "read_messages",  # discord.py's name for viewing channels
        "send_messages",
        "send_messages_in_threads",
        "read_message_history",
    }


async def test_the_invited_permissions_are_sufficient(model: OpenAIServer, bot: Bot) -> None:
    async with DiscordServer() as discord:
        acme = discord.guild("acme")
        discord.set_role_permissions(acme, permissions=library.Permissions(use_application_commands=True).value)
        role = discord.store.role(acme, "bot", PERMISSIONS.value)
        discord.add_role(discord.bot, acme, role)
        person = discord.store.role(acme, "people", library.Permissions.text().value | 1 << 10)
        discord.add_role("alice", acme, person)
        async with connected(discord, model, bot) as harness:
            asked = harness.ask(ASKED)
            await harness.answer(asked)
            thread = discord.thread("alice", asked, "Tomatoes")
            await harness.answer(harness.ask(ASKED, thread))
            await harness.answer(harness.command(ASKED))
            assert harness.refused() == []


def reconnected(harness: Harness, lost: Sequence[object]) -> bool:
    """Return whether the bot listens on connections other than the lost ones."""
    gateway = harness.discord.gateway
    return bool(gateway.listening) and not harness.app.problem() and not set(lost) & set(gateway.connections)


async def answers_everywhere(harness: Harness) -> list[int]:
    """Ask in two guilds and in a direct message; return the number of answers to each question."""
    direct = harness.discord.find_user("bob")
    asked = [harness.ask(ASKED), harness.ask(ASKED, "lobby", "dave"), harness.ask(ASKED, direct, "bob")]
    for question in asked:
        await harness.answer(question)
    return [len(harness.since(question)) for question in asked]


def answering_everything(bot: Bot, platform: str = "discord") -> Bot:
    """The same bot with an every-question channel."""
    channel = Channel("discord" if platform == "discord" else "slack", "1", mode="every-question")
    return replace(bot, channels=Channels([channel], ["garden"]))

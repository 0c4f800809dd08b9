"""Slash commands: their registration, their responses, and autocompletion."""

from dataclasses import replace

import discord as library
import pytest

from adapters.discord.command_sync import differ
from bot.app import Bot
from core.answering.channel_scope import Channel, Channels
from core.chat.texts import CHANNEL_FORGOTTEN
from tests.adapters.discord.harness import Harness, buttons, connected
from tests.adapters.garden import ASKED, FOLLOW_UP
from tests.servers.discord import DiscordServer, Interaction, UserActionError
from tests.servers.openai import OpenAIServer

EVERYWHERE = {"contexts": [0, 1, 2], "integration_types": [0, 1]}


async def said(harness: Harness, used: Interaction) -> str:
    """Wait for the response that only the user sees, and return its text."""
    await harness.until(lambda: used.done)
    assert used.original and used.original.ephemeral_to is used.user
    return used.original.content


async def test_commands_are_registered_with_their_options_contexts_and_permissions(
    harness: Harness,
) -> None:
    commands = {command["name"]: command for command in harness.discord.commands.of(None)}
    assert set(commands) == {"ask", "forget", "sources", "help", "reindex"}
    for name in ("ask", "forget", "sources", "help"):
        assert {key: commands[name][key] for key in EVERYWHERE} == EVERYWHERE
    assert commands["reindex"]["integration_types"] == [0]
    assert commands["reindex"]["default_member_permissions"] == str(library.Permissions(manage_guild=True).value)
    question, private = commands["ask"]["options"]
    assert (question["name"], question["required"], question["autocomplete"]) == ("question", True, True)
    assert (private["name"], private.get("required", False)) == ("private", False)
    shown = commands["ask"]["description_localizations"]
    assert shown["de"].startswith("Eine Frage stellen")
    assert shown["es-419"] == shown["es-ES"]
    assert not {"en-US", "en-GB", "pl"} & shown.keys()
    assert private["description_localizations"]["fr"]


async def test_commands_are_registered_only_when_they_changed(
    discord: DiscordServer, model: OpenAIServer, bot: Bot
) -> None:
    for _ in range(3):
        async with connected(discord, model, bot):
            assert discord.commands.syncs == {None: 1}
    discord.commands.of(None)[0]["description"] = "Something else"
    async with connected(discord, model, bot):
        assert discord.commands.syncs == {None: 2}


async def test_commands_can_be_registered_in_some_servers_only(
    discord: DiscordServer, model: OpenAIServer, bot: Bot
) -> None:
    acme = discord.guild("acme").id
    async with connected(discord, model, bot, guilds=(acme,)):
        assert discord.commands.syncs == {acme: 1}
    async with connected(discord, model, bot, guilds=(acme,)) as harness:
        assert discord.commands.syncs == {acme: 1}
        await harness.answer(harness.command(ASKED))


async def test_the_bot_answers_when_registering_commands_fails(
    discord: DiscordServer, model: OpenAIServer, bot: Bot
) -> None:
    async with connected(discord, model, bot, guilds=(1,)) as harness:
        assert "up" in buttons(await harness.answer(harness.ask(ASKED)))


@pytest.mark.parametrize(
    "change",
    [
        {"description": "x"},
        {"name": "x"},
        {"contexts": [0]},
        {"default_member_permissions": "8"},
        {"options": []},
    ],
)
def test_a_changed_command_differs_but_discords_defaults_do_not(change: dict[str, object]) -> None:
    wanted = {
        "name": "ask",
        "description": "Ask",
        "contexts": [0, 1],
        "options": [{"name": "q", "description": "Q", "type": 3, "required": True}],
    }
    filled = {
        "id": "1",
        "version": "2",
        "type": 1,
        "nsfw": False,
        "default_member_permissions": None,
        "contexts": [1, 0],
    }
    assert not differ([wanted], [wanted | filled])
    assert differ([wanted | change], [wanted | filled])


async def test_forget_deletes_the_channels_history_and_the_askers_private_one(harness: Harness) -> None:
    await harness.answer(harness.command(ASKED))
    await harness.answer(harness.command(ASKED, private=True))
    assert await said(harness, harness.discord.slash("alice", "general", "forget")) == CHANNEL_FORGOTTEN
    await harness.answer(harness.command("What do bees eat in winter?"))
    await harness.answer(harness.command("What do bees eat in winter?", private=True))
    for chat in harness.model.chats[2:]:
        assert ASKED not in [message["content"] for message in chat.messages]


async def test_forget_in_a_thread_keeps_its_channels_history(harness: Harness) -> None:
    asked = harness.ask(ASKED)
    await harness.answer(asked)
    thread = harness.discord.thread("alice", asked, "Tomatoes")
    await said(harness, harness.discord.slash("alice", thread, "forget"))
    await harness.answer(harness.ask(FOLLOW_UP))
    assert ASKED in [message["content"] for message in harness.model.chats[1].messages]


async def test_sources_lists_sources_with_their_posts(harness: Harness) -> None:
    assert "garden: 5 posts" in await said(harness, harness.discord.slash("bob", "general", "sources"))


async def test_help_explains_how_to_ask_with_examples(harness: Harness) -> None:
    used = harness.discord.slash("bob", "general", "help")
    text = await said(harness, used)
    for part in ("/ask", "private", harness.discord.bot.mention, "/forget", "/sources", "For example"):
        assert part in text
    assert used.original and used.original.buttons


async def test_questions_and_titles_are_suggested_while_typing(harness: Harness) -> None:
    suggested = await harness.discord.autocomplete("alice", "general", "ask", "question", "tomato")
    values = [choice["value"] for choice in suggested.choices]
    assert any("Growing tomatoes on a balcony" in value for value in values)
    titled = await harness.discord.autocomplete("alice", "general", "ask", "question", "a house for hedge")
    assert any("hedgehogs" in choice["value"] for choice in titled.choices)
    nothing = await harness.discord.autocomplete("alice", "general", "ask", "question", "")
    assert 0 < len(nothing.choices) <= 25
    again = await harness.discord.autocomplete("alice", "general", "ask", "question", "tomatoes")
    assert again.latency < 3


async def test_a_suggested_question_is_answered(harness: Harness) -> None:
    suggested = await harness.discord.autocomplete("alice", "general", "ask", "question", "bees")
    answer = await harness.answer(harness.command(suggested.choices[0]["value"]))
    assert "bees.md" in answer.content


async def test_sources_are_suggested_to_admins(harness: Harness) -> None:
    suggested = await harness.discord.autocomplete("alice", "general", "reindex", "source", "gar")
    assert [choice["value"] for choice in suggested.choices] == ["garden"]


async def test_what_one_channel_alone_may_see_is_not_suggested_elsewhere(
    discord: DiscordServer, model: OpenAIServer, bot: Bot
) -> None:
    insiders = Channel("discord", str(discord.find_channel("random").id), sources=frozenset({"garden"}))
    restricted = replace(bot, channels=Channels([insiders], ["garden"]))
    async with connected(discord, model, restricted):
        for command, option, typed in (("reindex", "source", "gar"), ("ask", "question", "tomato")):
            assert (await discord.autocomplete("alice", "random", command, option, typed)).choices
            assert (await discord.autocomplete("alice", "general", command, option, typed)).choices == []


async def test_reindex_is_hidden_from_members_who_cannot_manage_the_server(harness: Harness) -> None:
    with pytest.raises(UserActionError):
        harness.discord.slash("bob", "general", "reindex")

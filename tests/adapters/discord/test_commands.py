"""The commands as Discord has them registered, what they answer, and what is suggested while somebody types."""

import discord as library
import pytest

from adapters.discord.command_sync import differ
from adapters.discord.messages import FORGOTTEN
from bot.app import Bot
from tests.adapters.discord.acting import Room, entered
from tests.adapters.garden import ASKED, FOLLOW_UP
from tests.servers.discord import DiscordServer, Interaction, UserActionError
from tests.servers.openai import OpenAIServer

EVERYWHERE = {"contexts": [0, 1, 2], "integration_types": [0, 1]}


async def said(room: Room, used: Interaction) -> str:
    """The answer to a command that only its user sees."""
    await room.until(lambda: used.done)
    assert used.original and used.original.only_for is used.user
    return used.original.content


async def test_the_commands_are_there_in_servers_threads_and_direct_messages_for_whoever_installs_them(
    room: Room,
) -> None:
    commands = {command["name"]: command for command in room.discord.commands.of(None)}
    assert set(commands) == {"ask", "forget", "sources", "help", "reindex"}
    for name in ("ask", "forget", "sources", "help"):
        assert {key: commands[name][key] for key in EVERYWHERE} == EVERYWHERE
    assert commands["reindex"]["integration_types"] == [0]
    assert commands["reindex"]["default_member_permissions"] == str(library.Permissions(manage_guild=True).value)
    question, private = commands["ask"]["options"]
    assert (question["name"], question["required"], question["autocomplete"]) == ("question", True, True)
    assert (private["name"], private.get("required", False)) == ("private", False)


async def test_they_are_registered_only_when_they_differ(discord: DiscordServer, model: OpenAIServer, bot: Bot) -> None:
    for _ in range(3):
        async with entered(discord, model, bot):
            assert discord.commands.syncs == {None: 1}
    discord.commands.of(None)[0]["description"] = "Something else"
    async with entered(discord, model, bot):
        assert discord.commands.syncs == {None: 2}


async def test_while_developing_they_are_registered_in_some_servers_alone(
    discord: DiscordServer, model: OpenAIServer, bot: Bot
) -> None:
    acme = discord.guild("acme").id
    async with entered(discord, model, bot, guilds=(acme,)):
        assert discord.commands.syncs == {acme: 1}
    async with entered(discord, model, bot, guilds=(acme,)) as room:
        assert discord.commands.syncs == {acme: 1}
        await room.answer(room.command(ASKED))


async def test_that_they_cannot_be_registered_keeps_nobody_from_asking(
    discord: DiscordServer, model: OpenAIServer, bot: Bot
) -> None:
    async with entered(discord, model, bot, guilds=(1,)) as room:
        await room.answer(room.ask(ASKED))


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
def test_any_change_is_a_difference_and_what_discord_fills_in_is_none(change: dict[str, object]) -> None:
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


async def test_forget_removes_the_conversation_and_the_askers_own(room: Room) -> None:
    await room.answer(room.command(ASKED))
    await room.answer(room.command(ASKED, private=True))
    assert await said(room, room.discord.slash("alice", "general", "forget")) == FORGOTTEN
    await room.answer(room.command("What do bees eat in winter?"))
    await room.answer(room.command("What do bees eat in winter?", private=True))
    for chat in room.model.chats[2:]:
        assert ASKED not in [message["content"] for message in chat.messages]


async def test_forget_in_a_thread_leaves_its_channel_alone(room: Room) -> None:
    asked = room.ask(ASKED)
    await room.answer(asked)
    thread = room.discord.thread("alice", asked, "Tomatoes")
    await said(room, room.discord.slash("alice", thread, "forget"))
    await room.answer(room.ask(FOLLOW_UP))
    assert ASKED in [message["content"] for message in room.model.chats[1].messages]


async def test_sources_lists_what_has_been_read(room: Room) -> None:
    assert "garden: 5 posts" in await said(room, room.discord.slash("bob", "general", "sources"))


async def test_help_tells_how_to_ask_with_examples(room: Room) -> None:
    used = room.discord.slash("bob", "general", "help")
    text = await said(room, used)
    for part in ("/ask", "private", room.discord.bot.mention, "/forget", "/sources", "For example"):
        assert part in text
    assert used.original and used.original.buttons


async def test_questions_and_titles_are_suggested_while_somebody_types(room: Room) -> None:
    suggested = await room.discord.autocomplete("alice", "general", "ask", "question", "tomato")
    values = [choice["value"] for choice in suggested.choices]
    assert any("Growing tomatoes on a balcony" in value for value in values)
    titled = await room.discord.autocomplete("alice", "general", "ask", "question", "a house for hedge")
    assert any("hedgehogs" in choice["value"] for choice in titled.choices)
    nothing = await room.discord.autocomplete("alice", "general", "ask", "question", "")
    assert 0 < len(nothing.choices) <= 25
    again = await room.discord.autocomplete("alice", "general", "ask", "question", "tomatoes")
    assert again.latency < 3


async def test_a_suggestion_is_a_question_that_is_answered(room: Room) -> None:
    suggested = await room.discord.autocomplete("alice", "general", "ask", "question", "bees")
    answer = await room.answer(room.command(suggested.choices[0]["value"]))
    assert "bees.md" in answer.content


async def test_sources_are_suggested_to_admins(room: Room) -> None:
    suggested = await room.discord.autocomplete("alice", "general", "reindex", "source", "gar")
    assert [choice["value"] for choice in suggested.choices] == ["garden"]


async def test_reindex_is_shown_to_those_who_may_manage_the_server(room: Room) -> None:
    with pytest.raises(UserActionError):
        room.discord.slash("bob", "general", "reindex")

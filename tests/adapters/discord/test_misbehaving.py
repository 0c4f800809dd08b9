"""Whatever Discord does, an answer arrives whole, or one calm sentence does; and the connection comes back."""

import inspect
from typing import Any

import pytest

from adapters.discord.app import DiscordBot
from bot.wiring import Bot
from core.errors import NotReady
from tests.adapters.discord.acting import Room, access, is_whole
from tests.servers import Slow, Status, Text
from tests.servers.discord import DiscordServer, Dropped, Message, TooMany

SENTENCE = "Bees live on honey [1]. "
SENTENCES = 20


def text_of(messages: list[Message]) -> str:
    """All of it, whatever it was cut with."""
    return " ".join(" ".join(message.content for message in messages).split())


@pytest.mark.parametrize("route", ["POST /channels/*", "PATCH /channels/*"])
@pytest.mark.parametrize(
    "trouble", [TooMany(0.3), Status(500), Slow(0.4), Dropped(after_effect=False)], ids=["429", "500", "slow", "lost"]
)
async def test_an_answer_arrives_whole(room: Room, route: str, trouble: Any) -> None:
    room.discord.misbehave(route, trouble, times=1)
    room.model.enqueue(Text(SENTENCE * SENTENCES, tokens_per_second=120))
    asked = room.ask("What do bees eat in winter?")
    await room.answer(asked)
    await room.settled()
    assert text_of(room.since(asked)).count("Bees live on honey") == SENTENCES


async def test_a_long_answer_goes_on_in_further_messages_with_its_sources_on_the_last(room: Room) -> None:
    block = SENTENCE * 20 + "\n\n```python\n" + "print('honey')\n" * 12 + "```"
    room.model.enqueue(Text("\n\n".join([block] * 12), tokens_per_second=20_000))
    asked = room.ask("What do bees eat in winter?")
    await room.until(lambda: room.answers(asked), within=60)
    own = room.since(asked)
    assert len(own) > 3
    assert [is_whole(message) for message in own] == [False] * (len(own) - 1) + [True]
    assert all(len(message.content) <= 2_000 and message.content.count("```") % 2 == 0 for message in own)
    assert text_of(own).count("Bees live on honey") == 12 * 20
    assert ["Sources" in message.content for message in own] == [False] * (len(own) - 1) + [True]


async def test_a_command_that_comes_too_late_is_answered_in_the_channel(room: Room) -> None:
    room.discord.rules.first_response = 0
    asked = room.command("What do bees eat in winter?")
    await room.until(lambda: room.answers(asked))


async def test_a_wrong_token_is_a_sentence(discord: DiscordServer, bot: Bot) -> None:
    assert "Discord refuses DISCORD_BOT_TOKEN" in await refused(bot, discord, bot_token="wrong")


async def refused(bot: Bot, discord: DiscordServer, **given: Any) -> str:
    with pytest.raises(NotReady) as caught:
        async with DiscordBot(bot.desk("discord"), access(discord, **given)).open():
            raise AssertionError("it must not open")
    return caught.value.for_people


async def test_the_doctor_tells_the_invite_link(bot: Bot, discord: DiscordServer) -> None:
    told = await DiscordBot(bot.desk("discord"), access(discord)).check()
    assert "scope=bot+applications.commands&permissions=" in told


@pytest.mark.parametrize("how", ["drop", "reconnect", "invalidate"])
async def test_the_connection_comes_back(room: Room, how: str) -> None:
    happens = getattr(room.discord.gateway, how)()
    if inspect.isawaitable(happens):
        await happens
    await room.until(lambda: not room.app.problem(), within=30)
    await room.discord.ready()
    await room.answer(room.ask("What do bees eat in winter?"))


async def test_commands_are_registered_once_and_not_again(room: Room, bot: Bot) -> None:
    syncs = len(room.discord.commands.syncs)
    async with DiscordBot(bot.desk("discord"), access(room.discord)).open():
        assert len(room.discord.commands.syncs) == syncs == 1


async def test_an_admin_reads_the_sources_again_in_one_message(room: Room) -> None:
    run = room.discord.slash("alice", "general", "reindex")
    await room.until(lambda: run.original and "Nothing has changed." in run.original.content)
    planned = room.discord.slash("alice", "general", "reindex", dry_run=True)
    await room.until(lambda: planned.original and planned.original.content)
    unknown = room.discord.slash("alice", "general", "reindex", source="attic")
    await room.until(lambda: unknown.original and "There is no source called “attic”" in unknown.original.content)


async def test_who_may_not_manage_the_server_is_refused_also_where_the_command_is_shown(room: Room) -> None:
    run = room.discord.slash("bob", "general", "reindex", permitted=True)
    await room.until(lambda: any("Only admins" in message.content for message in run.messages))

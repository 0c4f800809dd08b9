"""The clocks of an interaction: three seconds for the first response, 15 minutes for the rest."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from adapters.discord.answer_session import TokenExpiredError
from bot.app import Bot
from tests.adapters.discord.acting import Room, entered, is_whole
from tests.adapters.garden import ASKED
from tests.servers.discord import DiscordServer, RateLimited, Rules
from tests.servers.openai import OpenAIServer, Text

LONG = "Water tomatoes early in the morning [1]. " + "They want six hours of sun. " * 30
SOON = timedelta(seconds=1.5)


async def test_a_command_that_comes_too_late_is_answered_in_the_channel(room: Room) -> None:
    room.discord.platform.rules.first_response = 0.1
    asked = room.command(ASKED, late=0.3)
    answer = await room.answer(asked)
    assert asked.callback is None
    assert answer.content.startswith("According to the posts")
    await room.settled()
    assert len(room.since(asked)) == 1


async def test_a_private_command_that_comes_too_late_is_answered_in_a_direct_message(room: Room) -> None:
    room.discord.platform.rules.first_response = 0.1
    asked = room.command(ASKED, private=True, late=0.3)
    alice = room.discord.who("alice")
    answer = await room.until(lambda: [one for one in room.discord.where(alice).said if is_whole(one)])
    assert answer[0].content.startswith("According to the posts")
    assert room.since(asked) == []


async def test_a_button_that_is_pressed_too_late_does_no_harm(room: Room) -> None:
    answer = await room.answer(room.command(ASKED))
    room.discord.platform.rules.first_response = 0.1
    room.discord.click("alice", answer, answer.buttons[0]["custom_id"], late=0.3)
    await asyncio.sleep(0.4)
    await room.settled()
    room.discord.platform.rules.first_response = 3
    await room.answer(room.command(ASKED, "random"))


async def test_fifty_commands_at_once_are_all_heard_at_once(room: Room) -> None:
    asked = [room.command(f"{ASKED} {number}", f"room-{number}") for number in fifty_rooms(room)]
    await room.until(lambda: all(one.responded for one in asked), within=5)
    latencies = sorted(one.latency or 0 for one in asked)
    assert latencies[-1] < 3


@pytest.fixture
async def hurried(model: OpenAIServer, bot: Bot) -> AsyncIterator[Room]:
    """A Discord in which tokens live for two seconds, of which the bot uses one and a half."""
    async with (
        DiscordServer(rules=Rules(token_lifetime=2)) as discord,
        entered(discord, model, bot, token_lasts=SOON) as room,
    ):
        yield room


async def test_an_answer_that_takes_longer_than_the_token_goes_on_as_the_bots_own_message(hurried: Room) -> None:
    hurried.model.enqueue(Text(LONG, tokens_per_second=80))
    asked = hurried.command(ASKED)
    answer = await hurried.answer(asked)
    assert answer is asked.original
    assert answer.content.count("six hours") == 30
    assert [call.method for call in hurried.discord.calls_to("PATCH", f"/channels/{asked.channel.id}/messages")]
    assert hurried.refused() == []


async def test_a_private_answer_that_takes_longer_says_so(hurried: Room) -> None:
    hurried.model.enqueue(Text(LONG, tokens_per_second=80))
    asked = hurried.command(ASKED, private=True)
    answer = await hurried.answer(asked)
    assert answer.only_for is asked.user
    assert TokenExpiredError.user_message in answer.content
    assert answer.content.startswith("Water tomatoes")
    assert hurried.refused() == []


async def test_a_token_that_is_spent_sooner_than_it_should_costs_no_answer(room: Room) -> None:
    room.discord.platform.rules.token_lifetime = 0.5
    room.model.enqueue(Text(LONG, tokens_per_second=150))
    asked = room.command(ASKED)
    answer = await room.answer(asked)
    assert answer is asked.original
    assert answer.content.count("six hours") == 30


async def test_answers_in_one_channel_keep_to_the_edits_that_it_takes(model: OpenAIServer, bot: Bot) -> None:
    async with DiscordServer(rules=Rules(strict=True)) as discord, entered(discord, model, bot) as room:
        model.answer = lambda _: Text(LONG, tokens_per_second=60)
        asked = [room.ask(ASKED, user=user) for user in ("alice", "bob", "carol")]
        await room.until(lambda: len([one for one in discord.said if is_whole(one)]) == 3, within=40)
        assert [call.status for call in discord.calls if call.status == 429] == []
        replies = [one for one in discord.said if one.reply_to in asked]
        assert all(len(reply.revisions) > 1 for reply in replies)


async def test_a_rate_limit_is_waited_for(room: Room) -> None:
    room.discord.misbehave("PATCH /webhooks/*", RateLimited(0.3), times=2)
    answer = await room.answer(room.command(ASKED))
    assert is_whole(answer)


def fifty_rooms(room: Room) -> range:
    for number in range(50):
        room.discord.add_channel("acme", f"room-{number}")
    return range(50)

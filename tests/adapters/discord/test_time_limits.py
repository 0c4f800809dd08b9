"""Time limits of an interaction: three seconds for the first response, 15 minutes for the rest."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from adapters.discord.answer_writer import TokenExpiredError
from bot.app import Bot
from tests.adapters.discord.harness import Harness, buttons, connected, is_whole
from tests.adapters.garden import ASKED
from tests.servers.discord import DiscordServer, RateLimited, Rules
from tests.servers.openai import OpenAIServer, Text

LONG = "Water tomatoes early in the morning [1]. " + "They want six hours of sun. " * 30
SOON = timedelta(seconds=1.5)


async def test_a_late_command_is_answered_in_the_channel(harness: Harness) -> None:
    harness.discord.platform.rules.first_response = 0.1
    asked = harness.command(ASKED, late=0.3)
    answer = await harness.answer(asked)
    assert asked.callback is None
    assert answer.content.startswith(f"> {ASKED}\nAccording to the posts")
    await harness.settled()
    assert len(harness.since(asked)) == 1


async def test_a_late_private_command_is_answered_in_a_direct_message(harness: Harness) -> None:
    harness.discord.platform.rules.first_response = 0.1
    asked = harness.command(ASKED, private=True, late=0.3)
    alice = harness.discord.find_user("alice")
    answer = await harness.until(lambda: [one for one in harness.discord.find_channel(alice).said if is_whole(one)])
    assert not [call for call in harness.discord.calls if call.path.endswith("/typing")]
    assert answer[0].content.startswith("According to the posts")
    assert harness.since(asked) == []


async def test_the_bot_keeps_answering_after_a_late_button_press(harness: Harness) -> None:
    answer = await harness.answer(harness.command(ASKED))
    harness.discord.platform.rules.first_response = 0.1
    harness.discord.click("alice", answer, answer.buttons[0]["custom_id"], late=0.3)
    await harness.until(harness.refused)
    harness.discord.platform.rules.first_response = 3
    await harness.settled()
    assert "up" in buttons(await harness.answer(harness.command(ASKED, "random")))


async def test_fifty_commands_at_once_are_acknowledged_in_time(harness: Harness) -> None:
    asked = [harness.command(f"{ASKED} {number}", f"channel-{number}") for number in fifty_channels(harness)]
    await harness.until(lambda: all(one.responded for one in asked), within=5)
    latencies = sorted(one.latency or 0 for one in asked)
    assert latencies[-1] < 3


@pytest.fixture
async def hurried(model: OpenAIServer, bot: Bot) -> AsyncIterator[Harness]:
    """A Discord whose tokens live for two seconds, of which the bot uses one and a half."""
    async with (
        DiscordServer(rules=Rules(token_lifetime=2)) as discord,
        connected(discord, model, bot, token_lifetime=SOON) as harness,
    ):
        yield harness


async def test_an_answer_that_outlives_its_token_continues_in_the_same_message(hurried: Harness) -> None:
    hurried.model.enqueue(Text(LONG, tokens_per_second=80))
    asked = hurried.command(ASKED)
    answer = await hurried.answer(asked)
    assert answer is asked.original
    assert answer.content.count("six hours") == 30
    assert [call.method for call in hurried.discord.calls_to("PATCH", f"/channels/{asked.channel.id}/messages")]
    assert hurried.refused() == []


async def test_a_private_answer_that_outlives_its_token_says_so(hurried: Harness) -> None:
    hurried.model.enqueue(Text(LONG, tokens_per_second=80))
    asked = hurried.command(ASKED, private=True)
    answer = await hurried.answer(asked)
    assert answer.ephemeral_to is asked.user
    assert TokenExpiredError.user_message in answer.content
    assert answer.content.startswith("Water tomatoes")
    assert hurried.refused() == []


async def test_a_token_that_expires_early_does_not_lose_the_answer(harness: Harness) -> None:
    harness.model.enqueue(Text(LONG, tokens_per_second=150))
    asked = harness.command(ASKED)
    await harness.until(lambda: asked.original and not asked.original.loading)
    harness.discord.platform.rules.token_lifetime = 0
    answer = await harness.answer(asked)
    assert answer is asked.original
    assert answer.content.count("six hours") == 30


async def test_answers_in_one_channel_stay_within_its_rate_limit(model: OpenAIServer, bot: Bot) -> None:
    async with DiscordServer(rules=Rules(strict=True)) as discord, connected(discord, model, bot) as harness:
        model.answer = lambda _: Text(LONG, tokens_per_second=120)
        asked = [harness.ask(ASKED, user=user) for user in ("alice", "bob", "carol")]
        await harness.until(lambda: len([one for one in discord.said if is_whole(one)]) == 3, within=40)
        assert [call.status for call in discord.calls if call.status == 429] == []
        replies = [one for one in discord.said if one.reply_to in asked]
        assert all(len(reply.revisions) > 1 for reply in replies)


async def test_an_answer_waits_for_a_rate_limit(harness: Harness) -> None:
    harness.discord.inject_fault("PATCH /webhooks/*", RateLimited(0.3), times=2)
    answer = await harness.answer(harness.command(ASKED))
    assert is_whole(answer)


def fifty_channels(harness: Harness) -> range:
    for number in range(50):
        harness.discord.add_channel("acme", f"channel-{number}")
    return range(50)

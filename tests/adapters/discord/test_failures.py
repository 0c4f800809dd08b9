"""Failures of Discord, Redis and the model: each asker gets one answer or one error."""

import pytest
from redis.asyncio import Redis

from adapters.discord.reply import NO_ACCESS_REMEDY
from core.errors import ModelBusyError
from tests.adapters.conftest import Logged
from tests.adapters.discord.harness import Harness, buttons, is_whole
from tests.adapters.garden import ASKED
from tests.servers.discord import Dropped, RateLimited
from tests.servers.loopback import Slow, Status
from tests.servers.openai import Text

VIEW, SEND, READ_HISTORY = 1 << 10, 1 << 11, 1 << 16
SLOW = Text("Water tomatoes early in the morning. " * 20 + "[1]", tokens_per_second=100)
QUICK = Text("Water tomatoes early in the morning. " * 20 + "[1]", tokens_per_second=1_000)
ROUTES = ("POST /channels/*/messages", "PATCH /channels/*", "PATCH /webhooks/*", "POST /interactions/*")


@pytest.mark.parametrize(
    ("where", "trouble"),
    [
        *((route, trouble) for route in ROUTES for trouble in (Status(502), Dropped(after_effect=True))),
        *(("POST /channels/*/messages", trouble) for trouble in (Dropped(), Slow(0.3), RateLimited(0.2))),
    ],
)
async def test_one_api_failure_neither_loses_nor_duplicates_an_answer(
    harness: Harness, where: str, trouble: Status | Dropped | Slow | RateLimited
) -> None:
    harness.model.answer = lambda _: QUICK
    harness.discord.inject_fault(where, trouble)
    asked, command = harness.ask(ASKED), harness.command(ASKED, "random")
    for one in (asked, command):
        answer = await harness.answer(one)
        assert set(buttons(answer)) == {"up", "down", "why"}
    await harness.settled()
    assert len(harness.since(asked)) == 1
    assert len([one for one in harness.since(command) if not one.loading]) == 1


async def test_a_model_failure_shows_its_error_id_and_a_retry_button(harness: Harness, logged: Logged) -> None:
    harness.model.enqueue(Status(429), Status(429), Status(429), Status(429))
    answer = await harness.answer(harness.command(ASKED))
    assert ModelBusyError.user_message in answer.content
    assert list(buttons(answer)) == ["again"]
    line = next(line for line in logged if line["event"] == "question failed")
    assert line["error_id"] in answer.content
    for inside in ("429", "Traceback", "Error"):
        assert inside not in answer.content


async def test_the_eleventh_question_in_a_minute_is_refused(harness: Harness) -> None:
    for _ in range(10):
        await harness.answer(harness.command(ASKED, user="bob"))
    refused = await harness.answer(harness.command(ASKED, user="bob"))
    assert "You have asked many questions within a minute" in refused.content
    assert list(buttons(refused)) == ["again"]
    await harness.answer(harness.command(ASKED, user="carol"))


async def test_an_asker_whose_channel_the_bot_cannot_write_in_gets_a_direct_message(harness: Harness) -> None:
    asked = harness.ask(ASKED, "random")
    await harness.answer(asked)
    harness.discord.set_overwrite("random", harness.discord.bot, deny=SEND)
    harness.ask(ASKED, "random", "bob")
    direct = harness.discord.find_channel(harness.discord.find_user("bob"))
    [told] = await harness.until(lambda: direct.said)
    assert NO_ACCESS_REMEDY in told.content
    assert f"<#{asked.channel.id}>" in told.content


async def test_a_command_needs_no_channel_permissions(harness: Harness) -> None:
    harness.discord.set_overwrite("random", harness.discord.bot, deny=VIEW | SEND)
    harness.model.enqueue(Text("Water tomatoes early [1].\n\n" + "They want six hours of sun a day. " * 120))
    asked = harness.command(ASKED, "random")
    await harness.answer(asked)
    assert len(asked.messages) > 1
    assert harness.refused() == []


async def test_without_access_to_the_history_the_answer_is_not_a_reply(harness: Harness) -> None:
    harness.discord.set_overwrite("random", harness.discord.bot, deny=READ_HISTORY)
    answer = await harness.answer(harness.ask(ASKED, "random"))
    assert answer.reply_to is None


async def test_the_bot_keeps_answering_after_a_direct_message_is_blocked(harness: Harness, logged: Logged) -> None:
    harness.discord.find_user("bob").takes_direct_messages = False
    harness.discord.set_overwrite("random", harness.discord.bot, deny=SEND)
    harness.ask(ASKED, "random", "bob")
    await harness.until(
        lambda: [line for line in logged if line["event"] == "refusal could not be reported to the user"]
    )
    assert "up" in buttons(await harness.answer(harness.ask(ASKED)))


async def test_deleting_the_channel_ends_the_answer(harness: Harness) -> None:
    harness.model.enqueue(SLOW)
    channel = harness.discord.add_channel("acme", "short-lived")
    asked = harness.ask(ASKED, channel)
    await harness.until(lambda: harness.since(asked))
    harness.discord.remove_channel(channel)
    await harness.settled()
    assert "up" in buttons(await harness.answer(harness.ask(ASKED)))


async def test_a_message_too_old_to_edit_is_replaced_by_a_new_one(harness: Harness) -> None:
    harness.discord.platform.rules.old_edits = 0
    asked = harness.ask(ASKED)
    old = await harness.answer(asked)
    await harness.settled()
    harness.discord.backdate(old, 7200)
    harness.discord.edit(asked, f"{asked.content} In summer?")
    await harness.until(lambda: len(harness.answers(asked)) == 2)
    [refused] = harness.refused()
    assert str(old.id) in refused


async def test_buttons_of_other_bots_and_unknown_actions_are_ignored(harness: Harness) -> None:
    answer = await harness.answer(harness.command(ASKED))
    answer.components = [
        {"type": 1, "components": [{"type": 2, "style": 2, "label": "x", "custom_id": name}]}
        for name in ("poll:1", "footnoted:dance:1")
    ]
    for name in ("poll:1", "footnoted:dance:1"):
        harness.discord.click("alice", answer, name)
    await harness.settled()
    assert harness.discord.said == [answer]
    assert "up" in buttons(await harness.answer(harness.command(ASKED, "random")))


async def test_a_question_without_redis_gets_an_error_message(harness: Harness, redis_client: Redis) -> None:
    await redis_client.config_set("maxclients", 1)
    try:
        await harness.bot.redis.connection_pool.disconnect()
        asked = harness.command(ASKED)
        answer = await harness.answer(asked)
        assert "I cannot reach my posts right now" in answer.content
    finally:
        await redis_client.config_set("maxclients", 10_000)
    assert is_whole(answer)

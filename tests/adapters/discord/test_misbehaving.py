"""A Discord that fails, drops, slows down and refuses; whoever asked is not left with silence, nor answered twice."""

import asyncio

import pytest
from redis.asyncio import Redis

from adapters.discord.answer_session import NO_ENTRY
from core.errors import ModelBusyError
from tests.adapters.conftest import Logged
from tests.adapters.discord.acting import Room, buttons, is_whole
from tests.adapters.garden import ASKED
from tests.servers.discord import Dropped, RateLimited
from tests.servers.loopback import Slow, Status
from tests.servers.openai import Text

VIEW, SEND, READ_HISTORY = 1 << 10, 1 << 11, 1 << 16
SLOW = Text("Water tomatoes early in the morning. " * 20 + "[1]", tokens_per_second=100)


@pytest.mark.parametrize("trouble", [Status(502), Dropped(), Dropped(after_effect=True), Slow(0.3), RateLimited(0.2)])
@pytest.mark.parametrize(
    "where", ["POST /channels/*/messages", "PATCH /channels/*", "PATCH /webhooks/*", "POST /interactions/*"]
)
async def test_one_failure_of_discords_costs_no_answer_and_doubles_none(
    room: Room, where: str, trouble: Status | Dropped | Slow | RateLimited
) -> None:
    room.model.answer = lambda _: SLOW
    room.discord.misbehave(where, trouble)
    asked, command = room.ask(ASKED), room.command(ASKED, "random")
    for one in (asked, command):
        answer = await room.answer(one)
        assert set(buttons(answer)) == {"up", "down", "why"}
    await room.settled()
    assert len(room.since(asked)) == 1
    assert len([one for one in room.since(command) if not one.loading]) == 1


async def test_a_model_that_fails_is_a_sentence_with_an_id_and_another_try(room: Room, logged: Logged) -> None:
    room.model.enqueue(Status(429), Status(429), Status(429), Status(429))
    answer = await room.answer(room.command(ASKED))
    assert ModelBusyError.user_message in answer.content
    assert list(buttons(answer)) == ["again"]
    line = next(line for line in logged if line["event"] == "question failed")
    assert line["error_id"] in answer.content
    for inside in ("429", "Traceback", "Error"):
        assert inside not in answer.content


async def test_the_eleventh_question_in_a_minute_waits(room: Room) -> None:
    for _ in range(10):
        await room.answer(room.command(ASKED, user="bob"))
    refused = await room.answer(room.command(ASKED, user="bob"))
    assert "You're asking faster than I can answer" in refused.content
    assert list(buttons(refused)) == ["again"]
    await room.answer(room.command(ASKED, user="carol"))


async def test_where_the_bot_may_not_write_whoever_asked_is_told_in_a_direct_message(room: Room) -> None:
    asked = room.ask(ASKED, "random")
    await room.answer(asked)
    room.discord.permit("random", room.discord.bot, deny=SEND)
    room.ask(ASKED, "random", "bob")
    direct = room.discord.where(room.discord.who("bob"))
    [told] = await room.until(lambda: direct.said)
    assert NO_ENTRY in told.content
    assert f"<#{asked.channel.id}>" in told.content


async def test_a_command_needs_no_permission_in_the_channel(room: Room) -> None:
    room.discord.permit("random", room.discord.bot, deny=VIEW | SEND)
    room.model.enqueue(Text("Water tomatoes early [1].\n\n" + "They want six hours of sun a day. " * 120))
    asked = room.command(ASKED, "random")
    await room.answer(asked)
    assert len(asked.messages) > 1
    assert room.refused() == []


async def test_without_the_permission_to_read_the_history_the_answer_is_no_reply(room: Room) -> None:
    room.discord.permit("random", room.discord.bot, deny=READ_HISTORY)
    answer = await room.answer(room.ask(ASKED, "random"))
    assert answer.reply_to is None


async def test_somebody_who_takes_no_direct_messages_is_no_reason_to_fall(room: Room, logged: Logged) -> None:
    room.discord.who("bob").takes_direct_messages = False
    room.discord.permit("random", room.discord.bot, deny=SEND)
    room.ask(ASKED, "random", "bob")
    await room.until(lambda: [line for line in logged if line["event"] == "whoever asked could not be told"])
    await room.answer(room.ask(ASKED))


async def test_a_channel_that_is_removed_meanwhile_ends_the_answer(room: Room) -> None:
    room.model.enqueue(SLOW)
    channel = room.discord.add_channel("acme", "short-lived")
    asked = room.ask(ASKED, channel)
    await room.until(lambda: room.since(asked))
    room.discord.remove_channel(channel)
    await room.settled()
    await room.answer(room.ask(ASKED))


async def test_an_old_message_that_may_not_be_edited_any_more_gives_way_to_a_new_one(room: Room) -> None:
    room.discord.platform.rules.old_edits = 0
    room.model.enqueue(Status(401))
    asked = room.ask(ASKED)
    failed = await room.answer(asked)
    await room.settled()
    room.discord.old(failed, 7200)
    room.discord.click("alice", failed, buttons(failed)["again"])
    await room.until(lambda: any("up" in buttons(one) for one in room.since(asked)))


async def test_what_others_press_and_send_is_left_alone(room: Room) -> None:
    answer = await room.answer(room.command(ASKED))
    answer.components = [
        {"type": 1, "components": [{"type": 2, "style": 2, "label": "x", "custom_id": name}]}
        for name in ("poll:1", "footnoted:dance:1")
    ]
    for name in ("poll:1", "footnoted:dance:1"):
        room.discord.click("alice", answer, name)
    await asyncio.sleep(0.1)
    await room.settled()
    await room.answer(room.command(ASKED, "random"))


async def test_while_redis_is_away_whoever_asks_is_told_so(room: Room, redis: Redis) -> None:
    await redis.config_set("maxclients", 1)
    try:
        await room.bot.redis.connection_pool.disconnect()
        asked = room.command(ASKED)
        answer = await room.answer(asked)
        assert "I cannot reach my posts right now" in answer.content
    finally:
        await redis.config_set("maxclients", 10_000)
    assert is_whole(answer)

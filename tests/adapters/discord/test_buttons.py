"""The buttons under an answer: votes, reasons, workings, another try; also after a restart."""

import asyncio

import pytest

from adapters.discord.messages import NOT_YOURS, NOTED, OFFER, THANKS, UNKNOWN
from bot.app import Bot
from core.errors import ModelAccessError
from tests.adapters.discord.acting import Room, buttons, entered
from tests.adapters.garden import ASKED
from tests.servers.discord import DiscordServer, Interaction, Message
from tests.servers.loopback import Status
from tests.servers.openai import OpenAIServer, Text

BROKEN = Status(401)


def press(room: Room, message: Message, what: str, user: str = "alice") -> Interaction:
    return room.discord.click(user, message, buttons(message)[what])


async def told(room: Room, pressed: Interaction) -> Message:
    """What whoever pressed a button is told, and nobody else."""
    [whisper] = await room.until(lambda: pressed.follow_ups)
    assert whisper.only_for is pressed.user
    return whisper


async def test_a_vote_is_kept_and_the_last_one_counts(room: Room) -> None:
    answer = await room.answer(room.command(ASKED))
    assert (await told(room, press(room, answer, "down"))).content == OFFER
    assert (await told(room, press(room, answer, "up"))).content == THANKS
    assert (await told(room, press(room, answer, "up", "bob"))).content == THANKS
    await room.settled()
    [judged] = await room.bot.feedback.rated_answers(5)
    assert judged.stored.question.text == ASKED
    assert {vote.person.name: vote.rating for vote in judged.votes} == {"Alice": "up", "Bob": "up"}


async def test_a_thumb_down_may_say_why(room: Room) -> None:
    answer = await room.answer(room.ask(ASKED))
    offer = await told(room, press(room, answer, "down"))
    opened = press(room, offer, "reason")
    await room.until(lambda: opened.modal)
    sent = room.discord.submit(opened, {"reason": "It is out of date."})
    assert (await told(room, sent)).content == NOTED
    await room.settled()
    [judged] = await room.bot.feedback.rated_answers(5)
    assert [(vote.rating, vote.reason) for vote in judged.votes] == [("down", "It is out of date.")]


async def test_why_tells_how_the_answer_was_made(room: Room) -> None:
    answer = await room.answer(room.command(ASKED))
    why = await told(room, press(room, answer, "why", "bob"))
    for part in ("**Understood as**", ASKED, "**Answered from**", "Growing tomatoes on a balcony", "whole answer"):
        assert part in why.content


async def test_a_failed_answer_is_written_anew_where_it_failed_for_the_asker_alone(room: Room) -> None:
    room.model.enqueue(BROKEN)
    asked = room.command(ASKED)
    failed = await room.answer(asked)
    assert ModelAccessError.user_message in failed.content
    assert list(buttons(failed)) == ["again"]
    assert (await told(room, press(room, failed, "again", "bob"))).content == NOT_YOURS
    press(room, failed, "again")
    await room.until(lambda: "up" in buttons(failed))
    assert ModelAccessError.user_message not in failed.content
    assert room.since(asked)[0] is failed
    assert len([one for one in room.since(asked) if not one.ephemeral]) == 1


async def test_two_presses_at_once_are_one_try(room: Room) -> None:
    room.model.enqueue(BROKEN, Text("Water tomatoes early [1]. " * 20, tokens_per_second=100))
    asked = room.ask(ASKED)
    failed = await room.answer(asked)
    press(room, failed, "again")
    press(room, failed, "again")
    await room.until(lambda: "up" in buttons(failed))
    await room.settled()
    assert len(room.model.chats) == 2


@pytest.mark.parametrize("private", [False, True])
async def test_another_try_replaces_all_that_was_written(room: Room, private: bool) -> None:
    room.model.enqueue(BROKEN)
    failed = await room.answer(room.command(ASKED, private=private))
    pressed = press(room, failed, "again")
    await room.until(lambda: "up" in buttons(failed))
    assert failed.only_for is (pressed.user if private else None)
    assert room.refused() == []


async def test_buttons_work_after_a_restart(discord: DiscordServer, model: OpenAIServer, bot: Bot) -> None:
    async with entered(discord, model, bot) as room:
        whole = await room.answer(room.command(ASKED))
        model.enqueue(BROKEN)
        failed = await room.answer(room.command(ASKED, "random"))
    async with entered(discord, model, bot) as room:
        assert (await told(room, press(room, whole, "up", "bob"))).content == THANKS
        press(room, failed, "again")
        await room.until(lambda: "up" in buttons(failed))


async def test_a_form_that_was_opened_before_a_restart_is_read_after_it(
    discord: DiscordServer, model: OpenAIServer, bot: Bot
) -> None:
    async with entered(discord, model, bot) as room:
        answer = await room.answer(room.command(ASKED))
        opened = press(room, await told(room, press(room, answer, "down")), "reason")
        await room.until(lambda: opened.modal)
    async with entered(discord, model, bot) as room:
        assert (await told(room, discord.submit(opened, {"reason": "It misses the point."}))).content == NOTED


async def test_what_was_asked_in_another_channel_or_is_forgotten_is_not_told(room: Room) -> None:
    answer = await room.answer(room.command(ASKED))
    room.discord.slash("alice", "general", "forget")
    await asyncio.sleep(0.1)
    await room.settled()
    assert (await told(room, press(room, answer, "why"))).content == UNKNOWN
    assert (await told(room, press(room, answer, "up"))).content == UNKNOWN

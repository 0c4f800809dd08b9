"""Two processes on one Redis: one answers, the other receives the edit, deletion or stop."""

from collections.abc import AsyncIterator

import pytest

from bot.app import Bot
from tests.adapters.slack.harness import Room, entered, read
from tests.servers.openai import OpenAIServer, Text
from tests.servers.slack import Message, SlackServer

LONG = Text("word " * 4_000, tokens_per_second=50)


@pytest.fixture
async def room(slack: SlackServer, model: OpenAIServer, bot: Bot) -> AsyncIterator[Room]:
    """The first process' room; Slack's deliveries go to the two of them in turn, of mentions one event alone."""
    slack.rules.subscriptions = frozenset({"app_mention", "message.channels"})
    slack.rules.echoes = False
    async with entered(slack, model, bot) as room, entered(slack, model, bot):
        await slack.until(lambda: len(slack.sockets.open) == 2)
        yield room


async def to_each(room: Room) -> None:
    """The next delivery goes to a process of its own, whichever had the last one."""
    await room.until(lambda: all(delivery.finished for delivery in room.slack.deliveries.all))
    handled = [d for d in room.slack.deliveries.all if d.kind == "events_api"]
    if len(handled) % 2:
        return
    room.slack.deliver("events_api", handled[-1].payload | {"event_id": "Ev0NOTHING", "event": {"type": "ping"}})
    await room.until(lambda: all(delivery.finished for delivery in room.slack.deliveries.all))


async def being_answered(room: Room) -> tuple[Message, Message]:
    room.model.enqueue(LONG)
    asked = room.ask("What do bees eat in winter?")
    await room.until(lambda: room.own(asked))
    await room.until(lambda: room.model.chats)  # the steps are shown before the model is asked
    return asked, room.own(asked)[0]


@pytest.mark.parametrize("odd", [False, True])
async def test_an_edit_received_by_another_process_replaces_the_answer(room: Room, odd: bool) -> None:
    asked, growing = await being_answered(room)
    if odd:
        await to_each(room)
    room.slack.edit(asked, f"{room.me} How long does compost take?")
    await room.until(lambda: "ompost" in read(growing))
    await room.model_stopped()
    await room.settled()
    assert room.own(asked) == [growing]
    assert "word" not in read(growing)
    assert len(room.model.chats) == 2


@pytest.mark.parametrize("odd", [False, True])
async def test_only_the_edited_question_is_left_for_another_process_to_answer(room: Room, odd: bool) -> None:
    asked, growing = await being_answered(room)
    if odd:
        await to_each(room)
    room.model.enqueue(LONG)
    room.slack.edit(asked, f"{room.me} How long does compost take?")
    await room.until(lambda: len(growing.versions) > 1 and growing.edits)
    assert asked.edited
    name = f"{room.slack.team.id}:{asked.channel}:{asked.ts}"
    left = await room.bot.redis.hkeys("unanswered:{slack}")
    assert left == [f"{name}:{asked.edited['ts']}".encode()]
    room.slack.delete(asked)
    await room.settled()


@pytest.mark.parametrize("odd", [False, True])
async def test_a_deletion_received_by_another_process_stops_the_model(room: Room, odd: bool) -> None:
    asked, growing = await being_answered(room)
    if odd:
        await to_each(room)
    room.slack.delete(asked)
    await room.until(lambda: growing.deleted)
    await room.model_stopped()
    await room.settled()
    assert room.own(asked) == []


async def test_answers_of_two_processes_are_not_mixed_in_one_message(room: Room) -> None:
    room.slack.refuse("chat.startStream", "unknown_method")
    asked, growing = await being_answered(room)
    await to_each(room)
    room.slack.edit(asked, f"{room.me} How long does compost take?")
    await room.until(lambda: "ompost" in read(growing))
    await room.model_stopped()
    await room.settled()
    assert "word" not in read(growing)
    assert "Stopped" not in read(growing)
    assert room.own(asked) == [growing]

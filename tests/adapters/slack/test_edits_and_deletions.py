"""Questions that are edited, deleted or stopped while they are answered, and afterwards."""

import asyncio
from typing import Any

import pytest

from bot.app import Bot
from core.domain import Conversation
from tests.adapters.slack.harness import Room, entered, is_whole
from tests.servers.loopback import Slow
from tests.servers.openai import OpenAIServer, Text
from tests.servers.slack import BOT_SCOPES, Message, SlackServer, callback, message_payload

LONG = Text("word " * 2_000, tokens_per_second=50)


async def being_answered(room: Room) -> tuple[Message, Message]:
    """Ask a question with a long answer; return both messages while it is being written."""
    room.model.enqueue(LONG)
    asked = room.ask("What do bees eat in winter?")
    [growing] = await room.until(lambda: [message for message in room.own(asked) if message.text])
    return asked, growing


def written(message: Message) -> str:
    return message.text + "".join(block.get("text") or "" for block in message.blocks if block["type"] == "markdown")


async def test_an_edited_question_is_answered_in_the_same_message(room: Room) -> None:
    asked = room.ask("What do bees eat in winter?")
    first = await room.answer(asked)
    room.slack.edit(asked, f"{room.me} How long does compost take?")
    await room.until(lambda: len(room.model.chats) == 2)
    await room.until(lambda: "ompost" in written(first))
    await room.settled()
    assert room.own(asked) == [first]
    assert room.questions()[-1] == "How long does compost take?"
    turns = await room.bot.history.turns(Conversation("slack", asked.channel, room.slack.team.id, asked.ts))
    assert [turn.content for turn in turns if turn.role == "user"] == ["How long does compost take?"]


async def test_editing_a_question_during_its_answer_stops_the_first_answer(room: Room) -> None:
    asked, growing = await being_answered(room)
    room.slack.edit(asked, f"{room.me} How long does compost take?")
    await room.until(lambda: "ompost" in written(growing))
    await room.settled()
    assert room.own(asked) == [growing]
    async with asyncio.timeout(15):
        await room.model.chats[0].finished.wait()
    assert room.model.chats[0].cancelled
    assert not growing.streaming


async def test_a_mention_added_by_an_edit_makes_a_question(room: Room) -> None:
    asked = room.ask("What do bees eat in winter?", mention=False)
    room.slack.edit(asked, f"{room.me} What do bees eat in winter?")
    await room.answer(asked)
    await room.settled()
    assert len(room.own(asked)) == 1


async def test_deleting_a_question_deletes_its_unfinished_answer(room: Room) -> None:
    asked, growing = await being_answered(room)
    room.slack.delete(asked)
    await room.until(lambda: growing.deleted)
    await room.model_stopped()
    await room.settled()
    assert room.own(asked) == []


async def test_a_finished_answer_stays_when_its_question_is_deleted(room: Room) -> None:
    asked = room.ask("What do bees eat in winter?")
    answer = await room.answer(asked)
    room.slack.delete(asked)
    await room.settled()
    assert not answer.deleted


async def test_the_stop_button_stops_the_model_and_marks_the_answer_as_stopped(room: Room) -> None:
    _, growing = await being_answered(room)
    room.slack.stop_stream(room.slack.user, growing)
    await room.model_stopped()
    await room.until(lambda: "Stopped." in written(growing))
    assert not growing.streaming


async def test_only_the_new_text_of_a_question_edited_before_its_answer_starts_is_answered(room: Room) -> None:
    room.slack.enqueue("users.info", Slow(0.5))
    asked = room.ask("What do bees eat in winter?")
    await room.until(lambda: room.slack.status_history)
    room.slack.edit(asked, f"{room.me} How long does compost take?")
    answer = await room.answer(asked)
    await room.settled()
    assert "ompost" in written(answer)
    assert room.own(asked) == [answer]
    assert room.questions()[-1] == "How long does compost take?"


async def test_the_last_of_two_edits_is_answered(room: Room) -> None:
    asked, growing = await being_answered(room)
    room.model.enqueue(LONG)
    room.slack.edit(asked, f"{room.me} How long does compost take?")
    await room.until(lambda: len(room.model.chats) == 2)
    room.slack.edit(asked, f"{room.me} What should hedgehogs drink?")
    await room.until(lambda: is_whole(growing))
    await room.settled()
    assert "hedgehogs" in written(growing)
    assert room.own(asked) == [growing]
    assert [chat.cancelled for chat in room.model.chats] == [True, True, False]


async def test_an_empty_mention_edited_into_a_question_is_answered(room: Room) -> None:
    asked = room.ask("")
    await room.until(lambda: room.own(asked))
    room.slack.edit(asked, f"{room.me} What do bees eat in winter?")
    await room.answer(asked)
    await room.settled()
    assert room.questions() == ["What do bees eat in winter?"]


async def test_an_edit_is_answered_where_the_bot_can_read_only_mentions(model: OpenAIServer, bot: Bot) -> None:
    async with SlackServer(scopes=BOT_SCOPES - {"channels:history"}) as slack, entered(slack, model, bot) as room:
        asked = room.ask("What do bees eat in winter?")
        first = await room.answer(asked)
        room.slack.edit(asked, f"{room.me} How long does compost take?")
        await room.until(lambda: "ompost" in written(first))
        await room.settled()
        assert room.own(asked) == [first]


async def test_a_link_preview_is_not_an_edit(room: Room) -> None:
    asked = room.ask("What do bees eat in winter? https://garden.example/bees.md")
    await room.answer(asked)
    room.slack.unfurl(asked, "https://garden.example/bees.md")
    await room.settled()
    assert len(room.model.chats) == 1


async def test_an_edit_after_more_than_ten_minutes_is_ignored(room: Room) -> None:
    asked = room.ask("What do bees eat in winter?")
    await room.answer(asked)
    event = message_changed_later(room, asked, minutes=11)
    room.slack.deliver("events_api", event)
    await room.settled()
    assert len(room.model.chats) == 1


async def test_deleting_an_edited_question_deletes_its_rewritten_answer(room: Room) -> None:
    asked = room.ask("What do bees eat in winter?")
    answer = await room.answer(asked)
    room.model.enqueue(LONG)
    room.slack.edit(asked, f"{room.me} How long does compost take?")
    await room.until(lambda: len(room.model.chats) == 2 and "word" in written(answer))
    room.slack.delete(asked)
    await room.until(lambda: answer.deleted)
    await room.model_stopped(1)
    await room.settled()
    assert room.own(asked) == []


async def test_the_status_is_cleared_after_an_answer_is_rewritten(room: Room) -> None:
    asked = room.ask("What do bees eat in winter?")
    answer = await room.answer(asked)
    room.slack.edit(asked, f"{room.me} How long does compost take?")
    await room.until(lambda: "ompost" in written(answer))
    await room.settled()
    assert room.slack.status(asked.channel, asked.ts) == ""


async def test_a_question_deleted_before_its_answer_starts_is_not_answered(room: Room) -> None:
    root = room.ask("What a day!", mention=False)
    room.slack.enqueue("chat.startStream", Slow(0.5))
    asked = room.ask("What do bees eat in winter?", thread=root)
    await room.until(lambda: room.slack.called("chat.startStream"))
    room.slack.delete(asked)
    await room.settled()
    assert room.own(root) == []


@pytest.mark.parametrize("word", ["stopped_by_user", "message_not_in_streaming_state"])
async def test_a_stop_is_detected_without_an_event_from_slack(room: Room, word: str) -> None:
    """With several processes, Slack may send the event to another one."""
    room.slack.rules.stop_after_stop = word
    room.slack.rules.subscriptions = frozenset({"app_mention"})
    _, growing = await being_answered(room)
    room.slack.stop_stream(room.slack.user, growing)
    await room.model_stopped()
    await room.settled()
    assert not growing.streaming


def message_changed_later(room: Room, asked: Message, minutes: float) -> Any:
    """Return the event of an edit made `minutes` after the question."""
    before = message_payload(asked)
    now = before | {"text": f"{room.me} How long does compost take?"}
    now["edited"] = {"user": asked.user, "ts": f"{float(asked.ts) + minutes * 60:.6f}"}
    event: dict[str, Any] = {"type": "message", "subtype": "message_changed", "channel_type": "channel"}
    event |= {"channel": asked.channel, "message": now, "previous_message": before, "ts": asked.ts}
    return callback(event, room.slack.installation)

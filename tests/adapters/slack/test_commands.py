"""/ask, which one person sees, and /forget, in a channel, in a thread and in a direct message."""

import json

from tests.adapters.slack.harness import Room, is_whole
from tests.servers.slack import Message


def written(message: Message) -> str:
    return message.text + json.dumps(message.blocks, ensure_ascii=False)


async def private_answer(room: Room, question: str) -> Message:
    room.slack.slash(room.slack.user, room.slack.channel, "/ask", question)
    found: list[Message] = await room.until(
        lambda: [message for message in room.slack.ephemerals(room.slack.user.id) if is_whole(message)]
    )
    return found[-1]


async def test_an_answer_to_ask_is_private_until_it_is_shared(room: Room) -> None:
    answer = await private_answer(room, "What do bees eat in winter?")
    public = [message for message in room.slack.messages(room.slack.channel.id) if message.user == room.slack.bot.id]
    assert public == []
    room.slack.click(room.slack.user, answer, "share")
    shared: list[Message] = await room.until(
        lambda: [message for message in room.slack.messages(room.slack.channel.id) if "asked:" in written(message)]
    )
    assert "Bees in winter" in written(shared[0])
    assert is_whole(shared[0])


async def test_ask_without_a_question_explains_how_to_ask(room: Room) -> None:
    room.slack.slash(room.slack.user, room.slack.channel, "/ask", "")
    await room.until(lambda: any("For example" in written(m) for m in room.slack.ephemerals(room.slack.user.id)))
    assert room.model.chats == []


async def test_forget_in_a_channel_deletes_the_history_of_its_threads(room: Room) -> None:
    asked = room.ask("What do bees eat in winter?")
    await room.answer(asked)
    room.slack.slash(room.slack.user, room.slack.channel, "/forget")
    await room.until(lambda: any("forgotten" in written(m) for m in room.slack.ephemerals(room.slack.user.id)))
    room.ask("And what do they eat in summer?", thread=asked)
    await room.answer(asked, 1)
    roles = [message["role"] for message in room.model.chats[-1].messages]
    assert "assistant" not in roles


async def test_forget_in_a_thread_keeps_other_threads_history(room: Room) -> None:
    asked, other = room.ask("What do bees eat in winter?"), room.ask("How long does compost take?")
    await room.answer(asked)
    await room.answer(other)
    room.ask("forget", thread=asked)
    await room.until(lambda: any("I have forgotten" in m.text for m in room.own(asked)))
    assert len(await room.bot.redis.keys("conversation:*")) == 1


async def test_forget_in_a_direct_message_deletes_its_whole_history(room: Room) -> None:
    direct = room.slack.direct(room.slack.user)
    await room.answer(room.ask("What do bees eat in winter?", channel=direct))
    room.slack.slash(room.slack.user, direct, "/forget")
    await room.settled()
    assert await room.bot.redis.keys("conversation:*") == []
    assert await room.bot.redis.keys("question:*") == []

"""A question may be corrected, taken back, or its answer stopped, while it is being written and after."""

from core.vocabulary import Conversation
from tests.adapters.slack.acting import Room
from tests.servers import Text
from tests.servers.slack import Message

LONG = Text("word " * 2_000, tokens_per_second=50)


async def being_answered(room: Room) -> tuple[Message, Message]:
    """A question whose answer is being written, for as long as somebody lets it."""
    room.model.enqueue(LONG)
    asked = room.ask("What do bees eat in winter?")
    await room.until(lambda: room.own(asked))
    return asked, room.own(asked)[0]


def written(message: Message) -> str:
    return message.text + "".join(block.get("text") or "" for block in message.blocks if block["type"] == "markdown")


async def test_an_edited_question_is_answered_again_in_the_same_message(room: Room) -> None:
    asked = room.ask("What do bees eat in winter?")
    first = await room.answer(asked)
    room.slack.edit(asked, f"{room.me} How long does compost take?")
    await room.until(lambda: len(room.model.chats) == 2)
    await room.until(lambda: "ompost" in written(first))
    await room.settled()
    assert room.own(asked) == [first]
    assert room.questions()[-1] == "How long does compost take?"
    turns = await room.bot.history.recall(Conversation("slack", asked.channel, room.slack.team.id, asked.ts))
    assert [turn.content for turn in turns if turn.role == "user"] == ["How long does compost take?"]


async def test_a_question_that_is_edited_while_it_is_answered_stops_the_first_answer(room: Room) -> None:
    asked, growing = await being_answered(room)
    room.slack.edit(asked, f"{room.me} How long does compost take?")
    await room.until(lambda: "ompost" in written(growing))
    await room.settled()
    assert room.own(asked) == [growing]
    assert room.model.chats[0].cancelled
    assert not growing.streaming


async def test_a_mention_that_is_added_later_makes_a_question(room: Room) -> None:
    asked = room.ask("What do bees eat in winter?", mention=False)
    room.slack.edit(asked, f"{room.me} What do bees eat in winter?")
    await room.answer(asked)
    await room.settled()
    assert len(room.own(asked)) == 1


async def test_a_question_that_is_deleted_takes_its_unfinished_answer_along(room: Room) -> None:
    asked, growing = await being_answered(room)
    room.slack.delete(asked)
    await room.until(lambda: growing.deleted)
    await room.until(lambda: room.model.chats[0].cancelled)
    await room.settled()


async def test_an_answer_that_was_finished_stays_when_its_question_is_deleted(room: Room) -> None:
    asked = room.ask("What do bees eat in winter?")
    answer = await room.answer(asked)
    room.slack.delete(asked)
    await room.settled()
    assert not answer.deleted


async def test_the_stop_button_stops_the_model_and_the_answer_says_so(room: Room) -> None:
    _, growing = await being_answered(room)
    room.slack.stop_stream(room.slack.user, growing)
    await room.until(lambda: room.model.chats[0].cancelled)
    await room.until(lambda: "Stopped." in written(growing))
    assert not growing.streaming

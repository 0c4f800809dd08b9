"""Questions that people correct or take back while they are being answered, and afterwards."""

import asyncio

from tests.adapters.discord.acting import Room, buttons, is_whole
from tests.adapters.garden import ASKED
from tests.servers.discord import Message
from tests.servers.openai import Text

BEES = "What do bees eat in winter?"
SLOW = Text("Water tomatoes early in the morning [1]. " * 40, tokens_per_second=30)


async def begun(room: Room, asked: Message) -> Message:
    """The answer, when there is something to read."""
    found = await room.until(lambda: room.since(asked))
    return found[0]


async def test_an_answer_goes_with_its_question(room: Room) -> None:
    room.model.enqueue(SLOW)
    asked = room.ask(ASKED)
    answer = await begun(room, asked)
    room.discord.delete(asked)
    await room.until(lambda: answer.deleted)
    await room.settled()
    assert room.since(asked) == []
    async with asyncio.timeout(15):
        await room.model.chats[0].finished.wait()
    assert room.model.chats[0].cancelled


async def test_many_questions_may_be_deleted_at_once(room: Room) -> None:
    room.model.enqueue(SLOW, SLOW)
    asked = [room.ask(ASKED), room.ask(BEES)]
    await room.until(lambda: len(room.since(asked[0])) >= 2 or len(room.discord.said) >= 2)
    room.discord.delete(*asked)
    await room.until(lambda: not room.discord.said)
    await room.settled()
    assert room.discord.said == []


async def test_a_whole_answer_stays_when_its_question_goes(room: Room) -> None:
    asked = room.ask(ASKED)
    answer = await room.answer(asked)
    await room.settled()
    room.discord.delete(asked)
    await room.settled()
    assert not answer.deleted


async def test_an_answer_that_a_moderator_deletes_is_not_written_again(room: Room) -> None:
    room.model.enqueue(SLOW)
    asked = room.command(ASKED)
    answer = await room.until(lambda: [one for one in room.since(asked) if not one.loading])
    room.discord.delete(answer[0])
    await room.settled()
    assert room.since(asked) == []
    async with asyncio.timeout(15):
        await room.model.chats[0].finished.wait()
    assert room.model.chats[0].cancelled


async def test_a_corrected_question_is_answered_in_the_same_message(room: Room) -> None:
    asked = room.ask(ASKED)
    answer = await room.answer(asked)
    await room.settled()
    room.discord.edit(asked, f"@bot {BEES}")
    await room.until(lambda: "bees.md" in answer.content and is_whole(answer))
    assert room.since(asked) == [answer]
    await room.settled()
    await room.answer(room.ask("And in summer?"))
    before = [str(message["content"]) for message in room.model.chats[2].messages[1:-1]]
    assert BEES in before
    assert ASKED not in before


async def test_a_question_that_is_corrected_while_it_is_answered_is_answered_once(room: Room) -> None:
    room.model.enqueue(SLOW)
    asked = room.ask(ASKED)
    answer = await begun(room, asked)
    room.discord.edit(asked, f"@bot {BEES}")
    await room.until(lambda: "bees.md" in answer.content and is_whole(answer))
    await room.settled()
    assert room.since(asked) == [answer]
    async with asyncio.timeout(15):
        await room.model.chats[0].finished.wait()
    assert room.model.chats[0].cancelled


async def test_a_shorter_answer_leaves_nothing_of_a_longer_one(room: Room) -> None:
    room.model.enqueue(Text("Water tomatoes early [1].\n\n" + "They want six hours of sun a day. " * 160))
    asked = room.ask(ASKED)
    await room.answer(asked)
    assert len(room.since(asked)) > 2
    await room.settled()
    room.discord.edit(asked, f"@bot {BEES}")
    await room.until(lambda: len(room.since(asked)) == 1)
    assert "bees.md" in room.since(asked)[0].content


async def test_a_preview_that_appears_is_no_correction(room: Room) -> None:
    asked = room.ask(f"{ASKED} https://example.com/")
    await room.answer(asked)
    room.discord.unfurl(asked)
    room.discord.pin(asked)
    await room.settled()
    assert len(room.model.chats) == 1


async def test_a_mention_that_is_added_makes_a_question(room: Room) -> None:
    said = room.discord.say("alice", "general", ASKED)
    room.discord.edit(said, f"@bot {ASKED}")
    assert set(buttons(await room.answer(said))) == {"up", "down", "why"}


async def test_a_correction_long_afterwards_is_left_alone(room: Room) -> None:
    asked = room.discord.old(room.ask(ASKED), 0)
    await room.answer(asked)
    room.discord.old(asked, 3600)
    room.discord.edit(asked, f"@bot {BEES}")
    await room.settled()
    assert len(room.model.chats) <= 2

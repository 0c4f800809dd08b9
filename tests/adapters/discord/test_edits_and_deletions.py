"""Questions that are edited or deleted while they are answered, and afterwards."""

import asyncio

from tests.adapters.discord.harness import Harness, buttons, is_whole
from tests.adapters.garden import ASKED
from tests.servers.discord import Message
from tests.servers.openai import Text

BEES = "What do bees eat in winter?"
SLOW = Text("Water tomatoes early in the morning [1]. " * 40, tokens_per_second=30)


async def begun(harness: Harness, asked: Message) -> Message:
    """Wait for the first message of the answer."""
    found = await harness.until(lambda: harness.since(asked))
    return found[0]


async def test_deleting_a_question_deletes_its_unfinished_answer(harness: Harness) -> None:
    harness.model.enqueue(SLOW)
    asked = harness.ask(ASKED)
    answer = await begun(harness, asked)
    harness.discord.delete(asked)
    await harness.until(lambda: answer.deleted)
    await harness.settled()
    assert harness.since(asked) == []
    async with asyncio.timeout(15):
        await harness.model.chats[0].finished.wait()
    assert harness.model.chats[0].cancelled


async def test_bulk_deleted_questions_lose_their_unfinished_answers(harness: Harness) -> None:
    harness.model.enqueue(SLOW, SLOW)
    asked = [harness.ask(ASKED), harness.ask(BEES)]
    await harness.until(lambda: len(harness.since(asked[0])) >= 2 or len(harness.discord.said) >= 2)
    harness.discord.delete(*asked)
    await harness.until(lambda: not harness.discord.said)
    await harness.settled()
    assert harness.discord.said == []


async def test_a_finished_answer_stays_when_its_question_is_deleted(harness: Harness) -> None:
    asked = harness.ask(ASKED)
    answer = await harness.answer(asked)
    await harness.settled()
    harness.discord.delete(asked)
    await harness.settled()
    assert not answer.deleted


async def test_an_answer_deleted_by_a_moderator_is_not_rewritten(harness: Harness) -> None:
    harness.model.enqueue(SLOW)
    asked = harness.command(ASKED)
    answer = await harness.until(lambda: [one for one in harness.since(asked) if not one.loading])
    harness.discord.delete(answer[0])
    await harness.settled()
    assert harness.since(asked) == []
    async with asyncio.timeout(15):
        await harness.model.chats[0].finished.wait()
    assert harness.model.chats[0].cancelled


async def test_an_edited_question_is_answered_in_the_same_message(harness: Harness) -> None:
    asked = harness.ask(ASKED)
    answer = await harness.answer(asked)
    await harness.settled()
    harness.discord.edit(asked, f"@bot {BEES}")
    await harness.until(lambda: "bees.md" in answer.content and is_whole(answer))
    assert harness.since(asked) == [answer]
    await harness.settled()
    await harness.answer(harness.ask("And in summer?"))
    before = [str(message["content"]) for message in harness.model.chats[2].messages[1:-1]]
    assert BEES in before
    assert ASKED not in before


async def test_a_question_edited_during_its_answer_is_answered_once(harness: Harness) -> None:
    harness.model.enqueue(SLOW)
    asked = harness.ask(ASKED)
    answer = await begun(harness, asked)
    harness.discord.edit(asked, f"@bot {BEES}")
    await harness.until(lambda: "bees.md" in answer.content and is_whole(answer))
    await harness.settled()
    assert harness.since(asked) == [answer]
    async with asyncio.timeout(15):
        await harness.model.chats[0].finished.wait()
    assert harness.model.chats[0].cancelled


async def test_a_shorter_answer_to_an_edit_removes_the_longer_one(harness: Harness) -> None:
    harness.model.enqueue(Text("Water tomatoes early [1].\n\n" + "They want six hours of sun a day. " * 160))
    asked = harness.ask(ASKED)
    await harness.answer(asked)
    assert len(harness.since(asked)) > 2
    await harness.settled()
    harness.discord.edit(asked, f"@bot {BEES}")
    await harness.until(lambda: len(harness.since(asked)) == 1)
    assert "bees.md" in harness.since(asked)[0].content


async def test_link_previews_and_pins_are_not_edits(harness: Harness) -> None:
    asked = harness.ask(f"{ASKED} https://example.com/")
    await harness.answer(asked)
    harness.discord.unfurl(asked)
    harness.discord.pin(asked)
    await harness.settled()
    assert len(harness.model.chats) == 1


async def test_a_mention_added_by_an_edit_makes_a_question(harness: Harness) -> None:
    said = harness.discord.say("alice", "general", ASKED)
    harness.discord.edit(said, f"@bot {ASKED}")
    assert set(buttons(await harness.answer(said))) == {"up", "down", "why"}


async def test_a_late_edit_is_ignored(harness: Harness) -> None:
    asked = harness.discord.backdate(harness.ask(ASKED), 0)
    await harness.answer(asked)
    harness.discord.backdate(asked, 3600)
    harness.discord.edit(asked, f"@bot {BEES}")
    await harness.settled()
    assert len(harness.model.chats) <= 2

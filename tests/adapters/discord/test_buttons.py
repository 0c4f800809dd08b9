"""Buttons under an answer: ratings, reasons, explanations and retries, also after a restart."""

import pytest

from bot.app import Bot
from core.chat.texts import NOT_YOUR_QUESTION, QUESTION_UNKNOWN, REASON_OFFER, REASON_SAVED, THANKS
from core.errors import ModelAccessError
from tests.adapters.discord.harness import Harness, buttons, connected
from tests.adapters.garden import ASKED
from tests.servers.discord import DiscordServer, Interaction, Message
from tests.servers.loopback import Status
from tests.servers.openai import OpenAIServer, Text

BROKEN = Status(401)


def press(harness: Harness, message: Message, what: str, user: str = "alice") -> Interaction:
    return harness.discord.click(user, message, buttons(message)[what])


async def response_to(harness: Harness, pressed: Interaction) -> Message:
    """Wait for the response that only the user sees."""
    [response] = await harness.until(lambda: pressed.follow_ups)
    assert response.ephemeral_to is pressed.user
    return response


async def test_the_last_rating_of_each_person_counts(harness: Harness) -> None:
    answer = await harness.answer(harness.command(ASKED))
    assert (await response_to(harness, press(harness, answer, "down"))).content == REASON_OFFER
    assert (await response_to(harness, press(harness, answer, "up"))).content == THANKS
    assert (await response_to(harness, press(harness, answer, "up", "bob"))).content == THANKS
    await harness.settled()
    [rated] = await harness.bot.feedback.rated_answers(5)
    assert rated.stored.question.text == ASKED
    assert {vote.person.name: vote.rating for vote in rated.votes} == {"Alice": "up", "Bob": "up"}


async def test_a_thumbs_down_can_have_a_reason(harness: Harness) -> None:
    answer = await harness.answer(harness.ask(ASKED))
    offer = await response_to(harness, press(harness, answer, "down"))
    opened = press(harness, offer, "reason")
    await harness.until(lambda: opened.modal)
    sent = harness.discord.submit(opened, {"reason": "It is out of date."})
    assert (await response_to(harness, sent)).content == REASON_SAVED
    await harness.settled()
    [rated] = await harness.bot.feedback.rated_answers(5)
    assert [(vote.rating, vote.reason) for vote in rated.votes] == [("down", "It is out of date.")]


async def test_why_shows_how_the_answer_was_made(harness: Harness) -> None:
    answer = await harness.answer(harness.command(ASKED))
    why = await response_to(harness, press(harness, answer, "why", "bob"))
    for part in ("**Understood as**", ASKED, "**Answered from**", "Growing tomatoes on a balcony", "whole answer"):
        assert part in why.content


async def test_only_the_asker_can_retry_a_failed_answer_in_place(harness: Harness) -> None:
    harness.model.enqueue(BROKEN)
    asked = harness.command(ASKED)
    failed = await harness.answer(asked)
    assert ModelAccessError.user_message in failed.content
    assert list(buttons(failed)) == ["again"]
    assert (await response_to(harness, press(harness, failed, "again", "bob"))).content == NOT_YOUR_QUESTION
    press(harness, failed, "again")
    await harness.until(lambda: "up" in buttons(failed))
    assert ModelAccessError.user_message not in failed.content
    assert harness.since(asked)[0] is failed
    assert failed.content.startswith(f"> {ASKED}\n")
    assert len([one for one in harness.since(asked) if not one.ephemeral]) == 1


async def test_pressing_retry_twice_retries_once(harness: Harness) -> None:
    harness.model.enqueue(BROKEN, Text("Water tomatoes early [1]. " * 20, tokens_per_second=100))
    asked = harness.ask(ASKED)
    failed = await harness.answer(asked)
    press(harness, failed, "again")
    press(harness, failed, "again")
    await harness.until(lambda: "up" in buttons(failed))
    await harness.settled()
    assert len(harness.model.chats) == 2


@pytest.mark.parametrize("private", [False, True])
async def test_a_retry_replaces_the_failed_answer(harness: Harness, private: bool) -> None:
    harness.model.enqueue(BROKEN)
    failed = await harness.answer(harness.command(ASKED, private=private))
    pressed = press(harness, failed, "again")
    await harness.until(lambda: "up" in buttons(failed))
    assert failed.ephemeral_to is (pressed.user if private else None)
    assert harness.refused() == []


async def test_buttons_work_after_a_restart(discord: DiscordServer, model: OpenAIServer, bot: Bot) -> None:
    async with connected(discord, model, bot) as harness:
        whole = await harness.answer(harness.command(ASKED))
        model.enqueue(BROKEN)
        failed = await harness.answer(harness.command(ASKED, "random"))
    async with connected(discord, model, bot) as harness:
        assert (await response_to(harness, press(harness, whole, "up", "bob"))).content == THANKS
        press(harness, failed, "again")
        await harness.until(lambda: "up" in buttons(failed))


async def test_a_form_opened_before_a_restart_is_accepted_after_it(
    discord: DiscordServer, model: OpenAIServer, bot: Bot
) -> None:
    async with connected(discord, model, bot) as harness:
        answer = await harness.answer(harness.command(ASKED))
        opened = press(harness, await response_to(harness, press(harness, answer, "down")), "reason")
        await harness.until(lambda: opened.modal)
    async with connected(discord, model, bot) as harness:
        assert (
            await response_to(harness, discord.submit(opened, {"reason": "It misses the point."}))
        ).content == REASON_SAVED


async def test_a_forgotten_question_cannot_be_explained_or_rated(harness: Harness) -> None:
    answer = await harness.answer(harness.command(ASKED))
    harness.discord.slash("alice", "general", "forget")
    await harness.settled()
    assert (await response_to(harness, press(harness, answer, "why"))).content == QUESTION_UNKNOWN
    assert (await response_to(harness, press(harness, answer, "up"))).content == QUESTION_UNKNOWN

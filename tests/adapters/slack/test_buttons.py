"""Buttons under an answer: ratings, reasons, explanations and retries."""

import asyncio
import json
from typing import Any

import pytest

from bot.feedback_notices import FeedbackNotices
from tests.adapters.slack.harness import Room
from tests.servers.loopback import Status
from tests.servers.slack import Message, User


def written(message: Message) -> str:
    return message.text + json.dumps(message.blocks, ensure_ascii=False)


async def private(room: Room, user: User, words: str) -> Message:
    """A message that only this person sees, once it is there."""
    found: list[Message] = await room.until(
        lambda: [message for message in room.slack.ephemerals(user.id) if words in written(message)]
    )
    return found[-1]


def thumb(answer: Message, which: str) -> str:
    """The value of a thumb, as Slack sends it."""
    for block in answer.blocks:
        for element in block.get("elements", []):
            if element["type"] == "feedback_buttons":
                return str(element[which]["value"])
    raise AssertionError("no thumbs")


async def test_the_last_rating_of_each_person_counts(room: Room) -> None:
    answer = await room.answer(room.ask("What do bees eat in winter?"))
    for which in ("negative_button", "positive_button"):
        room.slack.click(room.slack.user, answer, "feedback", thumb(answer, which))
        await room.settled()
    room.slack.click(room.slack.admin, answer, "feedback", thumb(answer, "negative_button"))
    await room.settled()
    [judged] = await room.bot.feedback.rated_answers(10)
    assert sorted(vote.rating for vote in judged.votes) == ["down", "up"]
    assert judged.stored.question.text == "What do bees eat in winter?"


async def test_a_thumbs_down_can_have_a_reason(room: Room) -> None:
    answer = await room.answer(room.ask("What do bees eat in winter?"))
    room.slack.click(room.slack.user, answer, "feedback", thumb(answer, "negative_button"))
    offer = await private(room, room.slack.user, "what was wrong")
    room.slack.click(room.slack.user, offer, "reason")
    [modal] = await room.until(lambda: room.slack.views.of(room.slack.user.id))
    room.slack.submit(modal, {"reason": "It is out of date."})
    await private(room, room.slack.user, "Your feedback has been saved.")
    await room.settled()
    [judged] = await room.bot.feedback.rated_answers(10)
    assert [(vote.rating, vote.reason) for vote in judged.votes] == [("down", "It is out of date.")]


async def test_an_explanation_is_visible_only_to_the_user_who_requested_it(room: Room) -> None:
    asked = room.ask("What do bees eat in winter?")
    answer = await room.answer(asked)
    room.slack.click(room.slack.admin, answer, "why")
    short = await private(room, room.slack.admin, "This one fits best")
    assert "they stored in summer" in written(short)
    room.slack.click(room.slack.admin, short, "details")
    told = written(await private(room, room.slack.admin, "Understood as"))
    for words in ("What do bees eat in winter?", "meaning 1.00, words 1.00", "Answered from", "tokens", "whole answer"):
        assert words in told
    assert room.slack.ephemerals(room.slack.user.id) == []
    assert room.own(asked) == [answer]


@pytest.mark.parametrize("status", [401, 500])
async def test_a_retry_replaces_the_failed_answer(room: Room, status: int) -> None:
    room.model.enqueue(*[Status(status)] * (3 if status == 500 else 1))
    asked = room.ask("What do bees eat in winter?")
    failed = await room.answer(asked)
    assert "The language model" in written(failed)
    assert "Error code" not in written(failed)
    room.slack.click(room.slack.user, failed, "again")
    await room.until(lambda: "feedback_buttons" in written(failed))
    await room.settled()
    assert room.own(asked) == [failed]


async def test_the_eleventh_question_in_a_minute_is_refused_privately(room: Room) -> None:
    for _ in range(10):
        await room.answer(room.ask("What do bees eat in winter?"))
    asked = room.ask("And the eleventh?")
    told = await private(room, room.slack.user, "try again in")
    await room.settled()
    assert room.own(asked) == []
    assert "Try again" in written(told)


@pytest.mark.parametrize("text", ["", "Help"])
async def test_a_mention_without_a_question_gets_help_and_examples_to_press(room: Room, text: str) -> None:
    asked = room.ask(text)
    await room.until(lambda: room.own(asked))
    [greeting] = room.own(asked)
    assert "mention" in written(greeting)
    room.slack.click(room.slack.user, greeting, "example:0")
    await room.answer(asked)
    [question] = room.questions()
    assert question in written(greeting)


async def test_suggested_questions_come_from_the_posts_in_both_views(room: Room) -> None:
    direct = room.slack.open_app_home(room.slack.user)
    await room.until(lambda: room.slack.called("assistant.threads.setSuggestedPrompts"))
    [call] = room.slack.called("assistant.threads.setSuggestedPrompts")
    assert call.arguments["channel_id"] == direct.id
    titles: list[Any] = [prompt["message"] for prompt in call.arguments["prompts"]]
    assert "When should tomatoes be watered?" in titles
    assert not [title for title in titles if "about?" in title]
    assert len(titles) <= 4
    room.slack.start_assistant_thread(room.slack.user)
    await room.until(lambda: len(room.slack.called("assistant.threads.setSuggestedPrompts")) == 2)


async def test_an_answer_is_shared_once(room: Room) -> None:
    room.slack.slash(room.slack.user, room.slack.channel, "/ask", "What do bees eat in winter?")
    told = await private(room, room.slack.user, "Share in channel")
    for _ in range(2):
        room.slack.click(room.slack.user, told, "share")
    await room.settled()
    shared = [m for m in room.slack.messages(room.slack.channel.id) if "asked:" in written(m)]
    assert len(shared) == 1


async def test_only_the_person_who_asked_can_try_again(room: Room) -> None:
    room.model.enqueue(Status(401))
    asked = room.ask("What do bees eat in winter?")
    failed = await room.answer(asked)
    room.slack.click(room.slack.admin, failed, "again")
    await private(room, room.slack.admin, "Only the person who asked can retry this.")
    assert "feedback_buttons" not in written(failed)


async def test_a_question_that_is_too_long_offers_no_retry(room: Room) -> None:
    failed = await room.answer(room.ask("bees " * 900))
    assert "too long" in written(failed)
    assert "Try again" not in written(failed)


async def test_the_answer_to_an_example_says_what_was_asked(room: Room) -> None:
    asked = room.ask("")
    [greeting] = await room.until(lambda: room.own(asked))
    room.slack.click(room.slack.admin, greeting, "example:0")
    await room.answer(asked)
    _, question, _ = room.own(asked)
    [example] = room.questions()
    assert f"**ada asked:** {example}" in written(question)


async def test_forgetting_a_thread_says_how_to_go_on(room: Room) -> None:
    asked = room.ask("What do bees eat in winter?")
    await room.answer(asked)
    room.ask("forget", thread=asked)
    await room.until(lambda: len(room.own(asked)) == 2)
    assert "Mention me to ask something new here." in written(room.own(asked)[1])


async def test_a_direct_conversation_is_titled_with_its_first_question(room: Room) -> None:
    direct = room.slack.direct(room.slack.user)
    root = room.slack.start_assistant_thread(room.slack.user)
    for text in ("What do bees eat in winter?", "And how long do they live on it?"):
        await room.answer(room.ask(text, direct, root))
        await room.settled()
    assert list(room.slack.titles.values()) == ["What do bees eat in winter?"]


async def test_a_reason_reaches_the_feedback_channel_with_question_answer_and_passages(room: Room) -> None:
    channel = room.slack.add_channel("feedback", room.slack.bot, room.slack.admin)
    notices = FeedbackNotices(room.bot, [room.app], f"slack:{channel.id}", [0.01])
    answer = await room.answer(room.ask("What do bees eat in winter?"))
    room.slack.enqueue("chat.postMessage", Status(500))
    room.slack.click(room.slack.user, answer, "feedback", thumb(answer, "negative_button"))
    room.slack.click(room.slack.user, await private(room, room.slack.user, "what was wrong"), "reason")
    [modal] = await room.until(lambda: room.slack.views.of(room.slack.user.id))
    posting = asyncio.create_task(notices.run())
    room.slack.submit(modal, {"reason": "It is out of date, <!channel>."})
    [posted] = await room.until(lambda: room.slack.messages(channel.id))
    posting.cancel()
    told = written(posted)
    assert "👎 grace: It is out of date" in told
    assert "<!channel>" not in told
    for words in ("What do bees eat in winter?", "According to the posts", "(https://garden.example/bees.md)"):
        assert words in told

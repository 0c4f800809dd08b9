"""Buttons under an answer: ratings, reasons, explanations and retries."""

import json
from typing import Any

import pytest

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
    await room.settled()
    [judged] = await room.bot.feedback.rated_answers(10)
    assert [(vote.rating, vote.reason) for vote in judged.votes] == [("down", "It is out of date.")]


async def test_an_explanation_is_visible_only_to_the_user_who_requested_it(room: Room) -> None:
    asked = room.ask("What do bees eat in winter?")
    answer = await room.answer(asked)
    room.slack.click(room.slack.admin, answer, "why")
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
    assert "What is “Bees in winter” about?" in titles
    assert len(titles) <= 4
    room.slack.start_assistant_thread(room.slack.user)
    await room.until(lambda: len(room.slack.called("assistant.threads.setSuggestedPrompts")) == 2)

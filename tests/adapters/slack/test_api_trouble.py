"""An answer arrives once and complete, whatever Slack's API does."""

import json
from datetime import timedelta

import pytest

from adapters.slack.web_api import Timeouts
from bot.app import Bot
from tests.adapters.slack.harness import Room, entered, is_whole
from tests.servers.loopback import Slow, Status
from tests.servers.openai import OpenAIServer, Text
from tests.servers.slack import Dropped, Error, Late, Message, RateLimited, SlackServer, Twice

SENTENCE = "Bees live on honey [1]. "
SENTENCES = 30


def text_of(messages: list[Message]) -> str:
    """The answer's text, as people read it."""
    markdown = [[block["text"] for block in message.blocks if block["type"] == "markdown"] for message in messages]
    return "".join("".join(parts) or message.text for parts, message in zip(markdown, messages, strict=True))


@pytest.mark.parametrize(
    ("method", "trouble"),
    [
        *(("chat.startStream", each) for each in (RateLimited(1), Status(500), Dropped(False), Dropped(True))),
        *(("chat.appendStream", each) for each in (Slow(0.3), Status(500), Dropped(False), Dropped(True))),
        *(("chat.stopStream", each) for each in (RateLimited(1), Dropped(False), Dropped(True))),
    ],
)
async def test_an_answer_arrives_once_and_complete_when_an_api_call_fails(
    room: Room, method: str, trouble: object
) -> None:
    room.slack.enqueue(method, trouble)  # type: ignore[arg-type]
    room.model.enqueue(Text(SENTENCE * SENTENCES, tokens_per_second=200))
    asked = room.ask("What do bees eat in winter?")
    await room.answer(asked)
    await room.settled()
    assert room.slack.called(method)
    own = room.own(asked)
    assert text_of(own).count("Bees live on honey") == SENTENCES
    assert [is_whole(message) for message in own] == [True]
    assert not own[0].streaming


@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("chat.appendStream", "message_not_in_streaming_state"),
        ("chat.stopStream", "message_not_in_streaming_state"),
        ("chat.stopStream", "invalid_blocks"),
        ("chat.appendStream", "msg_too_long"),
        ("assistant.threads.setStatus", "method_not_supported_for_channel_type"),
        ("users.info", "missing_scope"),
    ],
)
async def test_an_answer_arrives_complete_when_slack_rejects_a_call(room: Room, method: str, error: str) -> None:
    room.slack.enqueue(method, Error(error))
    room.model.enqueue(Text(SENTENCE * SENTENCES, tokens_per_second=200))
    asked = room.ask("What do bees eat in winter?")
    await room.answer(asked)
    await room.settled()
    assert room.slack.called(method)
    assert text_of(room.own(asked)).count("Bees live on honey") == SENTENCES


async def test_a_question_gets_a_reaction_when_the_status_is_rejected(room: Room) -> None:
    room.slack.refuse("assistant.threads.setStatus", "not_allowed")
    room.model.enqueue(Text(SENTENCE * SENTENCES, tokens_per_second=200))
    asked = room.ask("What do bees eat in winter?")
    await room.until(lambda: "eyes" in asked.reactions)
    await room.answer(asked)
    await room.until(lambda: "eyes" not in asked.reactions)
    assert room.own(asked)


async def test_an_answer_grows_by_updates_when_streaming_is_rejected(room: Room) -> None:
    room.slack.refuse("chat.startStream", "not_allowed")
    room.model.enqueue(Text(SENTENCE * 60, tokens_per_second=120))
    asked = room.ask("What do bees eat in winter?")
    await room.answer(asked)
    [message] = room.own(asked)
    assert text_of([message]).count("Bees live on honey") == 60
    assert 2 <= message.edits <= 12
    room.ask("What do bees eat in winter?")
    await room.settled()
    assert len(room.slack.called("chat.startStream")) == 1, "the refusal is remembered"


async def test_a_long_answer_spans_messages_with_its_sources_in_the_last(room: Room) -> None:
    block = "Bees live on honey [1]. " * 30 + "\n\n```python\n" + "print('honey')\n" * 12 + "```"
    text = "\n\n".join([block] * 36)
    room.model.enqueue(Text(text, pieces=[text[at : at + 400] for at in range(0, len(text), 400)]))
    asked = room.ask("What do bees eat in winter?")
    await room.answer(asked)
    await room.settled()
    own = room.own(asked)
    assert len(own) > 3
    assert [is_whole(message) for message in own] == [False] * (len(own) - 1) + [True]
    assert text_of(own).count("Bees live on honey") == 36 * 30
    assert all(text_of([message]).count("```") % 2 == 0 for message in own)
    assert [("Sources" in json.dumps(message.blocks)) for message in own] == [False] * (len(own) - 1) + [True]


async def test_an_answer_moves_to_the_next_message_before_its_stream_expires(
    slack: SlackServer, model: OpenAIServer, bot: Bot
) -> None:
    slack.rules.stream_lifetime = 8
    model.enqueue(Text(SENTENCE * 100, tokens_per_second=300))
    async with entered(slack, model, bot, Timeouts(stream_for=timedelta(seconds=0.5))) as room:
        asked = room.ask("What do bees eat in winter?")
        await room.answer(asked)
        await room.settled()
        own = room.own(asked)
    assert len(own) > 1
    assert " ".join(map(text_of, ([message] for message in own))).count("Bees live on honey") == 100
    assert [is_whole(message) for message in own] == [False] * (len(own) - 1) + [True]
    assert all(message.edits == 0 for message in own), "no stream had expired"


async def test_an_expired_stream_continues_by_updates(room: Room) -> None:
    room.slack.rules.stream_lifetime = 1.5
    room.model.enqueue(Text(SENTENCE * 60, tokens_per_second=120))
    asked = room.ask("What do bees eat in winter?")
    await room.answer(asked)
    [message] = room.own(asked)
    assert text_of([message]).count("Bees live on honey") == 60


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        ("not_in_channel", "invite me"),
        ("restricted_action_read_only_channel", "An admin can change who can post there."),
        ("missing_scope", "Slack does not let me write there (missing_scope)."),
        ("odd_refusal", "Slack does not let me write there (odd_refusal)."),
    ],
)
@pytest.mark.parametrize("text", ["What do bees eat in winter?", ""], ids=["question", "greeting"])
async def test_an_asker_whose_channel_the_bot_cannot_write_in_gets_a_direct_message(
    room: Room, error: str, remedy: str, text: str
) -> None:
    room.slack.channel.restricted = error
    asked = room.ask(text)
    direct = room.slack.direct(room.slack.user)
    [told] = await room.until(lambda: room.slack.messages(direct.id))
    assert "You asked me in" in told.text
    assert remedy in told.text
    assert room.own(asked) == []
    room.slack.channel.restricted = None
    assert (await room.answer(room.ask("What do bees eat in winter?"))).streamed


async def test_a_question_delivered_twice_late_or_out_of_order_is_answered_once(room: Room) -> None:
    room.slack.deliveries.enqueue(Twice(), Late(0.3), Late(0.2), Twice())
    asked = [room.ask("What do bees eat in winter?") for _ in range(4)]
    for each in asked:
        await room.answer(each)
    await room.settled()
    assert [len(room.own(each)) for each in asked] == [1, 1, 1, 1]
    assert len(room.model.chats) == 4

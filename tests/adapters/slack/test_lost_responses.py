"""Lost requests and responses of Slack's API: no text is repeated or missing."""

from time import monotonic
from typing import Any

import pytest

from tests.adapters.slack.harness import Room, is_whole, read
from tests.servers.loopback import Slow, Status
from tests.servers.openai import Text
from tests.servers.slack import Dropped, Error, Message, Ordinary, RateLimited

SENTENCE = "Bees live on honey [1]. "
SENTENCES = 30


def text_of(messages: list[Message]) -> str:
    return "".join(map(read, messages))


@pytest.mark.parametrize(
    ("method", "trouble"),
    [
        *(("chat.postMessage", each) for each in (RateLimited(1), Status(500), Dropped(False), Dropped(True))),
        *(("chat.update", each) for each in (RateLimited(1), Slow(0.3), Dropped(False), Dropped(True))),
    ],
)
async def test_an_answer_without_streaming_arrives_once_and_complete_when_an_api_call_fails(
    room: Room, method: str, trouble: Any
) -> None:
    room.slack.refuse("chat.startStream", "not_allowed")
    room.slack.enqueue(method, trouble)
    room.model.enqueue(Text(SENTENCE * SENTENCES, tokens_per_second=200))
    asked = room.ask("What do bees eat in winter?")
    await room.answer(asked)
    await room.settled()
    assert room.slack.called(method)
    [message] = room.own(asked)
    assert text_of([message]).count("Bees live on honey") == SENTENCES


@pytest.mark.parametrize(
    ("method", "trouble"),
    [
        *(("assistant.threads.setStatus", each) for each in (RateLimited(1), Status(500), Dropped(True))),
        *(("users.info", each) for each in (RateLimited(1), Status(500), Dropped(False))),
        *(("reactions.add", each) for each in (Status(500), Slow(0.3), Dropped(True))),
        ("chat.startStream", Dropped(True)),
    ],
)
async def test_a_short_answer_arrives_once_when_an_earlier_api_call_fails(
    room: Room, method: str, trouble: Any
) -> None:
    if method == "reactions.add":
        room.slack.refuse("assistant.threads.setStatus", "not_allowed")
    room.slack.enqueue(method, trouble)
    asked = room.ask("What do bees eat in winter?")
    await room.answer(asked)
    await room.settled()
    assert room.slack.called(method)
    [message] = room.own(asked)
    assert text_of([message]).count("According to the posts") == 1
    assert room.slack.status(asked.channel, asked.ts) == ""
    assert asked.reactions == {}


async def test_an_answer_does_not_wait_for_a_slow_status(room: Room) -> None:
    room.slack.enqueue("assistant.threads.setStatus", Slow(3))
    began = monotonic()
    asked = room.ask("What do bees eat in winter?")
    await room.answer(asked)
    assert monotonic() - began < 3
    await room.settled()
    assert room.slack.status(asked.channel, asked.ts) == ""


@pytest.mark.parametrize("after", [False, True])
async def test_a_lost_response_to_the_second_message_neither_loses_nor_repeats_text(room: Room, after: bool) -> None:
    room.slack.enqueue("chat.startStream", Ordinary(), Dropped(after))
    text = "\n\n".join([SENTENCE * 40] * 8)
    pieces = [text[at : at + 50] for at in range(0, len(text), 50)]
    room.model.enqueue(Text(text, pieces=pieces, tokens_per_second=100))
    asked = room.ask("What do bees eat in winter?")
    await room.answer(asked)
    await room.settled()
    own = room.own(asked)
    assert len(own) > 1
    assert text_of(own).count("Bees live on honey") == 320
    assert [is_whole(message) for message in own] == [False] * (len(own) - 1) + [True]


async def test_a_lost_response_does_not_mix_up_two_answers_in_a_thread(room: Room) -> None:
    root = room.ask("What a day!", mention=False)
    room.model.enqueue(Text("Bees live on honey [1]. " * 20, tokens_per_second=60))
    room.ask("What do bees eat in winter?", thread=root)
    await room.until(lambda: room.own(root))
    room.slack.enqueue("chat.startStream", Dropped(after=True))
    room.model.enqueue(Text("Compost takes nine months [1]. " * 20, tokens_per_second=200))
    room.ask("How long does compost take?", thread=root)
    await room.until(lambda: len(room.answers(root)) == 2)
    await room.settled()
    texts = sorted(text_of([message]) for message in room.own(root))
    assert [(text.count("Bees"), text.count("Compost")) for text in texts] == [(20, 0), (0, 20)]


async def test_a_lost_response_does_not_lose_the_answer_where_the_bot_cannot_read(room: Room) -> None:
    room.slack.refuse("conversations.replies", "missing_scope")
    room.slack.enqueue("chat.startStream", Dropped(after=False))
    answer = await room.answer(room.ask("What do bees eat in winter?"))
    assert text_of([answer]).count("According to the posts") == 1


async def test_rejected_blocks_do_not_shorten_the_answer(room: Room) -> None:
    room.slack.refuse("chat.startStream", "not_allowed")
    room.slack.enqueue("chat.update", *[Error("invalid_blocks")] * 3)
    text = SENTENCE * 300
    room.model.enqueue(Text(text, pieces=[text[:100], text[100:]], tokens_per_second=1))
    asked = room.ask("What do bees eat in winter?")
    await room.until(lambda: text_of(room.own(asked)).count("Bees live on honey") >= 100)
    await room.settled()
    assert text_of(room.own(asked)).count("Bees live on honey") == 300


async def test_streaming_continues_for_later_answers_after_one_stream_is_rejected(room: Room) -> None:
    room.slack.enqueue("chat.startStream", Error("user_not_found"), Error("user_not_found"))
    first = await room.answer(room.ask("What do bees eat in winter?"))
    second = await room.answer(room.ask("What do bees eat in winter?"))
    assert (first.streamed, second.streamed) == (False, True)


async def test_a_private_answer_arrives_when_its_response_url_is_used_up(room: Room) -> None:
    room.slack.rules.response_url_uses = 0
    room.slack.slash(room.slack.user, room.slack.channel, "/ask", "What do bees eat in winter?")

    def answers() -> list[Message]:
        return [message for message in room.slack.ephemerals(room.slack.user.id) if is_whole(message)]

    await room.until(answers)
    [answer] = answers()
    assert text_of([answer]).count("According to the posts") == 1

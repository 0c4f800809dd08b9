"""What stands above a question, and what it forwards, belongs to it."""

from typing import Any

import pytest

from tests.adapters.slack.harness import Room
from tests.servers.slack import Message

ALERT = [{"id": 1, "title": "ALERT: heap is hot", "text": "Sensor 2 has been above 65 degrees.", "fallback": "Heap"}]
BLOCKS = [
    {"type": "header", "text": {"type": "plain_text", "text": "Bee house is empty"}},
    {"type": "section", "text": {"type": "mrkdwn", "text": "No *movement* since Monday."}},
    {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Silence"}}]},
]
FIELDS = [{"fallback": "x", "fields": [{"title": "Honey", "value": "3 kg"}]}]


def post_as_monitor(room: Room, **fields: Any) -> Message:
    slack = room.slack
    monitor = slack.add_user("monitor", is_bot=True)
    message = slack.say_as_bot(monitor, slack.channel, "", legacy=True)
    message.blocks = fields.get("blocks", [])
    message.attachments = fields.get("attachments", [])
    message.user, message.options = "", {"username": "Garden monitor"}
    return message


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"attachments": ALERT}, ["ALERT: heap is hot", "Sensor 2 has been above 65 degrees."]),
        ({"blocks": BLOCKS}, ["Bee house is empty", "No movement since Monday."]),
        ({"attachments": FIELDS}, ["Honey: 3 kg"]),
    ],
    ids=["attachment", "blocks", "fields"],
)
async def test_an_alert_of_another_app_above_belongs_to_the_question(
    room: Room, fields: dict[str, Any], expected: list[str]
) -> None:
    root = post_as_monitor(room, **fields)
    await room.answer(room.ask("what do bees eat in winter and what does this mean?", thread=root))
    turns = "\n".join(message["content"] for message in room.model.chats[-1].messages)
    assert "Garden monitor: " in turns
    assert [words for words in expected if words not in turns] == []
    assert "Silence" not in turns


async def test_a_forwarded_message_belongs_to_the_question(room: Room) -> None:
    forwarded = {
        "is_msg_unfurl": True,
        "is_share": True,
        "author_name": "Grace",
        "text": "They shiver in a cluster.",
        "fallback": "x",
    }
    for text in ("what do bees eat in winter, as this says?", ""):
        slack = room.slack
        asked = Message(slack.store.ts(), slack.channel.id, slack.team.id, slack.user.id, f"{room.me} {text}")
        asked.attachments = [forwarded]
        slack._publish(asked, slack.channel)
        await room.answer(asked)
        turns = "\n".join(message["content"] for message in room.model.chats[-1].messages)
        assert "Grace: They shiver in a cluster." in turns

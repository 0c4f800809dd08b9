"""Interactions as they are stored for other processes."""

from adapters.discord.interactions import UserInteraction, read_payload, to_payload
from adapters.discord.message_sender import ReplyTarget

TARGET = ReplyTarget("1", "2", "3", token="secret", token_expires_at=1_800_000_000.5, deferred=True)
INTERACTION = UserInteraction("9", "ask", TARGET, "Alice", admin=True, subject="Why?", options={"force": False})
STORED_BY_EARLIER_VERSIONS = {
    "id": "9",
    "act": "ask",
    "place": {
        "channel": "1",
        "user": "2",
        "guild": "3",
        "parent": "",
        "question": "",
        "application": "",
        "original": "",
        "token": "secret",
        "until": 1_800_000_000.5,
        "promised": True,
        "private": False,
        "writable": True,
    },
    "user_name": "Alice",
    "admin": True,
    "subject": "Why?",
    "message": "",
    "version": "",
    "options": {"force": False},
}


def test_an_interaction_is_stored_under_the_names_of_earlier_versions() -> None:
    assert to_payload(INTERACTION) == STORED_BY_EARLIER_VERSIONS | {"locale": "", "by_command": False}
    assert read_payload(STORED_BY_EARLIER_VERSIONS) == INTERACTION

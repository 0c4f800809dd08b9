"""Parsing of Slack's events into received, edited and deleted messages and clicks."""

from typing import Any

import pytest

from adapters.slack.events import MessageDeleted, MessageEdited, MessageReceived, parse_click, parse_event
from adapters.slack.identity import BotIdentity
from core.domain import Conversation
from tests.adapters.conftest import Logged
from tests.adapters.slack.harness import Room
from tests.servers.slack import callback

ME = BotIdentity(user="U0BOT", bot="B0BOT", team="T1")
TS = "1700000000.000100"
EDITED = "1700000060.000000"
LATE = "1700000601.000000"
ROOT = "1699999999.000000"


def message(**fields: Any) -> dict[str, Any]:
    """Return a person's message as in an event; None removes a field."""
    usual = {"type": "message", "user": "U1", "ts": TS, "text": "<@U0BOT> why?", "team": "T1", "client_msg_id": "x"}
    return {name: value for name, value in (usual | fields).items() if value is not None}


def event(**fields: Any) -> dict[str, Any]:
    return {"team_id": "T1", "event_id": "Ev1", "event": message(channel="C1", channel_type="channel") | fields}


def changed(now: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    inner = {"type": "message", "subtype": "message_changed", "channel": "C1", "channel_type": "channel", "ts": EDITED}
    return {"team_id": "T1", "event_id": "Ev1", "event": inner | {"message": now, "previous_message": before}}


SAID = MessageReceived("T1", "C1", "U1", TS, "<@U0BOT> why?", kind="channel", user_team="T1")
BY = {"edited": {"user": "U1", "ts": EDITED}}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, {}),
        ({"type": "app_mention", "channel_type": ""}, {"kind": ""}),
        ({"channel": "D1", "channel_type": "im"}, {"channel": "D1", "kind": "im"}),
        ({"channel_type": "mpim"}, {"kind": "mpim"}),
        ({"thread_ts": ROOT}, {"thread_ts": ROOT}),
        ({"thread_ts": TS}, {"thread_ts": ""}),
        ({"subtype": "thread_broadcast", "thread_ts": ROOT}, {"thread_ts": ROOT}),
        ({"subtype": "file_share"}, {}),
        ({"subtype": "me_message"}, {}),
        ({"text": ""}, {"text": ""}),
        ({"user_team": "T2"}, {"user_team": "T2"}),
    ],
)
def test_messages_of_people_are_received(fields: dict[str, Any], said: dict[str, Any]) -> None:
    usual = {name: getattr(SAID, name) for name in ("team", "channel", "user", "ts", "text", "thread_ts", "kind")}
    assert parse_event(event(**fields), ME) == MessageReceived(**(usual | said))


@pytest.mark.parametrize(
    "fields",
    [
        {"user": "U0BOT"},
        {"user": "U0BOT", "bot_id": "B0BOT"},
        {"user": "U9", "bot_id": "B9"},
        {"user": "U9", "bot_profile": {"id": "B9"}},
        {"subtype": "bot_message", "bot_id": "B9"},
        {"user": "USLACKBOT"},
        {"user": ""},
        *({"subtype": subtype} for subtype in ("channel_join", "channel_leave", "channel_topic", "channel_name")),
        *({"subtype": subtype} for subtype in ("pinned_item", "reminder_add", "message_replied", "tombstone")),
        {"subtype": "assistant_app_thread"},
        {"edited": {"user": "U1", "ts": LATE}},
    ],
)
def test_messages_of_bots_and_notices_of_slack_are_ignored(fields: dict[str, Any]) -> None:
    assert parse_event(event(**fields), ME) is None


@pytest.mark.parametrize(
    ("now", "before", "meaning"),
    [
        (message(text="<@U0BOT> how?", **BY), message(), "corrected"),
        (message(text="<@U0BOT> how?", edited={"user": "U1", "ts": LATE}), message(), None),
        (message(attachments=[{"title": "A page"}]), message(), None),  # a preview
        (message(attachments=[{"title": "A page"}], **BY), message(**BY), None),  # a preview after an edit
        (message(**BY), message(), None),  # the mark of an edit, and the same words
        (message(reply_count=1, thread_ts=TS), message(), None),  # somebody answered in its thread
        (message(text="more", bot_id="B9", **BY), message(bot_id="B9"), None),
        (message(text="more", user="U0BOT", **BY), message(user="U0BOT"), None),
        (message(subtype="tombstone", user="USLACKBOT", text="This message was deleted."), message(), "taken back"),
    ],
)
def test_changes_other_than_a_persons_edits_and_deletions_are_ignored(
    now: dict[str, Any], before: dict[str, Any], meaning: str | None
) -> None:
    found = parse_event(changed(now, before), ME)
    match meaning:
        case "corrected":
            assert found == MessageEdited(
                MessageReceived("T1", "C1", "U1", TS, "<@U0BOT> how?", kind="channel"), EDITED
            )
        case "taken back":
            assert found == MessageDeleted("T1", "C1", TS)
        case _:
            assert found is None


def test_both_events_of_an_edited_mention_count_as_one_edit() -> None:
    mention = parse_event(event(type="app_mention", text="<@U0BOT> how?", **BY), ME)
    change = parse_event(changed(message(text="<@U0BOT> how?", **BY), message()), ME)
    assert isinstance(mention, MessageEdited)
    assert isinstance(change, MessageEdited)
    assert mention.name == change.name == f"T1:C1:{TS}:{EDITED}"


def test_a_deletion_refers_to_the_deleted_message() -> None:
    inner = {"type": "message", "subtype": "message_deleted", "channel": "C1", "deleted_ts": TS, "ts": EDITED}
    found = parse_event({"team_id": "T1", "event": inner}, ME)
    assert found == MessageDeleted("T1", "C1", TS)
    assert found.name == SAID.name


@pytest.mark.parametrize(
    ("fields", "thread"),
    [
        ({}, TS),
        ({"thread_ts": ROOT}, ROOT),
        ({"channel": "D1", "kind": "im"}, ""),
        ({"channel": "D1", "kind": "im", "thread_ts": ROOT}, ""),
        ({"kind": "mpim"}, TS),
    ],
)
def test_a_thread_is_one_conversation_and_so_are_all_direct_messages(fields: dict[str, Any], thread: str) -> None:
    said = MessageReceived(**({"team": "T1", "channel": "C1", "user": "U1", "ts": TS, "text": "why?"} | fields))
    assert said.conversation == Conversation("slack", said.channel, "T1", thread)


@pytest.mark.parametrize(
    ("text", "mentioned"),
    [("<@U0BOT> why?", True), ("why, <@U0BOT|footnoted>?", True), ("<@U0BOT2> why?", False), ("@footnoted", False)],
)
def test_only_a_mention_of_the_bot_counts(text: str, mentioned: bool) -> None:
    assert ME.is_mentioned(text) is mentioned


def test_clicks_on_private_and_public_messages_are_parsed() -> None:
    payload: dict[str, Any] = {
        "actions": [{"action_id": "example:2", "value": "Why?", "type": "button"}],
        "user": {"id": "U1", "team_id": "T1"},
        "team": {"id": "T1"},
        "container": {"message_ts": TS, "channel_id": "C1", "is_ephemeral": True, "thread_ts": ROOT},
        "trigger_id": "1.2",
        "response_url": "https://hooks.example/1",
    }
    click = parse_click(payload, ME)
    assert (click.action, click.value, click.user, click.team, click.channel) == ("example", "Why?", "U1", "T1", "C1")
    assert (click.message_ts, click.thread_ts, click.ephemeral) == (TS, ROOT, True)
    public = payload | {
        "container": {"type": "message"},
        "channel": {"id": "C1"},
        "message": {"ts": TS, "thread_ts": ROOT},
        "team": None,
    }
    click = parse_click(public, ME)
    assert (click.team, click.channel, click.message_ts, click.thread_ts) == ("T1", "C1", TS, ROOT)
    assert click.ephemeral is False


async def test_payloads_of_unknown_kinds_are_acknowledged_and_logged_once(room: Room, logged: Logged) -> None:
    slack = room.slack
    installation = slack.installed(slack.channel.team)
    assert installation
    person: dict[str, Any] = {"id": slack.user.id, "team_id": slack.team.id}
    deliveries = []
    for _ in range(2):
        zebra = callback({"type": "zebra_crossed", "event_ts": TS, "zebras": [{}, None]}, installation)
        deliveries.append(slack.deliver("events_api", zebra))
        odd = callback({"type": "message", "channel": {"id": 7}, "text": 7, "ts": None}, installation)
        deliveries.append(slack.deliver("events_api", odd))
        shared = {"user": person, "team": {"id": slack.team.id}, "trigger_id": "1.2", "token": "x"}
        press = {"type": "block_actions", "actions": [{"action_id": "zebra", "block_id": "b", "type": "button"}]}
        deliveries.append(slack.deliver("interactive", shared | press))
        deliveries.append(slack.deliver("interactive", shared | {"type": "shortcut", "callback_id": "zebra"}))
    await room.until(lambda: all(delivery.acknowledged for delivery in deliveries))
    kinds = [line["kind"] for line in logged if line["event"] == "unknown Slack payload"]
    assert sorted(kinds) == ["block_actions", "event zebra_crossed", "shortcut"]
    assert await room.answer(room.ask("What do bees eat in winter?"))

"""Events API payloads, and the subscription and scope that each event needs."""

import re
import time
from collections.abc import Iterator

from tests.servers.slack.calls import Installation
from tests.servers.slack.objects import Channel, Json, Message, Store, new_id
from tests.servers.slack.payloads import message_payload

CHANNEL_TYPE = {"channel": "channel", "group": "group", "im": "im", "mpim": "mpim"}
SUBSCRIPTION = {"channel": "message.channels", "group": "message.groups", "im": "message.im", "mpim": "message.mpim"}
SCOPE = {"channel": "channels:history", "group": "groups:history", "im": "im:history", "mpim": "mpim:history"}
SCOPES = {"app_mention": "app_mentions:read", "reaction_added": "reactions:read", "reaction_removed": "reactions:read",
          "assistant_thread_started": "assistant:write"}  # fmt: skip
TOKEN = re.compile(r"<(?P<kind>[@#!]?)(?P<what>[^>|]+)(?:\|(?P<label>[^>]*))?>")


def subscription_of(event: Json, channel: Channel | None) -> str:
    """Return the name of the subscription that includes the event."""
    if event["type"] == "message" and channel:
        return SUBSCRIPTION[channel.kind]
    return str(event["type"])


def scope_of(event: Json, channel: Channel | None) -> str | None:
    """Return the scope that the event requires."""
    if event["type"] == "message" and channel:
        return SCOPE[channel.kind]
    return SCOPES.get(event["type"])


def callback(event: Json, installation: Installation) -> Json:
    """Wrap an event in the outer `event_callback`."""
    channel = event.get("channel", "")
    authorization = {"enterprise_id": None, "team_id": installation.team, "user_id": installation.bot.id}
    return {
        "token": "verification-token",
        "team_id": installation.team,
        "context_team_id": installation.team,
        "context_enterprise_id": None,
        "api_app_id": installation.app.id,
        "event": event,
        "type": "event_callback",
        "event_id": new_id("Ev"),
        "event_time": int(time.time()),
        "authorizations": [authorization | {"is_bot": True, "is_enterprise_install": False}],
        "is_ext_shared_channel": False,
        "event_context": f"4-{installation.team}-{installation.app.id}-{channel or 'none'}",
    }


def message_event(store: Store, message: Message, channel: Channel) -> Json:
    event = message_payload(message) | {"channel": channel.id, "event_ts": message.ts}
    if message.is_reply and (root := store.message(channel.id, message.root)):
        event["parent_user_id"] = root.user
    return event | {"channel_type": CHANNEL_TYPE[channel.kind]}


def mention_event(store: Store, message: Message, channel: Channel) -> Json:
    """Return the `app_mention` event of a message; it has no channel type."""
    event = message_event(store, message, channel) | {"type": "app_mention"}
    del event["channel_type"]
    return event


def message_changed(store: Store, message: Message, before: Json, channel: Channel) -> Json:
    """Return the event of an edited or unfurled message."""
    event = _hidden(store, "message_changed", channel)
    return event | {"message": message_payload(message), "previous_message": before}


def message_deleted(store: Store, message: Message, before: Json, channel: Channel) -> Json:
    """Return the event of a deleted message. A root with replies becomes a tombstone, which is a `message_changed`."""
    if not [m for m in store.thread(channel.id, message.ts) if m is not message]:
        event = _hidden(store, "message_deleted", channel)
        return event | {"deleted_ts": message.ts, "previous_message": before}
    tomb: Json = {"type": "message", "subtype": "tombstone", "text": "This message was deleted.", "user": "USLACKBOT"}
    tomb |= {"hidden": True, "ts": message.ts, "thread_ts": message.ts}
    return _hidden(store, "message_changed", channel) | {"message": tomb, "previous_message": before}


def _hidden(store: Store, subtype: str, channel: Channel) -> Json:
    ts = store.ts()
    event = {"type": "message", "subtype": subtype, "hidden": True, "channel": channel.id, "ts": ts, "event_ts": ts}
    return event | {"channel_type": CHANNEL_TYPE[channel.kind]}


def rich_text(text: str) -> list[Json]:
    """Return the blocks that Slack sends for typed text."""
    section = {"type": "rich_text_section", "elements": list(_rich_elements(text))}
    return [{"type": "rich_text", "block_id": new_id("", 5), "elements": [section]}]


def _rich_elements(text: str) -> Iterator[Json]:
    end = 0
    for found in TOKEN.finditer(text):
        if found.start() > end:
            yield {"type": "text", "text": unescaped(text[end : found.start()])}
        end, what = found.end(), found["what"]
        match found["kind"]:
            case "@":
                yield {"type": "user", "user_id": what}
            case "#":
                yield {"type": "channel", "channel_id": what}
            case "!":
                yield {"type": "broadcast", "range": what}
            case _:
                yield {"type": "link", "url": what} | ({"text": found["label"]} if found["label"] else {})
    if end < len(text):
        yield {"type": "text", "text": unescaped(text[end:])}


def unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")

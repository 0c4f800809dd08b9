"""chat.postMessage, chat.update, chat.delete and chat.postEphemeral."""

import re
from typing import Any

from tests.servers.slack.blocks import check_blocks, with_ids
from tests.servers.slack.calls import ApiError, Call, Installation
from tests.servers.slack.events import message_changed, message_deleted, message_event
from tests.servers.slack.objects import Channel, Json, Message
from tests.servers.slack.payloads import message_payload
from tests.servers.slack.platform import Method, Methods, Platform
from tests.servers.slack.requests import channel_of

LONGEST_TEXT, LONGEST_UPDATE, LONGEST_MARKDOWN = 40_000, 4_000, 12_000
TS = re.compile(r"\d+\.\d+")
LOOKS = ("icon_emoji", "icon_url", "link_names", "mrkdwn", "parse", "reply_broadcast", "unfurl_links", "unfurl_media")


def post_message(slack: Platform, call: Call) -> Json:
    channel = postable_channel(slack, call)
    content = content_of(call)
    message = new_message(slack, call.by, channel, content, thread_of(slack, channel, call.arguments.get("thread_ts")))
    message.options = options_of(call)
    publish(slack, message, channel)
    return {"channel": channel.id, "ts": message.ts, "message": message_payload(message, metadata=True)}


def post_ephemeral(slack: Platform, call: Call) -> Json:
    channel = postable_channel(slack, call)
    user = str(call.arguments["user"])
    if user not in channel.members:
        raise ApiError("user_not_in_channel")
    content = content_of(call)
    thread = thread_of(slack, channel, call.arguments.get("thread_ts"))
    message = new_message(slack, call.by, channel, content, thread)
    message.ephemeral_to = user
    slack.store.messages.append(message)
    return {"message_ts": message.ts}


def update(slack: Platform, call: Call) -> Json:
    channel = channel_of(slack, call)
    message = own_message(slack, call, channel, "cant_update_message")
    if channel.archived:
        raise ApiError("is_inactive")
    if message.streaming:
        raise ApiError("streaming_state_conflict")
    content = content_of(call, longest=LONGEST_UPDATE)
    before = message_payload(message)
    given = call.arguments
    if "text" in given or "markdown_text" in given:
        message.show(content["text"])
    if content["blocks"] or "text" in given or "markdown_text" in given:
        message.blocks = content["blocks"]
    if "attachments" in given:
        message.attachments = content["attachments"]
    if "metadata" in given:
        message.metadata = content["metadata"] or None
    message.edits += 1
    if not content["blocks"]:  # Slack shows "(edited)" under texts alone
        message.edited = {"user": call.by.bot.id, "ts": slack.store.ts()}
    slack.dispatch(message_changed(slack.store, message, before, channel), channel.team, channel)
    text, shape = message.text, message_payload(message, metadata=True)
    return {"channel": channel.id, "ts": message.ts, "text": text, "message": shape}


def delete(slack: Platform, call: Call) -> Json:
    channel = channel_of(slack, call)
    message = own_message(slack, call, channel, "cant_delete_message")
    remove_message(slack, message, channel)
    return {"channel": channel.id, "ts": message.ts}


# Shared with streams, response URLs and users.


def postable_channel(slack: Platform, call: Call) -> Channel:
    """Return the channel to post to, given a channel's id or name or a user's id."""
    wanted = str(call.arguments.get("channel", ""))
    user = slack.store.users.get(wanted)
    if user and user.team == call.by.team:
        call.arguments["channel"] = slack.store.direct((user.id, call.by.bot.id), user.team).id
    elif wanted not in slack.store.channels:
        named = (c for c in slack.store.channels.values() if c.kind == "channel" and c.team == call.by.team)
        call.arguments["channel"] = next((c.id for c in named if c.name == wanted.removeprefix("#")), wanted)
    channel = channel_of(slack, call)
    check_postable(channel, call.by)
    return channel


def check_postable(channel: Channel, by: Installation) -> None:
    if channel.archived:
        raise ApiError("is_archived")
    if by.bot.id not in channel.members and "chat:write.public" not in by.scopes:
        raise ApiError("not_in_channel")
    if channel.restricted:
        raise ApiError(channel.restricted)


def content_of(call: Call, *, longest: int = LONGEST_TEXT) -> Json:
    """Return the content to show. Truncate text beyond the maximum in a post; refuse it in an update."""
    given = call.arguments
    text, markdown = given.get("text") or "", given.get("markdown_text")
    if markdown is not None:
        if text or given.get("blocks"):
            raise ApiError("markdown_text_conflict")
        if len(markdown) > LONGEST_MARKDOWN:
            raise ApiError("msg_too_long")
        text, longest = markdown, LONGEST_MARKDOWN
    if len(text) > longest and longest == LONGEST_UPDATE:
        raise ApiError("msg_too_long")
    blocks, attachments = with_ids(check_blocks(given.get("blocks"))), given.get("attachments") or []
    if len(attachments) > 100:
        raise ApiError("too_many_attachments")
    if not text.strip() and not blocks and not attachments:
        raise ApiError("no_text")
    metadata = metadata_of(given.get("metadata"))
    return {"text": text[:longest], "blocks": blocks, "attachments": attachments, "metadata": metadata}


def metadata_of(metadata: Any) -> Json | None:
    if not metadata:
        return None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_payload"), dict):
        raise ApiError("invalid_metadata_format")
    if not isinstance(metadata.get("event_type"), str):
        raise ApiError("invalid_metadata_schema")
    return metadata


def options_of(call: Call) -> Json:
    options = {name: call.arguments[name] for name in LOOKS if name in call.arguments}
    if "username" in call.arguments and "chat:write.customize" in call.by.scopes:
        options["username"] = call.arguments["username"]
    return options


def thread_of(slack: Platform, channel: Channel, ts: str | None) -> str | None:
    """Return the ts of the thread's root, also if `ts` is that of a reply."""
    if not ts:
        return None
    if not TS.fullmatch(str(ts)):
        raise ApiError("invalid_thread_ts", f"{ts} is not a valid thread_ts")
    root = slack.store.message(channel.id, str(ts))
    if root is None:
        raise ApiError("thread_not_found")
    return root.root


def new_message(slack: Platform, by: Installation, channel: Channel, content: Json, thread: str | None) -> Message:
    """Create an app's message without publishing it."""
    message = Message(slack.store.ts(), channel.id, by.team, by.bot.id, content["text"], thread,
                      bot_id=by.bot.bot_id, app_id=by.app.id, versions=[content["text"]])  # fmt: skip
    message.blocks, message.attachments = content.get("blocks") or [], content.get("attachments") or []
    message.metadata = content.get("metadata")
    return message


def publish(slack: Platform, message: Message, channel: Channel) -> None:
    """Show a message to the channel. A message of the app clears its status in that thread."""
    slack.store.messages.append(message)
    if message.app_id == slack.app.id and message.thread_ts:
        slack.statuses.pop((channel.id, message.thread_ts), None)
    slack.dispatch(message_event(slack.store, message, channel), channel.team, channel)
    slack.changed()


def remove_message(slack: Platform, message: Message, channel: Channel) -> None:
    """Delete a message and dispatch the event."""
    before = message_payload(message)
    message.deleted, message.streaming = True, False
    if not message.ephemeral_to:
        slack.dispatch(message_deleted(slack.store, message, before, channel), channel.team, channel)
    slack.changed()


def own_message(slack: Platform, call: Call, channel: Channel, otherwise: str) -> Message:
    """Return the message that the call names; raise ApiError with the code `otherwise` for another author's."""
    message = slack.store.message(channel.id, str(call.arguments["ts"]))
    if message is None:
        raise ApiError("message_not_found")
    if message.user != call.by.bot.id:
        raise ApiError(otherwise)
    return message


METHODS: Methods = {
    "chat.postMessage": Method(post_message, ("chat:write",), ("channel",), tier=0),
    "chat.postEphemeral": Method(post_ephemeral, ("chat:write",), ("channel", "user"), tier=4),
    "chat.update": Method(update, ("chat:write",), ("channel", "ts"), tier=3),
    "chat.delete": Method(delete, ("chat:write",), ("channel", "ts"), tier=3),
}

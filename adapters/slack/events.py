"""Slack's message events and button clicks as values; events that do not concern the bot become None."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from datetime import timedelta
from typing import Any

import structlog

from adapters.slack.identity import BotIdentity
from adapters.slack.message_words import attached
from core.domain import Conversation

log = structlog.get_logger()

MAX_EDIT_DELAY = timedelta(minutes=10)
"""A question that is edited later is not answered again."""

_PERSON_SUBTYPES = frozenset({"", "thread_broadcast", "file_share", "me_message"})
"""Subtypes of messages that a person wrote; all others are about joins, topics, bots and the like."""


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A message that a person wrote where the bot can see it; stored in Redis as JSON. A `ts` is a message's id."""

    team: str
    channel: str
    user: str
    ts: str
    text: str
    thread_ts: str = ""
    kind: str = ""
    """The channel's type: im, mpim, channel, group; empty where Slack does not tell it."""
    user_team: str = field(default="", compare=False)
    attached: str = field(default="", compare=False)
    """The words of messages that it forwards, and of other attachments."""

    @property
    def direct(self) -> bool:
        return self.kind == "im" or self.channel.startswith("D")

    @property
    def name(self) -> str:
        """The event name: one message arrives as several events, which have this in common."""
        return f"{self.team}:{self.channel}:{self.ts}"

    @property
    def conversation(self) -> Conversation:
        """The thread that a message in a channel begins or continues; a direct conversation is one as a whole."""
        thread = "" if self.direct else self.thread_ts or self.ts
        return Conversation("slack", self.channel, self.team, thread)


@dataclass(frozen=True, slots=True)
class MessageEdited:
    """A person edited their message; `edited_ts` is when."""

    message: MessageReceived
    edited_ts: str

    @property
    def name(self) -> str:
        """The event name: the edit of a mention arrives as two events, which have this in common."""
        return f"{self.message.name}:{self.edited_ts}"


@dataclass(frozen=True, slots=True)
class MessageDeleted:
    """A message was deleted; stored in Redis as JSON."""

    team: str
    channel: str
    ts: str

    @property
    def name(self) -> str:
        return f"{self.team}:{self.channel}:{self.ts}"


MessageEvent = MessageReceived | MessageEdited | MessageDeleted


@dataclass(frozen=True, slots=True)
class Click:
    """A pressed button, and the message that it is on; stored in Redis as JSON."""

    action: str
    value: str
    user: str
    team: str
    channel: str
    message_ts: str
    thread_ts: str
    ephemeral: bool
    trigger_id: str
    response_url: str
    user_team: str = ""

    @property
    def direct(self) -> bool:
        return self.channel.startswith("D")

    @property
    def conversation(self) -> Conversation:
        """The channel as a whole; whoever clicks there may see what was asked there."""
        return Conversation("slack", self.channel, self.team)


def parse_click(payload: Mapping[str, Any], identity: BotIdentity) -> Click:
    """Parse the first action of a `block_actions` payload; the bot's payloads have one each."""
    action, container = payload["actions"][0], payload.get("container") or {}
    message = payload.get("message") or {}
    return Click(
        action=action["action_id"].split(":")[0],
        value=action.get("value") or "",
        user=payload["user"]["id"],
        team=identity.team,
        channel=container.get("channel_id") or (payload.get("channel") or {}).get("id", ""),
        message_ts=container.get("message_ts") or message.get("ts", ""),
        thread_ts=container.get("thread_ts") or message.get("thread_ts") or "",
        ephemeral=bool(container.get("is_ephemeral")),
        trigger_id=payload.get("trigger_id", ""),
        response_url=payload.get("response_url", ""),
        user_team=payload["user"].get("team_id", ""),
    )


def parse_event(body: Mapping[str, Any], identity: BotIdentity) -> MessageEvent | None:
    """Parse an `event_callback` with a message or a mention; return None for one that is malformed."""
    try:
        event = _parse(body, identity)
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # Boundary: the payload may be anything.
        log.warning("Slack event malformed", cause=f"{type(error).__name__}: {error}")
        return None
    return event if event and _has_only_strings(event) else None


def _has_only_strings(event: MessageEvent) -> bool:
    message = event.message if isinstance(event, MessageEdited) else event
    parts = (message.channel, message.ts) if isinstance(message, MessageDeleted) else astuple(message)
    return all(isinstance(part, str) for part in parts)


def _parse(body: Mapping[str, Any], identity: BotIdentity) -> MessageEvent | None:
    event = body["event"]
    match event.get("subtype") or "":
        case "message_changed":
            return _parse_change(event, identity)
        case "message_deleted":
            return MessageDeleted(identity.team, event["channel"], event.get("deleted_ts", ""))
        case subtype if subtype in _PERSON_SUBTYPES:
            message = parse_message(event, event["channel"], identity, event.get("channel_type", ""))
            if message is None or _edited_late(event):
                return None
            # The edit of a mention arrives as another mention.
            edited_ts = (event.get("edited") or {}).get("ts", "")
            return MessageEdited(message, edited_ts) if edited_ts else message
        case _:
            return None


def _parse_change(event: Mapping[str, Any], identity: BotIdentity) -> MessageEdited | MessageDeleted | None:
    """Parse a `message_changed`, which Slack also sends for unfurled links and new replies in the thread.

    Only a person's edit changes the text and sets a new `edited`.
    """
    now, before = event.get("message") or {}, event.get("previous_message") or {}
    if now.get("subtype") == "tombstone":
        # The deleted root of a thread with replies leaves a tombstone.
        return MessageDeleted(identity.team, event["channel"], now.get("ts", ""))
    edited = now.get("edited") or {}
    if not edited or edited == before.get("edited") or now.get("text") == before.get("text"):
        return None
    message = parse_message(now, event["channel"], identity, event.get("channel_type", ""))
    return MessageEdited(message, edited.get("ts", "")) if message and not _edited_late(now) else None


def parse_message(
    message: Mapping[str, Any], channel: str, identity: BotIdentity, kind: str = ""
) -> MessageReceived | None:
    """Parse a message in the form of Slack's API; return None for one by a bot or by Slack itself.

    The team is the bot's own: in shared channels and on Enterprise Grid, one message arrives under several.
    """
    user = message.get("user", "")
    by_bot = message.get("bot_id") or message.get("bot_profile") or user in {"", identity.user, "USLACKBOT"}
    if by_bot or (message.get("subtype") or "") not in _PERSON_SUBTYPES:
        return None
    thread_ts = message.get("thread_ts") or ""
    return MessageReceived(
        team=identity.team,
        channel=channel,
        user=user,
        ts=message["ts"],
        text=message.get("text") or "",
        # The root of a thread has its own ts there.
        thread_ts="" if thread_ts == message["ts"] else thread_ts,
        kind=kind,
        user_team=message.get("user_team") or message.get("team") or "",
        attached=attached(message),
    )


def _edited_late(message: Mapping[str, Any]) -> bool:
    edited_ts = (message.get("edited") or {}).get("ts") or message["ts"]
    return float(edited_ts) - float(message["ts"]) > MAX_EDIT_DELAY.total_seconds()

"""What Slack's events mean to the bot: something was said, corrected, or taken back; or nothing of its business."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from datetime import timedelta
from typing import Any

import structlog

from core.domain import Conversation

log = structlog.get_logger()

CORRECTED_WITHIN = timedelta(minutes=10)
"""A question that is edited later than this is not answered again."""

_BY_PEOPLE = frozenset({"", "thread_broadcast", "file_share", "me_message"})
"""Subtypes of messages that a person wrote; all others tell of joins, topics, bots and the like."""


@dataclass(frozen=True, slots=True)
class BotIdentity:
    """The bot as Slack knows it, from auth.test."""

    user: str
    bot: str
    team: str
    team_name: str = ""
    url: str = ""
    scopes: frozenset[str] = frozenset()

    def is_mentioned(self, text: str) -> bool:
        return f"<@{self.user}>" in text or f"<@{self.user}|" in text


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A message that a person wrote where the bot can see it. Timestamps are Slack's names for messages."""

    team: str
    channel: str
    user: str
    ts: str
    text: str
    thread_ts: str = ""
    kind: str = ""
    """Of the channel: im, mpim, channel, group; empty where Slack does not say."""
    user_team: str = field(default="", compare=False)

    @property
    def direct(self) -> bool:
        return self.kind == "im" or self.channel.startswith("D")

    @property
    def name(self) -> str:
        """One message arrives as several events; this they have in common."""
        return f"{self.team}:{self.channel}:{self.ts}"

    @property
    def conversation(self) -> Conversation:
        """A mention in a channel begins a thread, which is a conversation; a direct message's is one for all."""
        thread = "" if self.direct else self.thread_ts or self.ts
        return Conversation("slack", self.channel, self.team, thread)

    @property
    def answered_under(self) -> str:
        """The message under which the answer stands."""
        return self.thread_ts or self.ts


@dataclass(frozen=True, slots=True)
class MessageEdited:
    """A person edited what they had said. `at` is when, as a timestamp of Slack."""

    said: MessageReceived
    at: str

    @property
    def name(self) -> str:
        """That a mention is edited is told in two events; this they have in common."""
        return f"{self.said.name}:{self.at}"


@dataclass(frozen=True, slots=True)
class MessageDeleted:
    """A message was deleted."""

    team: str
    channel: str
    ts: str

    @property
    def name(self) -> str:
        return f"{self.team}:{self.channel}:{self.ts}"


def read_event(body: Mapping[str, Any], me: BotIdentity) -> MessageReceived | MessageEdited | MessageDeleted | None:
    """The meaning of an `event_callback` with a message or a mention. What is not as Slack says has none."""
    try:
        read = _read(body, me)
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # a door: others make what comes through it
        log.warning("an event of Slack was not understood", cause=f"{type(error).__name__}: {error}")
        return None
    return read if read and _is_sound(read) else None


def _is_sound(read: MessageReceived | MessageEdited | MessageDeleted) -> bool:
    said = read.said if isinstance(read, MessageEdited) else read
    parts = (said.channel, said.ts) if isinstance(said, MessageDeleted) else astuple(said)
    return all(isinstance(part, str) for part in parts)


def _read(body: Mapping[str, Any], me: BotIdentity) -> MessageReceived | MessageEdited | MessageDeleted | None:
    event = body["event"]
    match event.get("subtype") or "":
        case "message_changed":
            return _changed(body, event, me)
        case "message_deleted":
            return MessageDeleted(_team(body), event["channel"], event.get("deleted_ts", ""))
        case subtype if subtype in _BY_PEOPLE:
            said = said_in(event, _team(body), event["channel"], me, event.get("channel_type", ""))
            said = None if said and _late(event) else said
            # That a mention was edited is told like a new one.
            edited = (event.get("edited") or {}).get("ts", "")
            return MessageEdited(said, edited) if said and edited else said
        case _:
            return None


def _changed(
    body: Mapping[str, Any], event: Mapping[str, Any], me: BotIdentity
) -> MessageEdited | MessageDeleted | None:
    """Slack says `message_changed` when a link is unfurled and when somebody answers in a thread, too: only a person's
    edit changes the text and leaves the mark of an edit."""
    now, before = event.get("message") or {}, event.get("previous_message") or {}
    if now.get("subtype") == "tombstone":
        # The root of a thread that has answers leaves a stone where it stood.
        return MessageDeleted(_team(body), event["channel"], now.get("ts", ""))
    edited = now.get("edited") or {}
    if not edited or edited == before.get("edited") or now.get("text") == before.get("text"):
        return None
    said = said_in(now, _team(body), event["channel"], me, event.get("channel_type", ""))
    return MessageEdited(said, edited.get("ts", "")) if said and not _late(now) else None


def said_in(
    message: Mapping[str, Any], team: str, channel: str, me: BotIdentity, kind: str = ""
) -> MessageReceived | None:
    """What a person said in a message as Slack's API shows it; None for one of a bot, or of Slack itself."""
    user = message.get("user", "")
    by_a_bot = message.get("bot_id") or message.get("bot_profile") or user in {"", me.user, "USLACKBOT"}
    if by_a_bot or (message.get("subtype") or "") not in _BY_PEOPLE:
        return None
    thread_ts = message.get("thread_ts") or ""
    return MessageReceived(
        team=team,
        channel=channel,
        user=user,
        ts=message["ts"],
        text=message.get("text") or "",
        # The root of a thread bears its own name there.
        thread_ts="" if thread_ts == message["ts"] else thread_ts,
        kind=kind,
        user_team=message.get("user_team") or message.get("team") or "",
    )


def _late(message: Mapping[str, Any]) -> bool:
    """Whether a message was edited long after it was said."""
    edited = (message.get("edited") or {}).get("ts") or message["ts"]
    return float(edited) - float(message["ts"]) > CORRECTED_WITHIN.total_seconds()


def _team(body: Mapping[str, Any]) -> str:
    return body.get("team_id") or body["event"].get("team") or ""

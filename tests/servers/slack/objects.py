"""Slack's objects (workspaces, users, channels, messages) and their store."""

import random
import string
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]
Kind = Literal["channel", "group", "im", "mpim"]


@dataclass(slots=True)
class Team:
    """A workspace."""

    id: str
    name: str
    domain: str


@dataclass(slots=True)
class User:
    """A human or bot user."""

    id: str
    team: str
    name: str
    real_name: str
    is_admin: bool = False
    is_owner: bool = False
    is_bot: bool = False
    tz: str = "Europe/London"
    tz_offset: int = 0
    deleted: bool = False
    locale: str = "en-US"
    bot_id: str | None = None


@dataclass(slots=True)
class Channel:
    """A conversation. `restricted` is the error with which Slack refuses posts to it, such as `restricted_action`."""

    id: str
    team: str
    name: str
    kind: Kind = "channel"
    members: set[str] = field(default_factory=set)
    archived: bool = False
    restricted: str | None = None

    @property
    def is_private(self) -> bool:
        return self.kind != "channel"


@dataclass(slots=True)
class UserGroup:
    """A group that users mention by @handle."""

    id: str
    team: str
    handle: str
    users: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Message:
    """A message. `versions` are all texts that it has shown, in order.

    `streaming` is True while a stream may append to it. `ephemeral_to` is the only user who sees it, if set. `options`
    are the display arguments of its post: unfurl_links, mrkdwn, username and the like.
    """

    ts: str
    channel: str
    team: str
    user: str
    text: str
    thread_ts: str | None = None
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    chunks: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    bot_id: str | None = None
    app_id: str | None = None
    subtype: str | None = None
    client_msg_id: str | None = None
    ephemeral_to: str | None = None
    streaming: bool = False
    streamed: bool = False
    edited: Json | None = None
    edits: int = 0
    deleted: bool = False
    reactions: dict[str, list[str]] = field(default_factory=dict)
    options: Json = field(default_factory=dict)
    versions: list[str] = field(default_factory=list)

    @property
    def root(self) -> str:
        """Return the ts of its thread, or its own."""
        return self.thread_ts or self.ts

    @property
    def is_reply(self) -> bool:
        return self.thread_ts is not None and self.thread_ts != self.ts

    def show(self, text: str) -> None:
        """Replace the text and record it in `versions`."""
        self.text = text
        self.versions.append(text)


class Store:
    """All objects by id; messages in order of creation."""

    def __init__(self) -> None:
        self.teams: dict[str, Team] = {}
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.usergroups: dict[str, UserGroup] = {}
        self.messages: list[Message] = []
        self._last_ts = 0

    def ts(self) -> str:
        """Return a unique, increasing timestamp in Slack's format: `1700000000.000100`."""
        self._last_ts = max(time.time_ns() // 1000, self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def message(self, channel: str, ts: str) -> Message | None:
        """Return the visible message with this ts."""
        found = (m for m in reversed(self.messages) if m.channel == channel and m.ts == ts)
        return next((m for m in found if not m.deleted and not m.ephemeral_to), None)

    def thread(self, channel: str, ts: str) -> list[Message]:
        """Return the root and its replies, without deleted messages."""
        return [m for m in self.said(channel) if m.root == ts or m.ts == ts]

    def said(self, channel: str) -> list[Message]:
        """Return the channel's visible messages, including replies."""
        return [m for m in self.messages if m.channel == channel and not m.deleted and not m.ephemeral_to]

    def direct(self, people: Iterable[str], team: str) -> Channel:
        """Return the direct conversation of exactly these users, created on first use."""
        members = set(people)
        for channel in self.channels.values():
            if channel.kind in ("im", "mpim") and channel.members == members:
                return channel
        kind: Kind = "im" if len(members) <= 2 else "mpim"
        name = "directmessage" if kind == "im" else "mpdm-" + "--".join(self.users[u].name for u in sorted(members))
        channel = Channel(new_id("D" if kind == "im" else "G"), team, name, kind, members)
        self.channels[channel.id] = channel
        return channel


def new_id(prefix: str, length: int = 10) -> str:
    """Return an id in Slack's format: a letter for the type, then capitals and digits."""
    return prefix + "".join(random.choices(string.ascii_uppercase + string.digits, k=length))

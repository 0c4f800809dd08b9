"""Discord's objects: application, users, guilds, roles, channels, messages."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

Json = dict[str, Any]


class Kind(IntEnum):
    """The supported channel types."""

    TEXT = 0
    DM = 1
    ANNOUNCEMENT_THREAD = 10
    PUBLIC_THREAD = 11
    PRIVATE_THREAD = 12
    FORUM = 15


class Flag(IntEnum):
    """Message flags."""

    SUPPRESS_EMBEDS = 1 << 2
    HAS_THREAD = 1 << 5
    EPHEMERAL = 1 << 6
    LOADING = 1 << 7
    SUPPRESS_NOTIFICATIONS = 1 << 12
    COMPONENTS_V2 = 1 << 15


class AppFlag(IntEnum):
    """Application flags that allow a privileged intent, with 100 guilds and more or with fewer (`LIMITED`)."""

    PRESENCE = 1 << 12
    PRESENCE_LIMITED = 1 << 13
    MEMBERS = 1 << 14
    MEMBERS_LIMITED = 1 << 15
    MESSAGE_CONTENT = 1 << 18
    MESSAGE_CONTENT_LIMITED = 1 << 19


@dataclass(eq=False)
class User:
    """A human or bot user. `locale` is the language of the user's client."""

    id: int
    name: str
    bot: bool = False
    locale: str = "en-US"
    takes_direct_messages: bool = True

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"


@dataclass(eq=False)
class Role:
    id: int
    name: str
    permissions: int = 0
    mentionable: bool = False
    position: int = 1
    of_bot: int = 0
    """The bot for which Discord made this role when it was invited."""

    @property
    def mention(self) -> str:
        return f"<@&{self.id}>"


@dataclass(eq=False)
class Member:
    user: User
    roles: list[Role] = field(default_factory=list)
    nick: str | None = None
    joined: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(eq=False)
class Guild:
    """A guild; `unavailable` during an outage."""

    id: int
    name: str
    owner: User
    roles: dict[int, Role] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    channels: dict[int, "Channel"] = field(default_factory=dict)
    locale: str = "en-US"
    unavailable: bool = False

    @property
    def everyone(self) -> Role:
        return self.roles[self.id]


@dataclass(eq=False)
class Channel:
    """A channel, forum, thread or direct conversation.

    `overwrites` are (allowed, denied) permissions by role or member id. `owner`, `archived`, `locked`, `joined` and
    `starter` apply to threads; `recipients` to direct conversations, without the bot.
    """

    id: int
    kind: Kind
    name: str = ""
    guild: Guild | None = None
    parent: "Channel | None" = None
    topic: str | None = None
    overwrites: dict[int, tuple[int, int]] = field(default_factory=dict)
    recipients: list[User] = field(default_factory=list)
    messages: "dict[int, Message]" = field(default_factory=dict)
    owner: User | None = None
    archived: bool = False
    locked: bool = False
    archive_minutes: int = 1440
    joined: list[User] = field(default_factory=list)
    starter: "Message | None" = None
    tags: list[Json] = field(default_factory=list)
    applied_tags: list[str] = field(default_factory=list)
    deleted: bool = False

    @property
    def is_thread(self) -> bool:
        return self.kind in (Kind.ANNOUNCEMENT_THREAD, Kind.PUBLIC_THREAD, Kind.PRIVATE_THREAD)

    @property
    def is_direct(self) -> bool:
        return self.kind == Kind.DM

    @property
    def mention(self) -> str:
        return f"<#{self.id}>"

    @property
    def said(self) -> "list[Message]":
        """Return the undeleted messages, oldest first, including ephemeral ones."""
        return [message for message in self.messages.values() if not message.deleted]


@dataclass(frozen=True, slots=True)
class Mentions:
    """A text's valid mentions. `loud` are those that notify."""

    users: tuple[User, ...] = ()
    roles: tuple[Role, ...] = ()
    everyone: bool = False
    notified: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of a message. `pings` holds "everyone", "here", and mentions such as "<@1>" and "<@&2>"."""

    content: str
    embeds: Sequence[Json]
    components: Sequence[Json]
    pings: frozenset[str]
    at: float


@dataclass(eq=False)
class Message:
    """`sent` is a Unix time. `revisions` are all states, from the first to the current one.

    `only_for` is the user who sees an ephemeral message. `webhook_name` is set for messages of webhooks.
    """

    id: int
    channel: Channel
    author: User
    content: str = ""
    type: int = 0
    flags: int = 0
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    mentions: Mentions = field(default_factory=Mentions)
    reply_to: "Message | None" = None
    nonce: str | int | None = None
    webhook_name: str | None = None
    interaction: Json | None = None
    ephemeral_to: User | None = None
    thread: Channel | None = None
    reactions: dict[str, list[User]] = field(default_factory=dict)
    sent: float = field(default_factory=time.time)
    edited: datetime | None = None
    edits: int = 0
    deleted: bool = False
    revisions: list[Revision] = field(default_factory=list)

    def has(self, flag: Flag) -> bool:
        return bool(self.flags & flag)

    @property
    def ephemeral(self) -> bool:
        return self.has(Flag.EPHEMERAL)

    @property
    def loading(self) -> bool:
        return self.has(Flag.LOADING)

    @property
    def guild(self) -> Guild | None:
        return self.channel.guild

    @property
    def pings(self) -> frozenset[str]:
        """Return everything that any revision notified."""
        return frozenset().union(*(revision.pings for revision in self.revisions))

    @property
    def buttons(self) -> list[Json]:
        """Return all buttons, at any depth."""
        return [component for component in walk(self.components) if component.get("type") == 2]

    def record_revision(self) -> None:
        """Record the current state as the newest revision."""
        self.revisions.append(
            Revision(self.content, list(self.embeds), list(self.components), self.mentions.notified, time.time())
        )


def walk(components: Iterable[Json]) -> Iterable[Json]:
    """Yield all components, at any depth, in order."""
    for component in components:
        yield component
        yield from walk(component.get("components") or ())
        yield from walk([part for part in (component.get("accessory"), component.get("component")) if part])


@dataclass(eq=False)
class Application:
    """`installed_by` are users who installed the app for themselves. `flags` grant privileged intents."""

    id: int
    name: str
    owner: User
    flags: int = 0
    public: bool = True
    installed_by: list[User] = field(default_factory=list)
    install_scopes: Sequence[str] = ("bot", "applications.commands")
    install_permissions: int = 0
    for_guilds: bool = True
    for_users: bool = False

"""Messages that people write and edit, parsed from discord.py's events; everything else is ignored."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import discord

from adapters.discord.message_sender import ReplyTarget
from adapters.discord.messages import question_id_of
from core.domain import Conversation

EDIT_WINDOW = timedelta(minutes=10)
"""A question that is edited later than this is not answered again."""

MAX_QUOTE = 1_000
"""Characters of the message to which a question replies."""

_WRITTEN_BY_PEOPLE = (discord.MessageType.default, discord.MessageType.reply)


class BodyKey(StrEnum):
    """The key of an event's body. Stored in Redis, where other releases read it."""

    RECEIVED = "said"
    EDITED = "corrected"
    DELETED = "removed"
    INTERACTION = "deed"


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A message that a person wrote where the bot can see it. Plain JSON, stored under these field names; all ids are
    Discord's.

    `to_me` and `to_others` say whom it addresses. `title` is the name of the forum post that it opens. `quoted` is the
    text of the message that it replies to, by `quoted_author`; `about` is the id of the question that the replied-to
    answer belongs to. `people` are the display names of mentioned users by id. `withheld` means that it mentions the
    bot's role and that Discord keeps its text back.
    """

    channel: str
    message: str
    user: str
    user_name: str
    text: str
    guild: str = ""
    parent: str = ""
    to_me: bool = False
    to_others: bool = False
    title: str = ""
    quoted: str = ""
    quoted_author: str = ""
    about: str = ""
    people: dict[str, str] = field(default_factory=dict)
    withheld: bool = False

    @property
    def name(self) -> str:
        """The message's event name, the same in every process."""
        return message_name(self.channel, self.message)

    @property
    def target(self) -> ReplyTarget:
        return ReplyTarget(self.channel, self.user, self.guild, self.parent, self.message)

    @property
    def conversation(self) -> Conversation:
        return self.target.conversation


def message_name(channel: str | int, message: str | int) -> str:
    """Return the event name of a message."""
    return f"message:{channel}:{message}"


def read_message(message: discord.Message, bot_id: int) -> MessageReceived | None:
    """Parse a person's message; return None for those of bots, webhooks and Discord itself."""
    if message.author.bot or message.webhook_id or message.type not in _WRITTEN_BY_PEOPLE:
        return None
    channel = message.channel
    thread = channel if isinstance(channel, discord.Thread) else None
    quoted = _replied_to(message)
    by_role = any(role.tags is not None and role.tags.bot_id == bot_id for role in message.role_mentions)
    mentioned = by_role or any(person.id == bot_id for person in message.mentions)
    replied_to_me = quoted is not None and quoted.author.id == bot_id
    return MessageReceived(
        channel=str(channel.id),
        message=str(message.id),
        user=str(message.author.id),
        user_name=message.author.display_name,
        text=message.content,
        guild=str(message.guild.id) if message.guild else "",
        parent=str(thread.parent_id) if thread else "",
        to_me=mentioned or replied_to_me or message.guild is None,
        to_others=message.content.lstrip().startswith("<@") or (quoted is not None and not replied_to_me),
        title=thread.name if thread and thread.id == message.id and _in_forum(thread) else "",
        quoted=quoted.content[:MAX_QUOTE] if quoted else "",
        quoted_author="" if quoted is None or replied_to_me else quoted.author.display_name,
        about=_question_of(quoted) if quoted and replied_to_me else "",
        people={str(person.id): person.display_name for person in message.mentions},
        withheld=by_role and not message.content,
    )


def edit_time(data: Any, now: datetime | None = None) -> str:
    """Return when a person edited a message, from a raw MESSAGE_UPDATE, or an empty string if nobody did in time.

    Discord also sends updates when a link preview appears or a message is pinned; they repeat the last edit's time.
    """
    edited = data.get("edited_timestamp")
    if not edited:
        return ""
    edited_at, now = datetime.fromisoformat(edited), now or datetime.now(UTC)
    written_at = discord.utils.snowflake_time(int(data["id"]))
    in_time = edited_at - written_at < EDIT_WINDOW and now - edited_at < EDIT_WINDOW
    return str(edited) if in_time else ""


def _replied_to(message: discord.Message) -> discord.Message | None:
    reference = message.reference
    if reference is None or message.type is not discord.MessageType.reply:
        return None
    return reference.resolved if isinstance(reference.resolved, discord.Message) else None


def _question_of(answer: discord.Message) -> str:
    rows: list[Any] = [row.to_dict() for row in answer.components]
    return question_id_of(rows)


def _in_forum(thread: discord.Thread) -> bool:
    return isinstance(thread.parent, discord.ForumChannel)

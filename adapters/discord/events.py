"""What Discord's messages mean to the bot: something was said, corrected, or taken back; or nothing of its business."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import discord

from adapters.discord.messages import subject_of
from adapters.discord.reply_target import ReplyTarget
from core.domain import Conversation

CORRECTED_WITHIN = timedelta(minutes=10)
"""A question that is edited later than this is not answered again."""

LONGEST_QUOTE = 1_000
"""Characters of the message to which a question replies."""

_BY_PEOPLE = (discord.MessageType.default, discord.MessageType.reply)


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A message that a person wrote where the bot can see it. Plain JSON; all names are Discord's ids.

    `quoted` is the text of the message that it replies to, by `quoted_author`; `about` is the question whose answer
    that was. `title` is the name of the forum post that it opens.
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

    @property
    def name(self) -> str:
        """What the message is called in every process."""
        return message_name(self.channel, self.message)

    @property
    def direct(self) -> bool:
        return not self.guild

    @property
    def place(self) -> ReplyTarget:
        return ReplyTarget(self.channel, self.user, self.guild, self.parent, self.message)

    @property
    def conversation(self) -> Conversation:
        return self.place.conversation


def message_name(channel: str | int, message: str | int) -> str:
    return f"message:{channel}:{message}"


def read_message(message: discord.Message, me: int) -> MessageReceived | None:
    """A message of a person; None for those of bots, of webhooks and of Discord itself."""
    if message.author.bot or message.webhook_id or message.type not in _BY_PEOPLE:
        return None
    channel = message.channel
    thread = channel if isinstance(channel, discord.Thread) else None
    quoted = _quoted(message)
    mentioned = any(person.id == me for person in message.mentions)
    replied_to_me = quoted is not None and quoted.author.id == me
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
        title=thread.name if thread and thread.id == message.id and _is_forum(thread) else "",
        quoted=quoted.content[:LONGEST_QUOTE] if quoted else "",
        quoted_author="" if quoted is None or replied_to_me else quoted.author.display_name,
        about=_about(quoted) if quoted and replied_to_me else "",
        people={str(person.id): person.display_name for person in message.mentions},
    )


def corrected_at(data: Any, now: datetime | None = None) -> str:
    """When a person edited a message, by the raw MESSAGE_UPDATE; empty when nobody did, or long after it was said.

    Discord tells of an update, too, when a link's preview appears or a message is pinned; the time of the last edit
    then is the one that it was.
    """
    edited = data.get("edited_timestamp")
    if not edited:
        return ""
    at, now = datetime.fromisoformat(edited), now or datetime.now(UTC)
    said = discord.utils.snowflake_time(int(data["id"]))
    return str(edited) if at - said < CORRECTED_WITHIN and now - at < CORRECTED_WITHIN else ""


def _quoted(message: discord.Message) -> discord.Message | None:
    reference = message.reference
    if reference is None or message.type is not discord.MessageType.reply:
        return None
    return reference.resolved if isinstance(reference.resolved, discord.Message) else None


def _about(answer: discord.Message) -> str:
    rows: list[Any] = [row.to_dict() for row in answer.components]
    return subject_of(rows)


def _is_forum(thread: discord.Thread) -> bool:
    return isinstance(thread.parent, discord.ForumChannel)

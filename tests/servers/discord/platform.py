"""State changes and the gateway events they cause, for users, bots and REST."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.servers.changes import Changes
from tests.servers.discord.gateway import Gateway
from tests.servers.discord.interactions import Interaction
from tests.servers.discord.objects import AppFlag, Channel, Flag, Guild, Json, Kind, Message, User
from tests.servers.discord.payloads import channel_json, member_json, message_json, thread_json
from tests.servers.discord.permissions import MANAGE_THREADS, VIEW_CHANNEL, may
from tests.servers.discord.rules import Rules
from tests.servers.discord.sessions import Intent, Session
from tests.servers.discord.store import Store

CONTENT_FLAGS = AppFlag.MESSAGE_CONTENT | AppFlag.MESSAGE_CONTENT_LIMITED


class Platform:
    """All state and the gateway. `interactions` are by token, in order."""

    def __init__(self, rules: Rules, token: str, url: Callable[[], str], bot_name: str) -> None:
        self.rules, self.watch = rules, Changes()
        self.store = Store(bot_name)
        self.gateway = Gateway(self.store, rules, self.watch, token, url)
        self.interactions: dict[str, Interaction] = {}

    @property
    def bot(self) -> User:
        return self.store.bot

    def dispatch(self, name: str, data: Json | Callable[[Session], Json], guild: Guild | None, intent: Intent,
                 late: float = 0.0) -> None:  # fmt: skip
        """Dispatch an event to the bot's sessions, if the bot is in that guild, or it is None."""
        if guild is None or self.bot.id in guild.members:
            self.gateway.sessions.dispatch(name, data, guild, intent, late)
        self.watch.changed()

    def sees(self, channel: Channel) -> bool:
        """Return whether the bot sees the channel."""
        if channel.kind == Kind.PRIVATE_THREAD and self.bot not in channel.joined:
            return may(self.bot, channel, MANAGE_THREADS)
        return may(self.bot, channel, VIEW_CHANNEL)

    # Messages.

    def post(self, message: Message, late: float = 0.0) -> Message:
        """Publish a message."""
        message.channel.messages[message.id] = self.store.messages[message.id] = message
        message.record_revision()
        self._dispatch_message("MESSAGE_CREATE", message, late)
        return message

    def revise(self, message: Message, *, marked: bool = True, **changes: Any) -> Message:
        """Set these attributes. Unless `marked`, it is not an edit, as when Discord adds a link preview."""
        for name, value in changes.items():
            setattr(message, name, value)
        if marked:
            message.edited = datetime.now(UTC)
            message.edits += 1
        message.record_revision()
        self._dispatch_message("MESSAGE_UPDATE", message)
        return message

    def remove(self, *messages: Message) -> None:
        """Delete messages of one channel; several in one bulk event."""
        for message in messages:
            message.deleted = True
        first = messages[0]
        guild = None if first.ephemeral else first.guild
        data: Json = {"channel_id": str(first.channel.id)} | ({"guild_id": str(guild.id)} if guild else {})
        if self.sees(first.channel):
            intent = Intent.GUILD_MESSAGES if guild else Intent.DIRECT_MESSAGES
            if len(messages) == 1:
                self.dispatch("MESSAGE_DELETE", data | {"id": str(first.id)}, guild, intent)
            else:
                ids = [str(message.id) for message in messages]
                self.dispatch("MESSAGE_DELETE_BULK", data | {"ids": ids}, guild, intent)
        self.watch.changed()

    def react(self, user: User, message: Message, emoji: str, *, taken_back: bool = False) -> None:
        users, guild = message.reactions.setdefault(emoji, []), message.guild
        if (user in users) != taken_back:
            return
        (users.remove if taken_back else users.append)(user)
        data: Json = {"user_id": str(user.id), "channel_id": str(message.channel.id), "message_id": str(message.id),
                      "emoji": {"id": None, "name": emoji}, "burst": False, "type": 0}  # fmt: skip
        if guild:
            data |= {"guild_id": str(guild.id)}
            data |= {} if taken_back else {"member": member_json(guild.members[user.id])}
        intent = Intent.GUILD_REACTIONS if guild else Intent.DIRECT_REACTIONS
        if self.sees(message.channel):
            self.dispatch(f"MESSAGE_REACTION_{'REMOVE' if taken_back else 'ADD'}", data, guild, intent)

    def _dispatch_message(self, name: str, message: Message, late: float = 0.0) -> None:
        """Dispatch a message event. Ephemeral messages have no guild and go only to the bot that sent them."""
        self.watch.changed()
        if not (message.author is self.bot if message.ephemeral else self.sees(message.channel)):
            return
        guild = None if message.ephemeral else message.guild
        data = message_json(message)
        if name == "MESSAGE_UPDATE":
            data.pop("nonce", None)
        if guild:
            data["guild_id"] = str(guild.id)
        if guild and message.author.id in guild.members and "webhook_id" not in data:
            data["member"] = member_json(guild.members[message.author.id], user=False)
        blank = message_json_without_content(data, message, self.bot)
        intent = Intent.GUILD_MESSAGES if guild else Intent.DIRECT_MESSAGES
        self.dispatch(
            name, lambda session: data if session.intents & Intent.MESSAGE_CONTENT else blank, guild, intent, late
        )

    def seen(self, message: Message) -> Json:
        """Return the message as REST shows it to the bot: content depends on the application, not the session's
        intents.
        """
        data = message_json(message)
        allowed = self.store.application.flags & CONTENT_FLAGS
        return data if allowed else message_json_without_content(data, message, self.bot)

    # Channels.

    def open_thread(self, thread: Channel, starter: Message | None = None) -> Channel:
        """Announce a new thread. One started from a message gets that message's id, as forum posts do."""
        store, guild = self.store, thread.guild
        assert guild
        if starter and thread.id != starter.id:
            for channels in (store.channels, guild.channels):
                channels.pop(thread.id, None)
            thread.id = starter.id
            guild.channels[thread.id] = store.channels[thread.id] = thread
        data = thread_json(thread, self.bot) | {"newly_created": True}
        if self.sees(thread):
            self.dispatch("THREAD_CREATE", data, guild, Intent.GUILDS)
        if starter and starter.channel is not thread:
            thread.starter, starter.thread = starter, thread
            self.revise(starter, marked=False, flags=starter.flags | Flag.HAS_THREAD)
        self._announce(thread, starter)
        return thread

    def enter(self, thread: Channel, *users: User) -> None:
        """Join users who write or are mentioned in a thread, and unarchive it."""
        saw = self.sees(thread)
        thread.joined += [user for user in dict.fromkeys(users) if user not in thread.joined]
        if thread.archived:
            thread.archived = False
            self.changed(thread)
        if not saw and self.sees(thread):
            self.changed(thread, "CREATE")

    def _announce(self, thread: Channel, starter: Message | None) -> None:
        """Post Discord's system message, in the thread (21) or in its channel (18). Forums get none."""
        owner = thread.owner or self.bot
        if starter and starter.channel is not thread:
            self.post(Message(self.store.snowflake(), thread, owner, type=21, reply_to=starter))
        elif thread.parent and thread.parent.kind == Kind.TEXT and thread.kind == Kind.PUBLIC_THREAD:
            self.post(Message(self.store.snowflake(), thread.parent, owner, thread.name, type=18))

    def changed(self, channel: Channel, name: str = "UPDATE") -> None:
        """Dispatch that a channel or thread was created, updated or deleted."""
        data = thread_json(channel, self.bot) if channel.is_thread else channel_json(channel)
        self.dispatch(("THREAD_" if channel.is_thread else "CHANNEL_") + name, data, channel.guild, Intent.GUILDS)

    def old_edit(self, message: Message) -> bool:
        """Return whether editing the message now counts as an edit of an old message."""
        return time.time() - message.sent > self.rules.old


def message_json_without_content(data: Json, message: Message, bot: User) -> Json:
    """Return the message without the content intent: only messages that concern the bot keep content."""
    concerns = message.guild is None or message.author is bot or bot in message.mentions.users or message.ephemeral
    blank = data if concerns else data | {"content": "", "embeds": [], "attachments": [], "components": []}
    source, shown = message.reply_to, data.get("referenced_message")
    if source and shown:
        blank = blank | {"referenced_message": message_json_without_content(shown, source, bot)}
    return blank

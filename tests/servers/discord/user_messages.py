"""Messages of users, other bots and webhooks: send, reply, edit, delete, open threads and forum posts."""

from datetime import UTC, datetime

from tests.servers.discord.mentions import EVERYTHING, mentions_in
from tests.servers.discord.objects import Channel, Flag, Json, Kind, Message, User
from tests.servers.discord.permissions import may, speaking
from tests.servers.discord.platform import Platform

UserRef = User | str
ChannelRef = Channel | User | str


class UserActionError(Exception):
    """Discord's client does not allow the action."""


class UserMessages:
    """Users and channels are given as objects or names; the bot in place of a channel is the user's DM with it."""

    platform: Platform

    def find_user(self, user: UserRef) -> User:
        if isinstance(user, User):
            return user
        named = [one for one in self.platform.store.users.values() if one.name == user]
        if not named:
            raise UserActionError(f"unknown user {user}")
        return named[0]

    def find_channel(self, channel: ChannelRef, viewer: UserRef | None = None) -> Channel:
        """Return a channel: by name, the user's DM with the bot, or the bot's DM with another user."""
        if isinstance(channel, Channel):
            return channel
        named = (one for one in self.platform.store.channels.values() if one.name == channel and not one.deleted)
        if found := next(named, None):
            return found
        user = self.find_user(channel)
        return self.platform.store.direct(self.find_user(viewer or user) if user is self.platform.bot else user)

    def say(self, user: UserRef, channel: ChannelRef, text: str, *, reply_to: Message | None = None, ping: bool = True,
            embeds: list[Json] | None = None, attachments: list[Json] | None = None,
            late: float = 0.0) -> Message:  # fmt: skip
        """Send a message; "@bot" becomes a mention. `ping`: whether a reply notifies the author it answers.

        `late` delays the gateway event by so many seconds.
        """
        author, channel = self.find_user(user), self.find_channel(channel, user)
        if not may(author, channel, speaking(channel)) or channel.kind == Kind.FORUM:
            raise UserActionError(f"{author.name} may not write there")
        message = Message(self.platform.store.snowflake(), channel, author, type=19 if reply_to else 0,
                          reply_to=reply_to, embeds=embeds or [], attachments=attachments or [])  # fmt: skip
        self._write(message, text, ping)
        if channel.is_thread:
            if channel.locked:
                raise UserActionError("the thread is locked")
            self.platform.enter(channel, author, *message.mentions.users)
        return self.platform.post(message, late)

    def _write(self, message: Message, text: str, ping: bool = True) -> None:
        store = self.platform.store
        message.content = text.replace(f"@{store.bot.name}", store.bot.mention)
        allowed = EVERYTHING | {"replied_user": ping}
        replied = message.reply_to.author if message.reply_to else None
        message.mentions = mentions_in(store, message.channel, message.author, message.content, [], allowed, replied)

    def mention(self, user: UserRef, channel: ChannelRef, text: str) -> Message:
        """Send a message that mentions the bot."""
        return self.say(user, channel, f"{self.platform.bot.mention} {text}")

    def say_as_webhook(self, name: str, channel: ChannelRef, text: str) -> Message:
        """Send a webhook's message, under any name."""
        channel, store = self.find_channel(channel), self.platform.store
        hook = User(store.snowflake(), name, bot=True)
        message = Message(store.snowflake(), channel, hook, webhook_name=name)
        self._write(message, text)
        return self.platform.post(message)

    def system(self, user: UserRef, channel: ChannelRef, kind: int = 7) -> Message:
        """Post a system message in the user's name, such as a welcome (7) or a pin (6)."""
        return self.platform.post(
            Message(self.platform.store.snowflake(), self.find_channel(channel), self.find_user(user), type=kind)
        )

    def edit(self, message: Message, text: str) -> Message:
        self._write(message, text)
        return self.platform.revise(message)

    def unfurl(self, message: Message, url: str = "https://example.com/", title: str = "A page") -> Message:
        """Add a link preview, which is an update but not an edit."""
        if message.has(Flag.SUPPRESS_EMBEDS):
            return message
        preview = {"type": "link", "url": url, "title": title, "description": "What it says."}
        return self.platform.revise(message, marked=False, embeds=[*message.embeds, preview])

    def pin(self, message: Message) -> Message:
        """Pin a message, which is an update without a change of its text."""
        return self.platform.revise(message, marked=False)

    def delete(self, *messages: Message) -> None:
        """Delete messages; several at once as a moderator does."""
        self.platform.remove(*messages)

    def react(self, user: UserRef, message: Message, emoji: str, *, taken_back: bool = False) -> None:
        """Add or take back a reaction."""
        self.platform.react(self.find_user(user), message, emoji, taken_back=taken_back)

    def thread(self, user: UserRef, start: Message | ChannelRef, name: str, *, private: bool = False) -> Channel:
        """Open a thread on a message or in a channel."""
        owner = self.find_user(user)
        parent = start.channel if isinstance(start, Message) else self.find_channel(start)
        assert parent.guild
        kind = Kind.PRIVATE_THREAD if private else Kind.PUBLIC_THREAD
        thread = self.platform.store.channel(parent.guild, name, kind, parent=parent)
        thread.owner, thread.joined = owner, [owner]
        return self.platform.open_thread(thread, start if isinstance(start, Message) else None)

    def forum_post(self, user: UserRef, forum: ChannelRef, title: str, text: str) -> Channel:
        """Open a forum post: a thread whose first message has its id."""
        owner, parent = self.find_user(user), self.find_channel(forum)
        assert parent.guild
        thread = self.platform.store.channel(parent.guild, title, Kind.PUBLIC_THREAD, parent=parent)
        thread.owner, thread.joined = owner, [owner]
        starter = Message(thread.id, thread, owner)
        self._write(starter, text)
        self.platform.open_thread(thread)
        thread.starter = self.platform.post(starter)
        return thread

    def archive(self, thread: Channel, *, locked: bool = False) -> None:
        thread.archived, thread.locked = True, locked
        self.platform.changed(thread)

    def backdate(self, message: Message, seconds: float) -> Message:
        """Make the message older than its id says, for limits by age."""
        message.sent -= seconds
        message.edited = message.edited and datetime.fromtimestamp(message.edited.timestamp() - seconds, UTC)
        return message

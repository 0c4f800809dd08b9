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

    def who(self, user: UserRef) -> User:
        if isinstance(user, User):
            return user
        named = [one for one in self.platform.world.users.values() if one.name == user]
        if not named:
            raise UserActionError(f"nobody is called {user}")
        return named[0]

    def where(self, channel: ChannelRef, who: UserRef | None = None) -> Channel:
        """Return a channel: by name, the user's DM with the bot, or the bot's DM with another user."""
        if isinstance(channel, Channel):
            return channel
        rooms = (room for room in self.platform.world.channels.values() if room.name == channel and not room.deleted)
        if room := next(rooms, None):
            return room
        user = self.who(channel)
        return self.platform.world.direct(self.who(who or user) if user is self.platform.bot else user)

    def say(self, user: UserRef, channel: ChannelRef, text: str, *, reply_to: Message | None = None, ping: bool = True,
            embeds: list[Json] | None = None, attachments: list[Json] | None = None,
            late: float = 0.0) -> Message:  # fmt: skip
        """Send a message; "@bot" becomes a mention. `ping`: whether a reply notifies the author it answers.

        `late` delays the gateway event by so many seconds.
        """
        author, room = self.who(user), self.where(channel, user)
        if not may(author, room, speaking(room)) or room.kind == Kind.FORUM:
            raise UserActionError(f"{author.name} may not write there")
        message = Message(self.platform.world.snowflake(), room, author, type=19 if reply_to else 0, reply_to=reply_to,
                          embeds=embeds or [], attachments=attachments or [])  # fmt: skip
        self._write(message, text, ping)
        if room.is_thread:
            if room.locked:
                raise UserActionError("the thread is locked")
            self.platform.enter(room, author, *message.mentions.users)
        return self.platform.post(message, late)

    def _write(self, message: Message, text: str, ping: bool = True) -> None:
        world = self.platform.world
        message.content = text.replace(f"@{world.bot.name}", world.bot.mention)
        allowed = EVERYTHING | {"replied_user": ping}
        replied = message.reply_to.author if message.reply_to else None
        message.mentions = mentions_in(world, message.channel, message.author, message.content, [], allowed, replied)

    def mention(self, user: UserRef, channel: ChannelRef, text: str) -> Message:
        """Send a message that mentions the bot."""
        return self.say(user, channel, f"{self.platform.bot.mention} {text}")

    def by_webhook(self, name: str, channel: ChannelRef, text: str) -> Message:
        """Send a webhook's message, under any name."""
        room, world = self.where(channel), self.platform.world
        hook = User(world.snowflake(), name, bot=True)
        message = Message(world.snowflake(), room, hook, webhook_name=name)
        self._write(message, text)
        return self.platform.post(message)

    def system(self, user: UserRef, channel: ChannelRef, kind: int = 7) -> Message:
        """Post a system message in the user's name, such as a welcome (7) or a pin (6)."""
        return self.platform.post(
            Message(self.platform.world.snowflake(), self.where(channel), self.who(user), type=kind)
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
        self.platform.react(self.who(user), message, emoji, taken_back=taken_back)

    def thread(self, user: UserRef, start: Message | ChannelRef, name: str, *, private: bool = False) -> Channel:
        """Open a thread on a message or in a channel."""
        owner = self.who(user)
        parent = start.channel if isinstance(start, Message) else self.where(start)
        assert parent.guild
        kind = Kind.PRIVATE_THREAD if private else Kind.PUBLIC_THREAD
        thread = self.platform.world.channel(parent.guild, name, kind, parent=parent)
        thread.owner, thread.joined = owner, [owner]
        return self.platform.open_thread(thread, start if isinstance(start, Message) else None)

    def forum_post(self, user: UserRef, forum: ChannelRef, title: str, text: str) -> Channel:
        """Open a forum post: a thread whose first message has its id."""
        owner, parent = self.who(user), self.where(forum)
        assert parent.guild
        thread = self.platform.world.channel(parent.guild, title, Kind.PUBLIC_THREAD, parent=parent)
        thread.owner, thread.joined = owner, [owner]
        starter = Message(thread.id, thread, owner)
        self._write(starter, text)
        self.platform.open_thread(thread)
        thread.starter = self.platform.post(starter)
        return thread

    def archive(self, thread: Channel, *, locked: bool = False) -> None:
        thread.archived, thread.locked = True, locked
        self.platform.changed(thread)

    def old(self, message: Message, seconds: float) -> Message:
        """Make the message older than its id says, for limits by age."""
        message.sent -= seconds
        message.edited = message.edited and datetime.fromtimestamp(message.edited.timestamp() - seconds, UTC)
        return message

"""Users' messages, edits, deletions, reactions and joins, and their events."""

import uuid

from tests.servers.slack.chat import publish, remove_message
from tests.servers.slack.directory import Directory
from tests.servers.slack.events import mention_event, message_changed, message_event, rich_text
from tests.servers.slack.objects import Channel, Json, Message, User
from tests.servers.slack.payloads import message_payload
from tests.servers.slack.reactions import react, unreact


class UserMessages(Directory):
    """Users' messages. Users and channels are given as objects or ids."""

    def say(self, user: User | str, channel: Channel | str, text: str, thread_ts: str | None = None) -> Message:
        """Post a message in Slack's escaped form: `<@U0BOT00001> hello`, `&amp;`. A mention sends two events."""
        user, channel = self.find_user(user), self.find_channel(channel)
        message = Message(self.store.ts(), channel.id, user.team, user.id, text, thread_ts, versions=[text])
        message.blocks, message.client_msg_id = rich_text(text), str(uuid.uuid4())
        return self._publish(message, channel)

    def say_as_bot(self, bot: User | str, channel: Channel | str, text: str, thread_ts: str | None = None, *,
                   legacy: bool = False) -> Message:  # fmt: skip
        """Post as another bot. A legacy bot has the subtype `bot_message` and no user."""
        user, channel = self.find_user(bot), self.find_channel(channel)
        message = Message(self.store.ts(), channel.id, user.team, user.id, text, thread_ts, versions=[text])
        message.bot_id, message.app_id = user.bot_id, None if legacy else "A0OTHERAPP"
        message.subtype = "bot_message" if legacy else None
        return self._publish(message, channel)

    def _publish(self, message: Message, channel: Channel) -> Message:
        publish(self, message, channel)
        self._mention(message, channel)
        return message

    def _mention(self, message: Message, channel: Channel) -> None:
        """Send `app_mention` for a message that mentions the app, except in direct messages."""
        installation = self.installed(channel.team)
        if installation and channel.kind != "im" and f"<@{installation.bot.id}" in message.text:
            self.dispatch(mention_event(self.store, message, channel), channel.team, channel)

    def edit(self, message: Message, text: str) -> None:
        """Edit a message. If it then mentions the app, Slack repeats `app_mention` with `edited` and the same ts."""
        before = message_payload(message)
        message.show(text)
        message.blocks, message.edits = rich_text(text), message.edits + 1
        message.edited = {"user": message.user, "ts": self.store.ts()}
        self._changed(message, before)
        self._mention(message, self.store.channels[message.channel])

    def unfurl(self, message: Message, url: str, title: str = "A page") -> None:
        """Add a link preview, which is a change without an editor."""
        before = message_payload(message)
        message.attachments.append({"from_url": url, "original_url": url, "title": title, "id": 1, "fallback": title})
        self._changed(message, before)

    def _changed(self, message: Message, before: Json) -> None:
        channel = self.store.channels[message.channel]
        self.dispatch(message_changed(self.store, message, before, channel), channel.team, channel)
        self.changed()

    def delete(self, message: Message) -> None:
        remove_message(self, message, self.store.channels[message.channel])

    def react(self, user: User | str, message: Message, name: str) -> None:
        react(self, self.find_user(user).id, self.store.channels[message.channel], message, name)

    def unreact(self, user: User | str, message: Message, name: str) -> None:
        unreact(self, self.find_user(user).id, self.store.channels[message.channel], message, name)

    def join(self, user: User | str, channel: Channel | str) -> None:
        """Join a channel, or invite the app: a message in the channel and a separate event."""
        user, channel = self.find_user(user), self.find_channel(channel)
        channel.members.add(user.id)
        text = f"<@{user.id}> has joined the channel"
        message = Message(self.store.ts(), channel.id, user.team, user.id, text, subtype="channel_join")
        self.store.messages.append(message)
        event = {"type": "member_joined_channel", "user": user.id, "channel": channel.id, "team": user.team}
        event |= {"channel_type": "G" if channel.is_private else "C", "event_ts": message.ts}
        self.dispatch(event, channel.team, channel)
        self.dispatch(message_event(self.store, message, channel), channel.team, channel)

    def leave(self, user: User | str, channel: Channel | str) -> None:
        user, channel = self.find_user(user), self.find_channel(channel)
        event = {"type": "member_left_channel", "user": user.id, "channel": channel.id, "team": user.team}
        event |= {"channel_type": "G" if channel.is_private else "C", "event_ts": self.store.ts()}
        self.dispatch(event, channel.team, channel)
        channel.members.discard(user.id)

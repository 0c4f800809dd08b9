"""Users' messages, edits, deletions, reactions and joins, and their events."""

import uuid

from tests.servers.slack.chat import publish, take_away
from tests.servers.slack.directory import Directory
from tests.servers.slack.events import mention_event, message_changed, message_event, rich_text
from tests.servers.slack.payloads import message_payload
from tests.servers.slack.reactions import react, unreact
from tests.servers.slack.world import Channel, Json, Message, User


class UserMessages(Directory):
    """Users' messages. Users and channels are given as objects or ids."""

    def say(self, user: User | str, channel: Channel | str, text: str, thread_ts: str | None = None) -> Message:
        """Post a message in Slack's escaped form: `<@U0BOT00001> hello`, `&amp;`. A mention sends two events."""
        person, place = self.person(user), self.place(channel)
        message = Message(self.world.ts(), place.id, person.team, person.id, text, thread_ts, versions=[text])
        message.blocks, message.client_msg_id = rich_text(text), str(uuid.uuid4())
        return self._publish(message, place)

    def say_as_bot(self, bot: User | str, channel: Channel | str, text: str, thread_ts: str | None = None, *,
                   legacy: bool = False) -> Message:  # fmt: skip
        """Post as another bot. A legacy bot has the subtype `bot_message` and no user."""
        person, place = self.person(bot), self.place(channel)
        message = Message(self.world.ts(), place.id, person.team, person.id, text, thread_ts, versions=[text])
        message.bot_id, message.app_id = person.bot_id, None if legacy else "A0OTHERAPP"
        message.subtype = "bot_message" if legacy else None
        return self._publish(message, place)

    def _publish(self, message: Message, place: Channel) -> Message:
        publish(self, message, place)
        self._mention(message, place)
        return message

    def _mention(self, message: Message, place: Channel) -> None:
        """Send `app_mention` for a message that mentions the app, except in direct messages."""
        installation = self.installed(place.team)
        if installation and place.kind != "im" and f"<@{installation.bot.id}" in message.text:
            self.dispatch(mention_event(self.world, message, place), place.team, place)

    def edit(self, message: Message, text: str) -> None:
        """Edit a message. If it then mentions the app, Slack repeats `app_mention` with `edited` and the same ts."""
        before = message_payload(message)
        message.show(text)
        message.blocks, message.edits = rich_text(text), message.edits + 1
        message.edited = {"user": message.user, "ts": self.world.ts()}
        self._changed(message, before)
        self._mention(message, self.world.channels[message.channel])

    def unfurl(self, message: Message, url: str, title: str = "A page") -> None:
        """Add a link preview, which is a change without an editor."""
        before = message_payload(message)
        message.attachments.append({"from_url": url, "original_url": url, "title": title, "id": 1, "fallback": title})
        self._changed(message, before)

    def _changed(self, message: Message, before: Json) -> None:
        place = self.world.channels[message.channel]
        self.dispatch(message_changed(self.world, message, before, place), place.team, place)
        self.changed()

    def delete(self, message: Message) -> None:
        take_away(self, message, self.world.channels[message.channel])

    def react(self, user: User | str, message: Message, name: str) -> None:
        react(self, self.person(user).id, self.world.channels[message.channel], message, name)

    def unreact(self, user: User | str, message: Message, name: str) -> None:
        unreact(self, self.person(user).id, self.world.channels[message.channel], message, name)

    def join(self, user: User | str, channel: Channel | str) -> None:
        """Join a channel, or invite the app: a message in the channel and a separate event."""
        person, place = self.person(user), self.place(channel)
        place.members.add(person.id)
        text = f"<@{person.id}> has joined the channel"
        message = Message(self.world.ts(), place.id, person.team, person.id, text, subtype="channel_join")
        self.world.messages.append(message)
        event = {"type": "member_joined_channel", "user": person.id, "channel": place.id, "team": person.team}
        event |= {"channel_type": "G" if place.is_private else "C", "event_ts": message.ts}
        self.dispatch(event, place.team, place)
        self.dispatch(message_event(self.world, message, place), place.team, place)

    def leave(self, user: User | str, channel: Channel | str) -> None:
        person, place = self.person(user), self.place(channel)
        event = {"type": "member_left_channel", "user": person.id, "channel": place.id, "team": person.team}
        event |= {"channel_type": "G" if place.is_private else "C", "event_ts": self.world.ts()}
        self.dispatch(event, place.team, place)
        place.members.discard(person.id)

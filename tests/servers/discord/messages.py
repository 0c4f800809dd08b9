"""REST: channel messages, typing and reactions."""

import time
from collections.abc import Iterable
from urllib.parse import unquote

from tests.servers.discord.channels import Channels
from tests.servers.discord.errors import ApiError, Form, snowflake
from tests.servers.discord.http import Answer, Call, Route
from tests.servers.discord.mentions import EVERYTHING
from tests.servers.discord.message_writer import MessageWriter, refuse_old
from tests.servers.discord.objects import Channel, Flag, Kind, Message, User
from tests.servers.discord.payloads import message_json
from tests.servers.discord.permissions import (
    ADD_REACTIONS,
    ATTACH_FILES,
    EMBED_LINKS,
    MANAGE_MESSAGES,
    MANAGE_THREADS,
    READ_MESSAGE_HISTORY,
    may,
    speaking,
)

FORTNIGHT = 14 * 24 * 3600


class Messages:
    """Everything under /channels/{channel}/messages. `typing` records channels and times."""

    def __init__(self, channels: Channels, writer: MessageWriter) -> None:
        self.channels, self.writer, self.platform = channels, writer, channels.platform
        self.typing: list[tuple[Channel, float]] = []
        self._nonces: dict[tuple[int, str], Message] = {}
        self._old_edits: dict[int, list[float]] = {}

    def routes(self) -> Iterable[Route]:
        here = "/channels/{channel}/messages"
        yield Route("GET", here, self.list)
        yield Route("POST", here, self.create)
        yield Route("POST", here + "/bulk-delete", self.delete_many)
        yield Route("GET", here + "/{message}", self.get)
        yield Route("PATCH", here + "/{message}", self.edit)
        yield Route("DELETE", here + "/{message}", self.delete)
        yield Route("PUT", here + "/{message}/reactions/{emoji}/@me", self.react)
        yield Route("DELETE", here + "/{message}/reactions/{emoji}/@me", self.unreact)
        yield Route("POST", "/channels/{channel}/typing", self.type)

    def create(self, call: Call) -> Answer:
        channel, body = self.channels.channel(call), call.form
        self._may_speak(channel)
        if body.get("embeds"):
            self.channels.need(channel, EMBED_LINKS)
        if call.files:
            self.channels.need(channel, ATTACH_FILES)
        message = self.writer.create(channel, body, call, EVERYTHING, reply_to=self._answered(channel, call))
        message.type, message.nonce = 19 if message.reply_to else 0, body.get("nonce")
        if first := self._first(message, bool(body.get("enforce_nonce"))):
            return 200, message_json(first)
        if channel.is_thread:
            self.platform.enter(channel, message.author, *message.mentions.users)
        return 200, message_json(self.platform.post(message))

    def _may_speak(self, channel: Channel) -> None:
        if channel.kind == Kind.FORUM:
            raise ApiError(40058)
        if channel.is_direct:
            self._may_write_to(channel.recipients[0])
        self.channels.need(channel, speaking(channel))
        if channel.locked and not may(self.platform.bot, channel, MANAGE_THREADS):
            raise ApiError(160005)

    def _may_write_to(self, person: User) -> None:
        """Refuse bots, users who accept no direct messages and users without a mutual guild."""
        if person.bot or not person.takes_direct_messages:
            raise ApiError(50007)
        guilds = [guild for guild in self.platform.store.guilds.values() if person.id in guild.members]
        installed = person in self.platform.store.application.installed_by
        if not installed and not any(self.platform.gateway.sees(guild) for guild in guilds):
            raise ApiError(50278)

    def _first(self, message: Message, enforced: bool) -> Message | None:
        """Return the message just sent with the same nonce, if any."""
        if message.nonce is None:
            return None
        key = message.channel.id, str(message.nonce)
        first = self._nonces.get(key)
        if enforced and first and time.time() - first.sent < self.platform.rules.nonce_memory:
            return first
        self._nonces[key] = message
        return None

    def _answered(self, channel: Channel, call: Call) -> Message | None:
        reference = call.part("message_reference")
        if not reference:
            return None
        if not may(self.platform.bot, channel, READ_MESSAGE_HISTORY):
            raise ApiError(160002)
        source = channel.messages.get(snowflake(reference.get("message_id"), "message_reference.message_id"))
        if source is None or source.deleted or source.ephemeral:
            if not reference.get("fail_if_not_exists", True):
                return None
            form = Form()
            form.fault("message_reference", "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message")
            form.check()
        return source

    def edit(self, call: Call) -> Answer:
        message = self._message(call)
        moderates = set(call.form) <= {"flags"} and may(self.platform.bot, message.channel, MANAGE_MESSAGES)
        if message.author is not self.platform.bot and not moderates:
            raise ApiError(50005)
        if message.channel.archived:
            raise ApiError(50083)
        refuse_old(self.platform, message, self._old_edits, time.time())
        return 200, message_json(self.writer.change(message, call.form, call, EVERYTHING))

    def delete(self, call: Call) -> Answer:
        message = self._message(call)
        if message.author is not self.platform.bot:
            if message.channel.is_direct:
                raise ApiError(50003)
            self.channels.need(message.channel, MANAGE_MESSAGES)
        self.platform.remove(message)
        return 204, None

    def delete_many(self, call: Call) -> Answer:
        channel = self.channels.channel(call)
        self.channels.need(channel, MANAGE_MESSAGES)
        wanted = [snowflake(one, "messages") for one in call.form.get("messages") or ()]
        if not 2 <= len(wanted) <= 100:
            raise ApiError(50016)
        messages = [channel.messages[one] for one in wanted if one in channel.messages]
        if any(time.time() - message.sent > FORTNIGHT for message in messages):
            raise ApiError(50034)
        if messages := [message for message in messages if not message.deleted]:
            self.platform.remove(*messages)
        return 204, None

    def get(self, call: Call) -> Answer:
        return 200, self.platform.seen(self._message(call))

    def list(self, call: Call) -> Answer:
        """List messages newest first, without ephemeral ones."""
        channel = self.channels.channel(call)
        form = Form()
        limit = form.number("limit", call.query.get("limit", "50"), 1, 100)
        form.check()
        if not may(self.platform.bot, channel, READ_MESSAGE_HISTORY):
            return 200, []
        said = sorted((one for one in channel.said if not one.ephemeral), key=lambda one: one.id, reverse=True)
        if "before" in call.query:
            said = [one for one in said if one.id < snowflake(call.query["before"], "before")]
        elif "after" in call.query:
            said = [one for one in said if one.id > snowflake(call.query["after"], "after")][-limit:]
        elif "around" in call.query:
            middle = snowflake(call.query["around"], "around")
            newer = [one for one in said if one.id > middle][-(limit // 2) :]
            said = newer + [one for one in said if one.id <= middle]
        return 200, [self.platform.seen(message) for message in said[:limit]]

    def type(self, call: Call) -> Answer:
        channel = self.channels.channel(call)
        self._may_speak(channel)
        self.typing.append((channel, time.time()))
        return 204, None

    def react(self, call: Call) -> Answer:
        message = self._message(call)
        self.channels.need(message.channel, ADD_REACTIONS)
        self.platform.react(self.platform.bot, message, unquote(call.params["emoji"]))
        return 204, None

    def unreact(self, call: Call) -> Answer:
        self.platform.react(self.platform.bot, self._message(call), unquote(call.params["emoji"]), taken_back=True)
        return 204, None

    def _message(self, call: Call) -> Message:
        """Return a message of the path that is neither deleted nor ephemeral, if the bot may read its channel."""
        channel = self.channels.channel(call)
        message = channel.messages.get(call.id("message"))
        if message is None or message.deleted or message.has(Flag.EPHEMERAL):
            raise ApiError(10008)
        if message.author is not self.platform.bot:
            self.channels.need(channel, READ_MESSAGE_HISTORY)
        return message

"""REST: starting threads from a message, without one or in a forum, and their members."""

from collections.abc import Iterable

from tests.servers.discord.channels import Channels
from tests.servers.discord.errors import ApiError, Form
from tests.servers.discord.http import Answer, Call, Route
from tests.servers.discord.mentions import EVERYTHING
from tests.servers.discord.message_writer import MessageWriter
from tests.servers.discord.objects import Channel, Json, Kind
from tests.servers.discord.payloads import message_json, thread_json, thread_member_json
from tests.servers.discord.permissions import (
    CREATE_PRIVATE_THREADS,
    CREATE_PUBLIC_THREADS,
    READ_MESSAGE_HISTORY,
    SEND_MESSAGES,
)

ARCHIVE_MINUTES = (60, 1440, 4320, 10080)


class Threads:
    def __init__(self, channels: Channels, writer: MessageWriter) -> None:
        self.channels, self.writer, self.platform = channels, writer, channels.platform

    def routes(self) -> Iterable[Route]:
        yield Route("POST", "/channels/{channel}/threads", self.create)
        yield Route("POST", "/channels/{channel}/messages/{message}/threads", self.create_from_message)
        yield Route("GET", "/channels/{channel}/thread-members", self.members)
        yield Route("PUT", "/channels/{channel}/thread-members/@me", self.join)
        yield Route("DELETE", "/channels/{channel}/thread-members/@me", self.leave)

    def create_from_message(self, call: Call) -> Answer:
        parent = self.channels.channel(call)
        message = parent.messages.get(call.id("message"))
        if message is None or message.deleted or message.ephemeral:
            raise ApiError(10008)
        if message.thread and not message.thread.deleted:
            raise ApiError(160004)
        if parent.kind != Kind.TEXT:
            raise ApiError(50024)
        self.channels.need(parent, CREATE_PUBLIC_THREADS | READ_MESSAGE_HISTORY)
        thread = self._thread(parent, call.form, Kind.PUBLIC_THREAD)
        self.platform.open_thread(thread, message)
        return 201, thread_json(thread, self.platform.bot)

    def create(self, call: Call) -> Answer:
        """Start a thread without a message in a text channel, or with its first message in a forum."""
        parent = self.channels.channel(call)
        if parent.kind == Kind.FORUM:
            return self._post(parent, call)
        if parent.kind != Kind.TEXT:
            raise ApiError(50024)
        private = call.form.get("type", Kind.PRIVATE_THREAD) == Kind.PRIVATE_THREAD
        self.channels.need(parent, CREATE_PRIVATE_THREADS if private else CREATE_PUBLIC_THREADS)
        thread = self._thread(parent, call.form, Kind.PRIVATE_THREAD if private else Kind.PUBLIC_THREAD)
        self.platform.open_thread(thread)
        return 201, thread_json(thread, self.platform.bot)

    def _post(self, forum: Channel, call: Call) -> Answer:
        self.channels.need(forum, SEND_MESSAGES)
        body = call.form.get("message")
        if not isinstance(body, dict):
            form = Form()
            form.fault("message", "BASE_TYPE_REQUIRED", "This field is required")
            form.check()
        assert isinstance(body, dict)
        self._check(call.form)
        message = self.writer.create(forum, body, call, EVERYTHING, prefix="message")
        thread = self._thread(forum, call.form, Kind.PUBLIC_THREAD)
        thread.applied_tags = [str(tag) for tag in call.form.get("applied_tags") or ()]
        message.channel = thread
        self.platform.open_thread(thread, message)
        thread.starter = self.platform.post(message)
        return 201, thread_json(thread, self.platform.bot) | {"message": message_json(message)}

    def _check(self, body: Json) -> None:
        form = Form()
        form.required("name", body.get("name"), 100)
        if (minutes := body.get("auto_archive_duration")) is not None:
            form.choice("auto_archive_duration", minutes, ARCHIVE_MINUTES)
        form.check()

    def _thread(self, parent: Channel, body: Json, kind: Kind) -> Channel:
        self._check(body)
        assert parent.guild
        thread = self.platform.store.channel(parent.guild, body["name"], kind, parent=parent)
        thread.owner, thread.joined = self.platform.bot, [self.platform.bot]
        thread.archive_minutes = body.get("auto_archive_duration") or 1440
        return thread

    def _here(self, call: Call) -> Channel:
        thread = self.channels.channel(call)
        if not thread.is_thread:
            raise ApiError(50024)
        return thread

    def members(self, call: Call) -> Answer:
        thread = self._here(call)
        return 200, [thread_member_json(thread, user) for user in thread.joined]

    def join(self, call: Call) -> Answer:
        thread = self._here(call)
        if self.platform.bot not in thread.joined:
            thread.joined.append(self.platform.bot)
            self.platform.changed(thread)
        return 204, None

    def leave(self, call: Call) -> Answer:
        thread = self._here(call)
        if self.platform.bot in thread.joined:
            thread.joined.remove(self.platform.bot)
            self.platform.changed(thread)
        return 204, None

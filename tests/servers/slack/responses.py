"""Short-lived permissions: messages to a response_url, and modals for a trigger_id."""

import json
import secrets
from dataclasses import dataclass, field

from aiohttp import web

from tests.servers.slack.calls import ApiError, Call
from tests.servers.slack.chat import content_of, new_message, publish, remove_message
from tests.servers.slack.events import message_changed
from tests.servers.slack.objects import Json, Message, User
from tests.servers.slack.payloads import message_payload
from tests.servers.slack.platform import Platform


@dataclass(slots=True)
class Trigger:
    """A permission to open one modal."""

    user: User
    at: float
    exchanged: bool = False


@dataclass(slots=True)
class ResponseUrl:
    """A permission to answer one user in one channel. `original` is the clicked message.

    For a command, `original` is the first answer, which later ones replace or delete.
    """

    id: str
    user: User
    channel: str
    at: float
    thread_ts: str | None = None
    original: Message | None = None
    posts: list[Json] = field(default_factory=list)


class Responses:
    """The triggers and response URLs that Slack has issued."""

    def __init__(self, slack: Platform) -> None:
        self._slack = slack
        self._triggers: dict[str, Trigger] = {}
        self.urls: dict[str, ResponseUrl] = {}

    def trigger(self, user: User) -> str:
        trigger_id = f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**10)}.{secrets.token_hex(16)}"
        self._triggers[trigger_id] = Trigger(user, self._slack.now)
        return trigger_id

    def exchange(self, trigger_id: str) -> User:
        """Use up a trigger and return its user."""
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise ApiError("invalid_trigger_id")
        if self._slack.now - trigger.at > self._slack.rules.trigger_lifetime:
            raise ApiError("expired_trigger_id")
        if trigger.exchanged:
            raise ApiError("exchanged_trigger_id")
        trigger.exchanged = True
        return trigger.user

    def url(self, user: User, channel: str, original: Message | None = None) -> ResponseUrl:
        url = ResponseUrl(secrets.token_hex(12), user, channel, self._slack.now, original=original)
        url.thread_ts = original.thread_ts if original else None
        self.urls[url.id] = url
        return url

    async def serve(self, request: web.Request) -> web.Response:
        """Handle a post to a response URL. Errors have an HTTP status; success is the plain text "ok"."""
        try:
            url = self._usable(request.match_info["id"])
            try:
                body = json.loads(await request.text())
            except ValueError:
                raise ApiError("invalid_payload", status=400) from None
            if not isinstance(body, dict):
                raise ApiError("invalid_payload", status=400)
            url.posts.append(body)
            self.respond(url, body)
        except ApiError as refused:
            status = 400 if refused.status == 200 else refused.status
            return web.json_response(refused.body, status=status)
        finally:
            self._slack.changed()
        return web.Response(text="ok")

    def _usable(self, url_id: str) -> ResponseUrl:
        url, rules = self.urls.get(url_id), self._slack.rules
        if url is None:
            raise ApiError("no_service", status=404)
        if self._slack.now - url.at > rules.response_url_lifetime:
            raise ApiError("expired_url", status=404)
        if len(url.posts) >= rules.response_url_uses:
            raise ApiError("used_url", status=404)
        return url

    def respond(self, url: ResponseUrl, body: Json) -> None:
        """Delete or replace the original, or post a new message."""
        channel = self._slack.store.channels[url.channel]
        original = url.original if url.original and not url.original.deleted else None
        if body.get("delete_original"):
            if original:
                remove_message(self._slack, original, channel)
            return
        installation = self._slack.installed(channel.team)
        assert installation
        call = Call("response_url", body, installation.token, self._slack.now, installation)
        content = content_of(call)
        if body.get("replace_original") and original:
            self._replace(original, content)
            return
        message = new_message(self._slack, installation, channel, content, body.get("thread_ts") or url.thread_ts)
        if body.get("response_type") == "in_channel":
            publish(self._slack, message, channel)
        else:
            message.ephemeral_to = url.user.id
            self._slack.store.messages.append(message)
        url.original = url.original or message

    def _replace(self, original: Message, content: Json) -> None:
        before = message_payload(original)
        original.show(content["text"])
        original.blocks, original.attachments = content["blocks"], content["attachments"]
        original.edits += 1
        channel = self._slack.store.channels[original.channel]
        if not original.ephemeral_to:
            event = message_changed(self._slack.store, original, before, channel)
            self._slack.dispatch(event, channel.team, channel)

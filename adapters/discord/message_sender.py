"""Where an answer goes, and its messages: written by the interaction's token while it lives, then by the bot itself."""

import secrets
from dataclasses import dataclass, replace
from time import time
from typing import Annotated, Any

import structlog
from pydantic import Field

from adapters.discord.rest_api import (
    CANNOT_REPLY,
    GONE,
    TOKEN_EXPIRED,
    DiscordRefusedError,
    RestApi,
)
from core.chat.platform_errors import PlatformError
from core.domain import Conversation

log = structlog.get_logger()

ALLOWED_MENTIONS = {"parse": [], "replied_user": False}
SUPPRESS_EMBEDS = 1 << 2
EPHEMERAL = 1 << 6

_MESSAGE = "/channels/{channel_id}/messages/{message_id}"
_WEBHOOK = "/webhooks/{webhook_id}/{webhook_token}"

Content = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReplyTarget:
    """A channel, thread or direct conversation, for everyone there or for one person.

    Plain JSON, so that another process can continue there; aliases are the names under which running deployments store
    it. All ids are Discord's; an empty string means none.

    `parent` is the channel of a thread; `question` is the message that is answered. With an interaction's `token`, the
    bot needs no permission in the channel until `token_expires_at` (seconds since 1970). `original` is the message that
    Discord calls @original; `deferred` means that its “thinking…” is still to be filled. `writable` is whether the bot
    may write there without a token.
    """

    channel: str
    user: str
    guild: str = ""
    parent: str = ""
    question: str = ""
    application: str = ""
    token: str = ""
    token_expires_at: Annotated[float, Field(alias="until")] = 0.0
    original: str = ""
    deferred: Annotated[bool, Field(alias="promised")] = False
    private: bool = False
    writable: bool = True

    @property
    def place(self) -> Conversation:
        """The channel, or the thread with its channel, whoever asks there."""
        return Conversation("discord", self.parent or self.channel, self.guild, self.channel if self.parent else "")

    @property
    def conversation(self) -> Conversation:
        """Each thread is one conversation; in a channel, and privately, each person has one."""
        if self.private:
            return replace(self.place, thread=f"private:{self.user}")
        alone = self.parent or not self.guild or not self.user
        return self.place if alone else replace(self.place, thread=f"person:{self.user}")

    @property
    def outlives_token(self) -> bool:
        """Whether the answer can continue in place after the token has expired."""
        return self.writable and not self.private


class MessageSender:
    """Writes, edits and deletes the messages of one answer, without pings or link previews.

    All methods raise DiscordRefusedError and DiscordUnreachableError.
    """

    def __init__(self, api: RestApi, target: ReplyTarget) -> None:
        self._api = api
        self.target = target
        self._channel = target.channel
        self._deferred = target.deferred
        self._expired = not target.token
        self._replies_to = target.question
        self._not_by_token: set[str] = set()
        """Messages that the token does not reach: the bot's own, and those of another interaction."""

    @property
    def by_token(self) -> bool:
        """Whether the token is still used, as far as is known; where nothing else works, to its very end."""
        return not self._expired and (time() < self.target.token_expires_at or not self.target.outlives_token)

    async def create(self, content: Content, nonce: str = "") -> str:
        """Write a message and return its id.

        Repeated calls with the same `nonce` write one message. The first message after a deferred response fills it.
        """
        if self.by_token and self._deferred:
            try:
                return await self._fill_deferred(content)
            except DiscordRefusedError as error:
                self._expire(error)
        if self.target.private or not self.target.writable:
            return await self._follow_up(content, nonce)
        return await self._post(content, nonce)

    async def edit(self, message: str, content: Content) -> None:
        body = {**content, "flags": SUPPRESS_EMBEDS, "allowed_mentions": ALLOWED_MENTIONS}
        if self.by_token and message not in self._not_by_token:
            try:
                path = f"{_WEBHOOK}/messages/{{message_id}}"
                await self._api.call_with_retries("PATCH", path, body, **self._params(message))
                return
            except DiscordRefusedError as error:
                if error.code not in GONE or not self.target.outlives_token:
                    self._expire(error)
                self._not_by_token.add(message)
        if self.target.private and not self._redirected:
            raise DiscordRefusedError(50027, "the token of a private answer has expired")
        await self._api.call_with_retries("PATCH", _MESSAGE, body, channel_id=self._channel, message_id=message)

    async def delete(self, message: str) -> None:
        """Delete a message if possible; failures are logged."""
        try:
            if self.by_token and message not in self._not_by_token:
                path = f"{_WEBHOOK}/messages/{{message_id}}"
                await self._api.call_with_retries("DELETE", path, None, **self._params(message))
            else:
                await self._api.call_with_retries("DELETE", _MESSAGE, channel_id=self._channel, message_id=message)
        except PlatformError as error:
            log.info("message deletion failed", cause=str(error))

    async def send_ephemeral(self, content: Content) -> None:
        """Write a message that only the interaction's user sees; it needs the token."""
        body = {**content, "flags": SUPPRESS_EMBEDS | EPHEMERAL, "allowed_mentions": ALLOWED_MENTIONS}
        await self._api.call_with_retries("POST", _WEBHOOK, body, **self._token)

    async def show_typing(self) -> None:
        await self._api.call("POST", "/channels/{channel_id}/typing", channel_id=self._channel)

    async def react(self, emoji: str) -> None:
        """React to the message that is answered."""
        path = f"{_MESSAGE}/reactions/{{emoji}}/@me"
        message = self.target.question
        await self._api.call_with_retries("PUT", path, channel_id=self.target.channel, message_id=message, emoji=emoji)

    async def switch_to_dm(self) -> None:
        """Send everything from now on to the asker's direct conversation with the bot."""
        opened = await self._api.call_with_retries("POST", "/users/@me/channels", {"recipient_id": self.target.user})
        self._channel = str(opened["id"])
        self._expired = True

    @property
    def _redirected(self) -> bool:
        return self._channel != self.target.channel

    async def _fill_deferred(self, content: Content) -> str:
        body = {**content, "flags": SUPPRESS_EMBEDS, "allowed_mentions": ALLOWED_MENTIONS}
        filled = await self._api.call_with_retries("PATCH", f"{_WEBHOOK}/messages/@original", body, **self._token)
        self._deferred = False
        return str(filled["id"])

    async def _follow_up(self, content: Content, nonce: str) -> str:
        """Write a follow-up where the bot may not post, or a direct message when the token has expired."""
        if not self.by_token:
            if not self._redirected:
                await self.switch_to_dm()
            return await self._post(content, nonce)
        flags = SUPPRESS_EMBEDS | (EPHEMERAL if self.target.private else 0)
        body = {**content, "flags": flags, "allowed_mentions": ALLOWED_MENTIONS}
        posted = await self._api.call_with_retries("POST", _WEBHOOK, body, **self._token)
        return str(posted["id"])

    async def _post(self, content: Content, nonce: str) -> str:
        once = {"nonce": nonce or secrets.token_hex(8), "enforce_nonce": True}
        body = {**content, **once, "flags": SUPPRESS_EMBEDS, "allowed_mentions": ALLOWED_MENTIONS}
        if self._replies_to and not self._redirected:
            body["message_reference"] = {"message_id": self._replies_to, "fail_if_not_exists": False}
        path = "/channels/{channel_id}/messages"
        try:
            posted = await self._api.call_with_retries("POST", path, body, channel_id=self._channel)
        except DiscordRefusedError as error:
            if error.code != CANNOT_REPLY:
                raise
            del body["message_reference"]
            posted = await self._api.call_with_retries("POST", path, body, channel_id=self._channel)
        self._replies_to = ""  # only the first message is a reply
        message = str(posted["id"])
        self._not_by_token.add(message)
        return message

    def _expire(self, error: DiscordRefusedError) -> None:
        """Stop using the token, or raise the error if it has another reason."""
        if error.code not in TOKEN_EXPIRED:
            raise error
        log.info("interaction token expired", cause=str(error))
        self._expired = True

    def _params(self, message: str) -> dict[str, str]:
        return {**self._token, "message_id": "@original" if message == self.target.original else message}

    @property
    def _token(self) -> dict[str, str]:
        return {"webhook_id": self.target.application, "webhook_token": self.target.token}

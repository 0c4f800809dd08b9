"""What one answer is written through: the interaction's token as long as that lives, then the channel itself."""

import secrets
from time import time
from typing import Any

import structlog

from adapters.discord.reply_target import ReplyTarget
from adapters.discord.rest_api import (
    GONE,
    NO_REPLIES,
    TOKEN_SPENT,
    DiscordRefusedError,
    DiscordUnreachableError,
    RestApi,
)

log = structlog.get_logger()

ALLOWED_MENTIONS = {"parse": [], "replied_user": False}
SUPPRESS_EMBEDS = 1 << 2
EPHEMERAL = 1 << 6

_MESSAGE = "/channels/{channel_id}/messages/{message_id}"
_TOKENS = "/webhooks/{webhook_id}/{webhook_token}"

Content = dict[str, Any]


class MessageSender:
    """Writes, edits and deletes the messages of one answer. Nothing that is written pings anybody or previews a link.

    Raises DiscordRefusedError and DiscordUnreachableError.
    """

    def __init__(self, calls: RestApi, place: ReplyTarget) -> None:
        self._calls = calls
        self._place = place
        self._channel = place.channel
        self._promised = place.promised
        self._spent = not place.token
        self._replies_to = place.question
        self._elsewhere: set[str] = set()
        """Messages that the token does not reach: those of another interaction."""

    @property
    def place(self) -> ReplyTarget:
        return self._place

    @property
    def by_token(self) -> bool:
        """Whether the token still lives, as far as is known. Where there is nothing else, it is used to its very
        end."""
        return not self._spent and (time() < self._place.until or not self._place.outlives_token)

    async def create(self, content: Content, nonce: str = "") -> str:
        """A new message; its name. A message with the same `nonce` is written once only, however often that is tried.
        The first one of a deferred interaction takes the place of the promise."""
        if self.by_token and self._promised:
            try:
                return await self._fill(content)
            except DiscordRefusedError as error:
                self._spend(error)
        if self._place.private or not self._place.writable:
            return await self._follow_up(content, nonce)
        return await self._post(content, nonce)

    async def edit(self, message: str, content: Content) -> None:
        """Writes a message anew."""
        body = {**content, "flags": SUPPRESS_EMBEDS, "allowed_mentions": ALLOWED_MENTIONS}
        if self.by_token and message not in self._elsewhere:
            try:
                await self._calls.insist("PATCH", f"{_TOKENS}/messages/{{message_id}}", body, **self._named(message))
                return
            except DiscordRefusedError as error:
                if error.code not in GONE or not self._place.outlives_token:
                    self._spend(error)
                self._elsewhere.add(message)
        if self._place.private and self._channel == self._place.channel:
            raise DiscordRefusedError(50027, "the time of a private answer is over")
        await self._calls.insist("PATCH", _MESSAGE, body, channel_id=self._channel, message_id=message)

    async def delete(self, message: str) -> None:
        """Deletes a message, if it can be; what is gone already is well."""
        try:
            if self.by_token and message not in self._elsewhere:
                await self._calls.insist("DELETE", f"{_TOKENS}/messages/{{message_id}}", None, **self._named(message))
            else:
                await self._calls.insist("DELETE", _MESSAGE, channel_id=self._channel, message_id=message)
        except (DiscordRefusedError, DiscordUnreachableError) as error:
            log.info("a message could not be deleted", cause=str(error))

    async def whisper(self, content: Content) -> None:
        """A message that only the person sees who has pressed the button; without the token there is none."""
        body = {**content, "flags": SUPPRESS_EMBEDS | EPHEMERAL, "allowed_mentions": ALLOWED_MENTIONS}
        await self._calls.insist("POST", _TOKENS, body, **self._token)

    async def type(self) -> None:
        """Shows for some ten seconds that the bot is writing."""
        await self._calls.call("POST", "/channels/{channel_id}/typing", channel_id=self._channel)

    async def switch_to_dm(self) -> None:
        """From here on everything goes to whoever asked, in their direct conversation with the bot."""
        opened = await self._calls.insist("POST", "/users/@me/channels", {"recipient_id": self._place.user})
        self._channel = str(opened["id"])
        self._spent = True

    @property
    def _direct(self) -> bool:
        return self._channel != self._place.channel

    async def _fill(self, content: Content) -> str:
        body = {**content, "flags": SUPPRESS_EMBEDS, "allowed_mentions": ALLOWED_MENTIONS}
        filled = await self._calls.insist("PATCH", f"{_TOKENS}/messages/@original", body, **self._token)
        self._promised = False
        return str(filled["id"])

    async def _follow_up(self, content: Content, nonce: str) -> str:
        """What cannot be posted in the channel follows on the first response; without a token, it goes to the
        person."""
        if not self.by_token:
            if not self._direct:
                await self.switch_to_dm()
            return await self._post(content, nonce)
        flags = SUPPRESS_EMBEDS | (EPHEMERAL if self._place.private else 0)
        body = {**content, "flags": flags, "allowed_mentions": ALLOWED_MENTIONS}
        posted = await self._calls.insist("POST", _TOKENS, body, **self._token)
        return str(posted["id"])

    async def _post(self, content: Content, nonce: str) -> str:
        once = {"nonce": nonce or secrets.token_hex(8), "enforce_nonce": True}
        body = {**content, **once, "flags": SUPPRESS_EMBEDS, "allowed_mentions": ALLOWED_MENTIONS}
        if self._replies_to and not self._direct:
            body["message_reference"] = {"message_id": self._replies_to, "fail_if_not_exists": False}
        path = "/channels/{channel_id}/messages"
        try:
            posted = await self._calls.insist("POST", path, body, channel_id=self._channel)
        except DiscordRefusedError as error:
            if error.code != NO_REPLIES:
                raise
            del body["message_reference"]
            posted = await self._calls.insist("POST", path, body, channel_id=self._channel)
        self._replies_to = ""  # what follows stands below it
        return str(posted["id"])

    def _spend(self, error: DiscordRefusedError) -> None:
        """The token is not to be used any more; unless it was refused for another reason."""
        if error.code not in TOKEN_SPENT:
            raise error
        log.info("an interaction's token is spent", cause=str(error))
        self._spent = True

    def _named(self, message: str) -> dict[str, str]:
        return {**self._token, "message_id": "@original" if message == self._place.original else message}

    @property
    def _token(self) -> dict[str, str]:
        return {"webhook_id": self._place.application, "webhook_token": self._place.token}

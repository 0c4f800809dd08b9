"""Writing of answers: the signs of work, the rate of edits, and the time limit of private answers."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from time import time
from weakref import WeakValueDictionary

import structlog

from adapters.discord.message_sender import MessageSender, ReplyTarget
from adapters.discord.messages import quote
from adapters.discord.reply import TOKEN_REMEDY, DiscordReply, MessageSequence
from adapters.discord.rest_api import RestApi
from core.chat.answer_session import AnswerSessions, RunningAnswer
from core.chat.pending_question import PendingQuestion
from core.chat.platform_errors import PlatformError
from core.chat.services import ChatServices
from core.errors import FootnotedError
from core.periodic import running_periodically

log = structlog.get_logger()

TYPING_EVERY = timedelta(seconds=8)
"""Discord shows for ten seconds that the bot is typing."""

UPDATE_INTERVAL = timedelta(seconds=1)
CHANNEL_EDIT_INTERVAL = timedelta(seconds=1.25)
"""Discord allows about five edits per five seconds in a channel; one stays free for an answer that ends."""


class TokenExpiredError(FootnotedError):
    """A private answer took longer than the 15 minutes for which Discord lets it be written."""

    code = "OutOfTime"
    user_message = TOKEN_REMEDY


class ChannelRateLimit:
    """Slots for edits in one channel, handed out in the order of requests."""

    def __init__(self, interval: timedelta = CHANNEL_EDIT_INTERVAL) -> None:
        self._interval = interval.total_seconds()
        self._next = 0.0

    async def wait(self) -> None:
        wait = self.reserve()
        if wait > 0:
            await asyncio.sleep(wait)

    def reserve(self) -> float:
        """Reserve the next slot and return the seconds until it; a caller that does not wait delays the others."""
        now = asyncio.get_running_loop().time()
        slot = max(now, self._next)
        self._next = slot + self._interval
        return slot - now


class UpdatePace:
    """The pause between updates of one answer; the first text is shown at once.

    Edits by an interaction's token have a rate limit of their own and use no slot of the channel.
    """

    def __init__(self, sender: MessageSender, limit: ChannelRateLimit, interval: timedelta = UPDATE_INTERVAL) -> None:
        self._sender = sender
        self._limit = limit
        self._interval = interval.total_seconds()
        self._next: float | None = None

    async def __call__(self) -> None:
        loop = asyncio.get_running_loop()
        if self._next is not None:
            await asyncio.sleep(max(0.0, self._next - loop.time()))
        if not self._sender.by_token:
            if self._next is None:
                self._limit.reserve()
            else:
                await self._limit.wait()
        self._next = loop.time() + self._interval


class AnswerWriter:
    """Writes answers to Discord, many at a time."""

    def __init__(self, api: RestApi, services: ChatServices) -> None:
        self._api = api
        self._services = services
        self._limits: WeakValueDictionary[str, ChannelRateLimit] = WeakValueDictionary()
        self._sessions = AnswerSessions[DiscordReply](services)

    @property
    def running(self) -> Mapping[str, RunningAnswer[DiscordReply]]:
        return self._sessions.running

    async def write(
        self, name: str, pending: PendingQuestion, target: ReplyTarget, old: Sequence[str] = (), *, quoted: bool = False
    ) -> None:
        """Answer a question, in the `old` messages if there are any.

        Where others read the answer, one that is `quoted` starts with its question, which Discord does not show them.
        """
        # An old message has already filled the deferred response.
        sender = MessageSender(self._api, replace(target, deferred=target.deferred and not old))
        note, is_lost = partial(self._services.note_reply, pending.id), partial(self._services.is_event_lost, name)
        head = quote(pending.text) if quoted and not target.private else ""
        messages = MessageSequence(sender, pending.nonce or pending.id, note, is_lost, old, head)
        reply = DiscordReply(sender, messages, pending.id, self._services.emoji)
        pace = UpdatePace(sender, self._limits.setdefault(target.channel, ChannelRateLimit()))
        await self._sessions.run(name, pending, reply, pause=pace, activity=_activity(sender, reply))


@asynccontextmanager
async def _activity(sender: MessageSender, reply: DiscordReply) -> AsyncGenerator[None, None]:
    """Show that the bot is typing, and raise TokenExpiredError when a private answer runs out of time."""
    try:
        async with asyncio.timeout(_seconds_left(sender)), _typing(sender, reply):
            yield
    except TimeoutError as error:
        raise TokenExpiredError from error


@asynccontextmanager
async def _typing(sender: MessageSender, reply: DiscordReply) -> AsyncGenerator[None, None]:
    """Show that the bot is typing until there is text; after a command, Discord itself shows “is thinking…”."""

    async def show() -> None:
        if not reply.started:
            await _show_typing(sender)

    if sender.by_token or sender.target.private:  # the channel is not where a private answer appears
        yield
        return
    async with running_periodically(show, every=TYPING_EVERY), asyncio.TaskGroup() as tasks:
        first = tasks.create_task(_show_typing(sender))
        try:
            yield
        finally:
            first.cancel()


async def _show_typing(sender: MessageSender) -> None:
    try:
        await sender.show_typing()
    except PlatformError as error:
        log.debug("typing indicator failed", cause=str(error))


def _seconds_left(sender: MessageSender) -> float | None:
    """Return the seconds until an answer must end that cannot continue without its token."""
    if not sender.by_token or sender.target.outlives_token:
        return None
    return max(0.0, sender.target.token_expires_at - time())

"""From a question to its answer where it was asked: the signs of work, the pace, and what happens when the answer is
not wanted any more, or cannot be written there."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from time import time
from typing import TypeVar

import structlog

from adapters.discord.message_sender import MessageSender
from adapters.discord.message_sequence import AnswerStoppedError, MessageSequence
from adapters.discord.messages import message
from adapters.discord.rate_limit import ChannelRateLimits, SharedPace
from adapters.discord.reply import DiscordReply
from adapters.discord.reply_target import ReplyTarget
from adapters.discord.rest_api import NO_ACCESS, TOKEN_SPENT, DiscordRefusedError, DiscordUnreachableError, RestApi
from core.chat.delivery import deliver
from core.chat.pacing import paced
from core.chat.services import ChatServices
from core.domain import Answer, Question
from core.errors import FootnotedError, to_footnoted_error
from core.periodic import running_periodically

log = structlog.get_logger()

Failure = TypeVar("Failure", bound=Exception)

TYPES_EVERY = timedelta(seconds=8)
"""Discord shows for ten seconds that somebody is typing."""

NO_ENTRY = "I may not write there: whoever runs that server can let me view the channel and send messages in it."


class TokenExpiredError(FootnotedError):
    """Discord lets a private answer be written for 15 minutes only."""

    code = "OutOfTime"
    user_message = "Discord gives a private answer no more time than this; please ask again."


@dataclass(frozen=True, slots=True)
class PendingQuestion:
    """A question that has yet to be put together: names are looked up for it, and what it replies to. A question that
    was `answered` already is not asked again: its answer is only written to its end."""

    id: str
    compose: Callable[[], Awaitable[Question]]
    answered: Answer | None = None
    nonce: str = ""


class AnswerSessions:
    """Writes answers, many at a time; `question_context` holds those that are being written, by the names of their
    questions."""

    def __init__(self, calls: RestApi, desk: ChatServices, budgets: ChannelRateLimits | None = None) -> None:
        self._calls = calls
        self._desk = desk
        self._budgets = budgets or ChannelRateLimits()
        self.running: dict[str, DiscordReply] = {}

    async def answer(self, name: str, asking: PendingQuestion, place: ReplyTarget, old: Sequence[str] = ()) -> None:
        """Answers a question, in the `old` messages when there are any."""
        # What stands there already has filled the promise.
        outlet = MessageSender(self._calls, replace(place, promised=place.promised and not old))
        noted, lost = partial(self._desk.replies.note, asking.id), partial(self._desk.once.is_taken_over, name)
        reply = DiscordReply(MessageSequence(outlet, asking.nonce or asking.id, noted, lost, old), asking.id)
        self.running[name] = reply
        try:
            await self._deliver(asking, outlet, reply)
        except* AnswerStoppedError:
            log.info("an answer was stopped", question=name)
        except* TimeoutError:
            late = TokenExpiredError()
            log.warning("a private answer ran out of time", error_id=late.id, question=name)
            await self._attempt(reply.fail(late), name)
        except* DiscordRefusedError as group:
            await self._tell_elsewhere(outlet, _first(group))
        except* DiscordUnreachableError as group:
            log.error("an answer could not be written", question=name, cause=str(_first(group)))
        except* Exception as group:  # a door: whoever asked is not left with silence
            known = to_footnoted_error(_first(group))
            log.error("an answer failed", error_id=known.id, cause=str(known), exc_info=group)
            await self._attempt(reply.fail(known), name)
        finally:
            if self.running.get(name) is reply:
                del self.running[name]

    async def _deliver(self, asking: PendingQuestion, outlet: MessageSender, reply: DiscordReply) -> None:
        if asking.answered:
            await reply.finish(asking.answered)
            return
        pace = SharedPace(outlet, self._budgets.of(outlet.place.channel))
        async with asyncio.timeout(_seconds_left(outlet)), _typing(outlet, reply), paced(reply, pace) as slow:
            await deliver(self._desk.asker.ask(await asking.compose()), slow)

    async def _attempt(self, telling: Awaitable[None], name: str) -> None:
        try:
            await telling
        except (DiscordRefusedError, DiscordUnreachableError) as error:
            log.error("that an answer failed could not be told", question=name, cause=str(error))

    async def _tell_elsewhere(self, outlet: MessageSender, refused: DiscordRefusedError) -> None:
        """Where the bot may not write, whoever asked is told in a direct message what to do about it."""
        log.error("Discord refused an answer", code=refused.code, cause=str(refused), channel=outlet.place.channel)
        if refused.code not in NO_ACCESS | TOKEN_SPENT:
            return
        cure = NO_ENTRY if refused.code in NO_ACCESS else TokenExpiredError.user_message
        try:
            await outlet.switch_to_dm()
            await outlet.create(message(f"You asked me in <#{outlet.place.channel}>. {cure}"))
        except (DiscordRefusedError, DiscordUnreachableError) as error:
            log.warning("whoever asked could not be told", cause=str(error))


def ready(question: Question) -> PendingQuestion:
    """A question that is put together already."""

    async def compose() -> Question:
        return question

    return PendingQuestion(question.id, compose)


@asynccontextmanager
async def _typing(outlet: MessageSender, reply: DiscordReply) -> AsyncGenerator[None, None]:
    """Shows that the bot is writing, until there is something to read; after a command Discord shows that by itself."""

    async def show() -> None:
        if not reply.begun:
            await _type(outlet)

    if outlet.by_token:
        yield
        return
    async with running_periodically(show, every=TYPES_EVERY), asyncio.TaskGroup() as tasks:
        first = tasks.create_task(_type(outlet))
        try:
            yield
        finally:
            first.cancel()


async def _type(outlet: MessageSender) -> None:
    try:
        await outlet.type()
    except (DiscordRefusedError, DiscordUnreachableError) as error:
        log.debug("no sign of work can be shown", cause=str(error))


def _seconds_left(outlet: MessageSender) -> float | None:
    """Until an answer has to end that cannot go on without its token."""
    if not outlet.by_token or outlet.place.outlives_token:
        return None
    return max(0.0, outlet.place.until - time())


def _first(group: ExceptionGroup[Failure]) -> Failure:
    """The error that ended an answer; the others are what it caused."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, ExceptionGroup) else first

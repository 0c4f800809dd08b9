"""From a question to its answer in the thread: the status, the pace, and what happens when the answer is not wanted any
more, or cannot be written there."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeVar

import structlog
from aiolimiter import AsyncLimiter
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.growing_message import AnswerStoppedError
from adapters.slack.message_sequence import MessageSequence, Workspace
from adapters.slack.reply import SlackReply
from adapters.slack.reply_target import ReplyTarget
from adapters.slack.status import Status
from adapters.slack.timeouts import USUAL, Timeouts
from adapters.slack.web_api import SlackRefusedError, SlackUnreachableError, call_api
from core.chat.delivery import deliver
from core.chat.pacing import ReplyPace, paced
from core.chat.services import ChatServices
from core.domain import Question
from core.errors import to_footnoted_error

log = structlog.get_logger()

Failure = TypeVar("Failure", bound=Exception)

GROWS_EVERY = timedelta(seconds=0.8)
APPENDS_A_MINUTE = 100
"""Of all answers together: chat.appendStream is of tier 4, and chat.update, of tier 3, takes half as many."""

CURES = {
    "not_in_channel": "I am not in that channel: invite me there with `/invite`, and ask again.",
    "channel_not_found": "I cannot see that channel: invite me there with `/invite`, and ask again.",
    "is_archived": "That channel is archived, so I cannot answer there.",
    "restricted_action": "That channel does not let me write: an admin can change who may post there.",
}


@dataclass(frozen=True, slots=True)
class PendingQuestion:
    """A question that has yet to be put together: names are looked up for it, and a thread may be read."""

    id: str
    compose: Callable[[], Awaitable[Question]]


@dataclass(frozen=True, slots=True)
class RunningAnswer:
    """An answer that is being written."""

    place: ReplyTarget
    reply: SlackReply
    task: asyncio.Task[None]


class AnswerSessions:
    """Writes answers, many at a time; `question_context` holds those that are being written, by the names of their
    questions."""

    def __init__(self, client: AsyncWebClient, desk: ChatServices, times: Timeouts = USUAL) -> None:
        self._client = client
        self._desk = desk
        self._workspace = Workspace(times.streams_for)
        self._budget = AsyncLimiter(APPENDS_A_MINUTE, 60)
        self.running: dict[str, RunningAnswer] = {}

    async def answer(self, name: str, asking: PendingQuestion, place: ReplyTarget, old: Sequence[str] = ()) -> None:
        """Answers a question, in the `old` messages when there are any. That the bot is at work is seen first."""
        status = Status(self._client, place)
        noted, lost = partial(self._desk.replies.note, name), partial(self._desk.once.is_taken_over, name)
        pages = MessageSequence(self._client, place, self._workspace, noted, lost, old)
        reply = SlackReply(self._client, place, asking.id, status, pages)
        self.running[name] = running = RunningAnswer(place, reply, current_task())
        try:
            async with status.shown(), paced(reply, ReplyPace(GROWS_EVERY, self._budget)) as slow:
                await deliver(self._desk.asker.ask(await asking.compose()), slow)
        except* AnswerStoppedError:
            log.info("an answer was stopped", question=name)
            await reply.stop()
        except* SlackRefusedError as group:
            await self._tell_elsewhere(place, _first(group))
        except* SlackUnreachableError as group:
            log.error("an answer could not be written", question=name, cause=str(_first(group)))
        except* Exception as group:  # a door: whoever asked is not left with silence
            known = to_footnoted_error(_first(group))
            log.error("an answer failed", error_id=known.id, cause=str(known), exc_info=group)
            await reply.fail(known)
        finally:
            if self.running.get(name) is running:
                del self.running[name]

    async def _tell_elsewhere(self, place: ReplyTarget, refused: SlackRefusedError) -> None:
        """Where the bot may not write, whoever asked is told in a direct message what to do about it."""
        cure = CURES.get(refused.error)
        log.error("Slack refused an answer", error=refused.error, channel=place.channel, cure=cure)
        if cure is None:
            return
        try:
            opened = await call_api(self._client.conversations_open(users=place.user))
            text = f"You asked me in <#{place.channel}>. {cure}"
            await call_api(self._client.chat_postMessage(channel=opened["channel"]["id"], text=text))
        except (SlackRefusedError, SlackUnreachableError) as error:
            log.warning("whoever asked could not be told", cause=str(error))


def current_task() -> asyncio.Task[None]:
    """The task in which this runs."""
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("answers are written in tasks")
    return task


def ready(question: Question) -> PendingQuestion:
    """A question that is put together already."""

    async def compose() -> Question:
        return question

    return PendingQuestion(question.id, compose)


def _first(group: ExceptionGroup[Failure]) -> Failure:
    """The error that ended an answer; the others are what it caused."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, ExceptionGroup) else first

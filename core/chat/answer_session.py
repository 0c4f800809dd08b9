"""The answers that this process is writing, and what happens when one cannot be written to its end."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import structlog

from core.answerer import Answered, AnswerEvent, Found
from core.chat.delivery import Reply, deliver
from core.chat.error_report import report_error
from core.chat.paced_reply import Pause, paced
from core.chat.pending_question import PendingQuestion
from core.chat.platform_errors import AnswerStoppedError, PlatformError, RefusedError, UnreachableError
from core.chat.services import ChatServices
from core.domain import Answer
from core.errors import FootnotedError
from core.exception_groups import first_error
from core.question_language import use_language_of

log = structlog.get_logger()

NoteMessages = Callable[[Sequence[str]], Awaitable[None]]
"""Stores the names of all of an answer's messages whenever one is added."""

IsLost = Callable[[], Awaitable[bool]]
"""Returns whether another process now writes the answer, in the same messages."""


class ChatReply(Reply, Protocol):
    """A reply on a chat platform. `finish` and `fail` raise PlatformError; `grow` raises AnswerStoppedError as well."""

    @property
    def over(self) -> bool:
        """Whether the reply has ended, whatever is still running behind it."""
        ...

    async def stop(self) -> None:
        """Mark the text shown so far as stopped."""
        ...

    async def remove(self) -> None:
        """Delete the reply's messages."""
        ...

    def remedy(self, error: RefusedError) -> str:
        """Return what the user can do about a refusal; nothing when it is not in their power."""
        ...

    async def mark_unanswered(self) -> None:
        """Show with a reaction that a question was seen that the posts do not answer, if possible."""
        ...

    async def tell_asker(self, text: str) -> None:
        """Send a direct message that names the channel and says what to do there. Raises PlatformError."""
        ...


R = TypeVar("R", bound=ChatReply)


@dataclass(frozen=True, slots=True)
class RunningAnswer(Generic[R]):
    """An answer that is being written, and the task that writes it."""

    reply: R
    task: asyncio.Task[None]


class AnswerSessions(Generic[R]):
    """Writes answers, many at a time."""

    def __init__(self, services: ChatServices) -> None:
        self._services = services
        self._running: dict[str, RunningAnswer[R]] = {}

    @property
    def running(self) -> Mapping[str, RunningAnswer[R]]:
        """Answers that are being written, by the names of their events."""
        return self._running

    async def run(
        self,
        name: str,
        pending: PendingQuestion,
        reply: R,
        *,
        pause: Pause,
        activity: AbstractAsyncContextManager[object],
    ) -> None:
        """Answer a question in a reply that grows after each `pause`; `activity` shows the user that it is at work."""
        self._running[name] = running = RunningAnswer(reply, current_task())
        use_language_of(pending.text)
        try:
            await self._answer(pending, reply, pause, activity)
        except* AnswerStoppedError:
            log.info("answer stopped", question=name)
            await reply.stop()
        except* RefusedError as group:
            await self._report_refusal(name, pending, reply, first_error(group))
        except* UnreachableError as group:
            log.error("answer could not be written", question=name, cause=str(first_error(group)))
        except* Exception as group:  # Boundary: report any error to the user.
            error = report_error("answer failed", first_error(group), question=name)
            if pending.addressed:
                await self._fail(name, pending, reply, error)
        finally:
            if self._running.get(name) is running:
                del self._running[name]

    async def _answer(
        self, pending: PendingQuestion, reply: R, pause: Pause, activity: AbstractAsyncContextManager[object]
    ) -> None:
        if pending.answer:
            await reply.finish(pending.answer)
            return
        if pending.addressed:
            async with activity, paced(reply, pause) as paced_reply:
                await deliver(self._services.ask(await pending.compose()), paced_reply)
            return
        events = self._services.ask(await pending.compose())
        async with aclosing(events):
            answer = await _read_until_found(events)
            if answer is None:
                async with activity, paced(reply, pause) as paced_reply:
                    answer = await deliver(events, paced_reply)
        if answer and answer.noted:
            await reply.mark_unanswered()

    async def _fail(self, name: str, pending: PendingQuestion, reply: R, error: FootnotedError) -> None:
        try:
            await reply.fail(error)
        except RefusedError as refusal:
            await self._report_refusal(name, pending, reply, refusal)
        except PlatformError as failure:
            log.error("failure could not be reported to the user", question=name, cause=str(failure))

    async def _report_refusal(self, name: str, pending: PendingQuestion, reply: R, refusal: RefusedError) -> None:
        remedy = reply.remedy(refusal)
        log.error("answer was refused by the platform", question=name, cause=str(refusal), remedy=remedy)
        if not remedy or not pending.addressed:
            return
        try:
            await reply.tell_asker(remedy)
        except PlatformError as error:
            log.warning("refusal could not be reported to the user", question=name, cause=str(error))


async def _read_until_found(events: AsyncGenerator[AnswerEvent, None]) -> Answer | None:
    """Read until passages are found, or return the silent answer to a line for which there are none."""
    async for event in events:
        if isinstance(event, Answered):
            return event.answer
        if isinstance(event, Found) and event.hits:
            return None
    return None


def current_task() -> asyncio.Task[None]:
    """Return the running task, which every answer needs in order to be stopped."""
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("answers are written in tasks")
    return task

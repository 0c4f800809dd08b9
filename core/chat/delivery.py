"""From a stream of events to one reply that grows. Whatever happens, the reply ends with an answer or one sentence."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol, assert_never

import structlog

from core.answerer import Answered, AnswerEvent, Found, Searching, Wrote
from core.domain import Answer
from core.errors import FootnotedError, QuestionTooLongError, TooManyQuestionsError, to_footnoted_error

log = structlog.get_logger()


class Reply(Protocol):
    """What every platform gives to `deliver`. After `finish` or `fail` nothing more comes."""

    async def note(self, progress: Searching | Found) -> None:
        """The bot is at work."""
        ...

    async def grow(self, text: str) -> None:
        """All of the answer's text so far."""
        ...

    async def finish(self, answer: Answer) -> None:
        """The whole answer."""
        ...

    async def fail(self, error: FootnotedError) -> None:
        """The answer ends here; what was already shown stays. People are told `error.user_message` and `error.id`."""
        ...


async def deliver(events: AsyncGenerator[AnswerEvent, None], reply: Reply) -> None:
    """Reads the events into the reply. A failure becomes one calm sentence there and one line in the log."""
    try:
        async with aclosing(events):
            await _read(events, reply)
    except Exception as error:  # a door: behind it stands a person who waits
        known = to_footnoted_error(error)
        if isinstance(known, TooManyQuestionsError | QuestionTooLongError):
            log.info("a question was refused", error_id=known.id, error=known.code, cause=str(known))
            await reply.fail(known)
            return
        log.error("a question failed", error_id=known.id, error=known.code, cause=str(known), exc_info=error)
        await reply.fail(known)


async def _read(events: AsyncGenerator[AnswerEvent, None], reply: Reply) -> None:
    text = ""
    async for event in events:
        match event:
            case Searching() | Found():
                await reply.note(event)
            case Wrote():
                text += event.text
                await reply.grow(text)
            case Answered():
                await reply.finish(event.answer)
            case _:
                assert_never(event)

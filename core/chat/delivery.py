"""Delivery of an answer to a reply, which always ends with the answer or with one sentence about an error."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol, assert_never

import structlog

from core.answerer import Answered, AnswerEvent, AnswerProgress, Cited, Found, Retracted, Searching, Thinking, Wrote
from core.domain import Answer
from core.errors import FootnotedError, QuestionTooLongError, TooManyQuestionsError, to_footnoted_error

log = structlog.get_logger()


class Reply(Protocol):
    """A platform's side of an answer. `finish` or `fail` is the last call."""

    async def note(self, progress: AnswerProgress) -> None:
        """Show that the bot is working, take a footnote of the text that follows, or take back the text so far."""
        ...

    async def grow(self, text: str) -> None:
        """Show the answer's whole text so far."""
        ...

    async def finish(self, answer: Answer) -> None:
        """Show the complete answer."""
        ...

    async def fail(self, error: FootnotedError) -> None:
        """Keep the text shown so far, and show `error.user_message` and `error.id`."""
        ...


async def deliver(events: AsyncGenerator[AnswerEvent, None], reply: Reply) -> None:
    """Pass the events on to the reply. An error becomes one sentence there and one line in the log."""
    try:
        async with aclosing(events):
            await _read(events, reply)
    except Exception as error:  # Boundary: report any error to the user.
        known = to_footnoted_error(error)
        if isinstance(known, TooManyQuestionsError | QuestionTooLongError):
            log.info("question refused", error_id=known.id, error=known.code, cause=str(known))
            await reply.fail(known)
            return
        log.error("question failed", error_id=known.id, error=known.code, cause=str(known), exc_info=error)
        await reply.fail(known)


async def _read(events: AsyncGenerator[AnswerEvent, None], reply: Reply) -> None:
    text = ""
    async for event in events:
        match event:
            case Searching() | Found() | Thinking() | Cited():
                await reply.note(event)
            case Retracted():
                text = ""
                await reply.note(event)
            case Wrote():
                text += event.text
                await reply.grow(text)
            case Answered():
                await reply.finish(event.answer)
            case _:
                assert_never(event)

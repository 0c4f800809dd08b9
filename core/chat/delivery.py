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


async def deliver(events: AsyncGenerator[AnswerEvent, None], reply: Reply) -> Answer | None:
    """Pass the events on to the reply, and return the answer; one that is silent is not shown.

    An error becomes one sentence in the reply and one line in the log.
    """
    try:
        async with aclosing(events):
            return await _read(events, reply)
    except Exception as error:  # Boundary: report any error to the user.
        known = to_footnoted_error(error)
        if isinstance(known, TooManyQuestionsError | QuestionTooLongError):
            log.info("question refused", error_id=known.id, error=known.code, cause=str(known))
            await reply.fail(known)
            return None
        log.error("question failed", error_id=known.id, error=known.code, cause=str(known), exc_info=error)
        await reply.fail(known)
        return None


async def _read(events: AsyncGenerator[AnswerEvent, None], reply: Reply) -> Answer | None:
    text, answer = "", None
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
                answer = event.answer
                if not answer.silent:
                    await reply.finish(answer)
            case _:
                assert_never(event)
    return answer

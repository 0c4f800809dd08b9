"""Whatever happens to a question, its reply ends with an answer or with one calm sentence."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from core.answerer import Answered, AnswerEvent, AnswerProgress, Found, Retracted, Searching, Wrote
from core.chat.delivery import deliver
from core.domain import Answer, Question
from core.errors import (
    AnswerInterruptedError,
    FootnotedError,
    IndexUnavailableError,
    ModelBusyError,
    ModelQuotaExceededError,
    ModelTimeoutError,
    QuestionTooLongError,
    UnexpectedError,
    to_footnoted_error,
)

QUESTION = Question("What do bees eat?")
ANSWER = Answer("They eat honey [1].", grounded=True)


@dataclass
class WrittenDown:
    """A reply that keeps everything it is told."""

    told: list[object] = field(default_factory=list)

    async def note(self, progress: AnswerProgress) -> None:
        self.told.append(type(progress))

    async def grow(self, text: str) -> None:
        self.told.append(text)

    async def finish(self, answer: Answer) -> None:
        self.told.append(answer)

    async def fail(self, error: FootnotedError) -> None:
        self.told.append(error)


@dataclass
class Scripted:
    """A stream of events that ends with an error if it has one; `closed` tells that it was not left open."""

    pieces: tuple[str | None, ...] = ("They eat ", "honey [1].")
    error: BaseException | None = None
    closed: bool = False

    async def ask(self) -> AsyncGenerator[AnswerEvent, None]:
        try:
            yield Searching(QUESTION)
            yield Found(())
            for piece in self.pieces:
                yield Retracted() if piece is None else Wrote(piece)
            if self.error:
                raise self.error
            yield Answered(ANSWER)
        finally:
            self.closed = True


async def test_a_reply_shows_the_text_so_far_and_then_the_answer() -> None:
    reply = WrittenDown()
    await deliver(Scripted().ask(), reply)
    assert reply.told == [Searching, Found, "They eat ", "They eat honey [1].", ANSWER]


async def test_text_begins_again_after_a_retraction() -> None:
    reply = WrittenDown()
    await deliver(Scripted(("Hm. ", None, "They eat ", "honey [1].")).ask(), reply)
    assert reply.told[2:] == ["Hm. ", Retracted, "They eat ", "They eat honey [1].", ANSWER]


@pytest.mark.parametrize(
    ("error", "known"),
    [
        (ModelBusyError("429"), ModelBusyError),
        (ModelTimeoutError(), ModelTimeoutError),
        (ModelQuotaExceededError(), ModelQuotaExceededError),
        (AnswerInterruptedError(), AnswerInterruptedError),
        (QuestionTooLongError(limit=4_000), QuestionTooLongError),
        (RedisConnectionError("Error 111 connecting to db:6379"), IndexUnavailableError),
        (KeyError("sk-secret"), UnexpectedError),
        (ExceptionGroup("two", [ValueError("a"), OSError("b")]), UnexpectedError),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_a_failure_is_shown_as_one_sentence_and_logged_under_its_id(
    error: Exception, known: type[FootnotedError]
) -> None:
    reply, stream = WrittenDown(), Scripted(error=error)
    with capture_logs() as logs:
        await deliver(stream.ask(), reply)
    *before, told = reply.told
    assert before[-1] == "They eat honey [1]."
    assert type(told) is known
    assert told.user_message.endswith(".")
    assert "\n" not in told.user_message
    assert not any(secret in told.user_message for secret in ("sk-secret", "db:6379", "Traceback"))
    [line] = logs
    assert line["error_id"] == told.id
    assert line["error"] == known.code
    # A question that is too long is not a malfunction, so no traceback is logged.
    assert line.get("exc_info") is (None if known is QuestionTooLongError else error)
    assert stream.closed


async def test_a_failing_reply_closes_the_stream_and_receives_the_error() -> None:
    class Refusing(WrittenDown):
        async def grow(self, text: str) -> None:
            raise ConnectionResetError("the page was closed")

    reply, stream = Refusing(), Scripted()
    with capture_logs():
        await deliver(stream.ask(), reply)
    assert stream.closed
    assert isinstance(reply.told[-1], UnexpectedError)


async def test_cancelling_is_not_reported_as_a_failure() -> None:
    class Waiting(WrittenDown):
        async def grow(self, text: str) -> None:
            await asyncio.Event().wait()

    reply, stream = Waiting(), Scripted()
    delivering = asyncio.create_task(deliver(stream.ask(), reply))
    while not reply.told:
        await asyncio.sleep(0)
    delivering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await delivering
    assert stream.closed
    assert reply.told == [Searching, Found]


def test_known_errors_are_not_wrapped() -> None:
    error = ModelBusyError("429")
    assert to_footnoted_error(error) is error


def test_every_failure_has_its_own_id_and_keeps_its_cause() -> None:
    cause = KeyError("x")
    one, other = to_footnoted_error(cause), to_footnoted_error(cause)
    assert one.id != other.id
    assert one.__cause__ is cause
    assert str(one) == "KeyError: 'x'"

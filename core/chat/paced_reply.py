"""Replies that grow no faster than a platform allows, always with the newest text."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import regex
from aiolimiter import AsyncLimiter

from core.answerer import AnswerProgress, Retracted
from core.chat.delivery import Reply
from core.domain import Answer
from core.errors import FootnotedError

_LAST_WORD = regex.compile(r"(?<![^\s(*_\"'“„«])[\p{Latin}\p{Cyrillic}\p{Greek}]{1,30}\Z")

Pause = Callable[[], Awaitable[None]]
"""Waits until the platform may be written to again."""


class ReplyPace:
    """The pause between updates of one answer: none before the first, then at least `interval`.

    After the first, an update also needs the `limiter` that all answers share.
    """

    def __init__(self, interval: timedelta, limiter: AsyncLimiter) -> None:
        self._interval = interval.total_seconds()
        self._limiter = limiter
        self._next: float | None = None

    async def __call__(self) -> None:
        loop = asyncio.get_running_loop()
        if self._next is not None:
            await asyncio.sleep(max(0.0, self._next - loop.time()))
            await self._limiter.acquire()
        self._next = loop.time() + self._interval


class PacedReply:
    """Wraps a reply so that `grow` returns at once and generating text never waits for the platform. Whole words are
    shown."""

    def __init__(self, reply: Reply, pause: Pause) -> None:
        self._reply = reply
        self._pause = pause
        self._text = ""
        self._changed = asyncio.Event()
        self._lock = asyncio.Lock()
        self._ended = False

    async def note(self, progress: AnswerProgress) -> None:
        if not isinstance(progress, Retracted):
            await self._reply.note(progress)
            return
        async with self._lock:
            self._text = ""
            await self._reply.note(progress)

    async def grow(self, text: str) -> None:
        text = _whole_words(text)
        if text != self._text:  # an update that shows nothing new would use up a pause
            self._text = text
            self._changed.set()

    async def finish(self, answer: Answer) -> None:
        async with self._lock:
            self._ended = True
            await self._reply.finish(answer)

    async def fail(self, error: FootnotedError) -> None:
        async with self._lock:
            self._ended = True
            await self._reply.fail(error)

    async def show(self) -> None:
        """Show the newest text after each pause, until cancelled."""
        while True:
            await self._changed.wait()
            await self._pause()
            async with self._lock:
                self._changed.clear()
                if self._text and not self._ended:
                    await self._reply.grow(self._text)


def _whole_words(text: str) -> str:
    """Return a growing text without its last word, which may still be cut; scripts without blanks have none."""
    word = _LAST_WORD.search(text)
    return text[: word.start()] if word else text


@asynccontextmanager
async def paced(reply: Reply, pause: Pause) -> AsyncGenerator[Reply, None]:
    """Provide the paced reply for `deliver`. An error of `reply.grow` ends the block with an exception group."""
    paced_reply = PacedReply(reply, pause)
    async with asyncio.TaskGroup() as tasks:
        showing = tasks.create_task(paced_reply.show())
        try:
            yield paced_reply
        finally:
            showing.cancel()

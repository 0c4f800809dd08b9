"""What loopback servers have in common: a port, and the trouble that a test can order; no platform's rules are here."""

import asyncio
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from aiohttp import web

LARGEST_BODY = 64 * 1024 * 1024
"""A full embedding request is larger than the 1 MB that aiohttp accepts by itself."""


@dataclass(frozen=True, slots=True)
class Status:
    """Answer with this HTTP status alone. `retry_after` is in seconds; `code`, `message` and `param` are OpenAI's."""

    status: int
    code: str | None = None
    retry_after: float | None = None
    message: str = ""
    param: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.retry_after is None else {"Retry-After": f"{self.retry_after:g}"}


# What a model can be told to do.


@dataclass(frozen=True)
class Text:
    """The model writes this: in `pieces` if given (they are the text, then), else by the token."""

    text: str = ""
    tokens_per_second: float | None = None
    pieces: Sequence[str] | None = None
    finish_reason: str = "stop"


class Empty(Text):
    """The model ends without a word."""


class Refusal(Text):
    """The model declines, in the message's `refusal` and not in its `content`."""


@dataclass(frozen=True)
class Accident:
    """Something happens after the model wrote `after`."""

    after: str = ""


class ContentFilter(Accident):
    """finish_reason `content_filter`. For a question that is filtered itself: `Status(400, code="content_filter")`."""


class Stall(Accident):
    """Nothing more comes, and the connection stays open."""


class Broken(Accident):
    """The connection closes in the middle of the body."""


class Truncated(Accident):
    """The body ends properly, without finish_reason and [DONE]."""


class Garbage(Accident):
    """Something comes that is no JSON."""


class Silence:
    """The request is accepted; not even a header comes back."""


class ContextTooLong:
    """400 context_length_exceeded, however short the prompt."""


@dataclass(frozen=True)
class WrongLength:
    """Vectors of another length than the model's."""

    dimensions: int = 8


class NaN:
    """Vectors that hold no numbers."""


class TooFew:
    """The last vector is missing."""


class Shuffled:
    """Vectors in reverse order, each under its right index."""


Reply = Text | Accident | Silence | ContextTooLong | Status
EmbeddingReply = Stall | Silence | WrongLength | NaN | TooFew | Shuffled | Status


# What a path of a web site can be told to do.


@dataclass(frozen=True)
class Slow:
    """The right answer, but after so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Redirect:
    """To a path or an address."""

    to: str
    status: int = 301


class RedirectLoop:
    """To itself and a page behind itself, for ever."""


@dataclass(frozen=True)
class Huge:
    """A page of so many megabytes. Unless `extract_canonical`, its length is not told beforehand."""

    megabytes: float
    declared: bool = False


@dataclass(frozen=True)
class Drip:
    """A byte now and then, for ever: no single read ever waits long."""

    seconds_between: float = 0.05


Misbehaviour = Status | Slow | Redirect | RedirectLoop | Huge | Drip


class Loopback(ABC):
    """A web server on a loopback address, open inside `async with`. Port 0 takes any free one, and `port` tells which.

    A client that goes away cancels the coroutine that was answering it, as it stops a model in the real service.
    """

    def __init__(self, port: int = 0, host: str = "127.0.0.1") -> None:
        self.port = port
        self.host = host
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None

    @property
    def origin(self) -> str:
        """`http://HOST:PORT`, without a slash."""
        return f"http://{self.host}:{self.port}"

    @abstractmethod
    def routes(self) -> Iterable[web.RouteDef]: ...

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=LARGEST_BODY)
        app.add_routes(self.routes())
        self._closing.clear()
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self.host, self.port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        # First, so that answers which hang on purpose end by themselves and do not look cancelled by their client.
        self._closing.set()
        if self._runner:
            await self._runner.cleanup()

    @property
    def closing(self) -> bool:
        return self._closing.is_set()

    async def pause(self, seconds: float | None) -> None:
        """Wait so long, or with None for ever; no longer than the server is open."""
        if seconds == 0:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)


def hang_up(request: web.BaseRequest) -> web.Response:
    """Close the connection after what was written so far. What it returns never leaves."""
    if request.transport:
        request.transport.close()
    return web.Response()


def run(server: Loopback, path: str = "") -> None:
    """Serve until interrupted, and say where: for a process of its own."""

    async def serve() -> None:
        async with server:
            sys.stdout.write(f"{server.origin}{path}\n")
            sys.stdout.flush()
            await asyncio.Event().wait()

    with suppress(KeyboardInterrupt):
        asyncio.run(serve())

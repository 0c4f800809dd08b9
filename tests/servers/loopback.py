"""Base class of the loopback HTTP servers, and the faults that all of them can inject."""

import asyncio
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from aiohttp import web

LARGEST_BODY = 64 * 1024 * 1024
"""A full embedding request is larger than the 1 MB that aiohttp accepts by itself."""


@dataclass(frozen=True, slots=True)
class Status:
    """Answer with this HTTP status. `retry_after` is in seconds; `code`, `message` and `param` are OpenAI's."""

    status: int
    code: str | None = None
    retry_after: float | None = None
    message: str = ""
    param: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.retry_after is None else {"Retry-After": f"{self.retry_after:g}"}


@dataclass(frozen=True)
class Slow:
    """Answer correctly after so many seconds."""

    seconds: float


class Loopback(ABC):
    """A web server on a loopback address, open inside `async with`. Port 0 picks a free one.

    A client that disconnects cancels the coroutine that answers it, as it stops a model in the real service.
    """

    def __init__(self, port: int = 0, host: str = "127.0.0.1") -> None:
        self.port = port
        self.host = host
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None

    @property
    def origin(self) -> str:
        """Return `http://HOST:PORT`, without a trailing slash."""
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
        # First, so that responses that hang on purpose end by themselves, not as if cancelled by their client.
        self._closing.set()
        if self._runner:
            await self._runner.cleanup()

    @property
    def closing(self) -> bool:
        return self._closing.is_set()

    async def pause(self, seconds: float | None) -> None:
        """Wait so long, or forever if None, but no longer than the server is open."""
        if seconds == 0:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)


def hang_up(request: web.BaseRequest) -> web.Response:
    """Close the connection after what was written so far. The returned response is never sent."""
    if request.transport:
        request.transport.close()
    return web.Response()


def run(server: Loopback, path: str = "") -> None:
    """Serve until interrupted and print the URL, for a separate process."""

    async def serve() -> None:
        async with server:
            sys.stdout.write(f"{server.origin}{path}\n")
            sys.stdout.flush()
            await asyncio.Event().wait()

    with suppress(KeyboardInterrupt):
        asyncio.run(serve())

"""A loopback proxy for Redis that a test can cut, slow down and restore."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from time import monotonic


class RedisProxy:
    """Passes everything on until a test cuts or slows it."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._writers: set[asyncio.StreamWriter] = set()
        self._command_to_drop: bytes = b""
        self._command_to_hold: bytes = b""
        self._held = asyncio.Event()
        self.address = ""
        self.is_cut = False
        self.dropped_replies = 0
        self.delay = 0.0
        """Seconds of delay per command."""

    def cut(self) -> None:
        """End all connections, and refuse new ones."""
        self.is_cut = True
        for writer in self._writers:
            writer.close()

    def restore(self) -> None:
        self.is_cut = False

    def drop_reply_to(self, command: bytes) -> None:
        """Execute the next such command, but break the connection before its reply."""
        self._command_to_drop = command

    def hold(self, part: bytes) -> asyncio.Event:
        """Pass on neither the next command with this part nor any later one; the event says that it came."""
        self._command_to_hold = part
        self._held = asyncio.Event()
        return self._held

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            writer.close()
            return
        up_reader, up_writer = await asyncio.open_unix_connection(self._path)
        ends = {writer, up_writer}
        self._writers |= ends
        dropping = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._forward(reader, up_writer, dropping))
                tasks.create_task(self._return_replies(up_reader, writer, dropping))
        finally:
            self._writers -= ends
            for end in ends:
                end.close()

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, dropping: asyncio.Event
    ) -> None:
        with suppress(ConnectionError):
            while sent := await reader.read(65_536):
                if self._command_to_hold and self._command_to_hold in sent:
                    self._command_to_hold = b""
                    self._held.set()
                if self._held.is_set():
                    continue
                if self._command_to_drop and self._command_to_drop in sent:
                    self._command_to_drop = b""
                    dropping.set()
                await self._wait()
                writer.write(sent)
                await writer.drain()
        writer.close()

    async def _wait(self) -> None:
        until = monotonic() + self.delay
        while self.delay and not self.is_cut and monotonic() < until:
            await asyncio.sleep(0.05)

    async def _return_replies(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, dropping: asyncio.Event
    ) -> None:
        with suppress(ConnectionError):
            while sent := await reader.read(65_536):
                if dropping.is_set():
                    self.dropped_replies += 1
                    break
                writer.write(sent)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def redis_proxy(redis_url: str) -> AsyncIterator[RedisProxy]:
    """Yield a proxy of the Redis at a `unix://` address."""
    line = RedisProxy(redis_url.removeprefix("unix://"))
    server = await asyncio.start_server(line.accept, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    line.address = f"redis://{host}:{port}"
    try:
        yield line
    finally:
        line.cut()
        server.close()
        await server.wait_closed()

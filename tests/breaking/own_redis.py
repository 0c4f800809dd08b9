"""A Redis of a test's own, on a port and a socket, that can be killed, started again and spoken to."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from bot.embedded_redis import binaries

PERSISTENT = ("--appendonly", "yes", "--appendfsync", "always")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class OwnRedis:
    """The same address and the same data, however often it is started."""

    def __init__(self, folder: Path, *options: str, searches: bool = True, before: Sequence[str] = ()) -> None:
        self._folder = folder
        self._options = options
        self._searches = searches
        self._before = before
        self._process: asyncio.subprocess.Process | None = None
        self.port = free_port()
        self.path = f"unix://{folder / 'own.sock'}"

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Returns when it answers."""
        found = await asyncio.to_thread(binaries)
        assert found is not None
        program, module = found
        loading = ("--loadmodule", str(module)) if self._searches else ()
        self._process = await asyncio.create_subprocess_exec(
            *self._before, program, "--port", str(self.port), "--unixsocket", self.path.removeprefix("unix://"),
            "--dir", self._folder, "--save", "", *loading, *self._options,
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        async with self.client() as client, asyncio.timeout(10):
            while not await _answers(client):
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """As the kernel does it when memory is short."""
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        """SIGSTOP lets every command hang, until SIGCONT."""
        if self._process:
            self._process.send_signal(number)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Redis]:
        """A client that tries nothing twice."""
        client = Redis(host="127.0.0.1", port=self.port, protocol=2, retry=Retry(NoBackoff(), 0))
        try:
            yield client
        finally:
            await client.aclose()


async def _answers(client: Redis) -> bool:
    try:
        return bool(await client.ping())
    except Exception:  # not yet there, or still loading
        return False


@asynccontextmanager
async def own_redis(
    folder: Path, *options: str, searches: bool = True, before: Sequence[str] = ()
) -> AsyncIterator[OwnRedis]:
    """`before` are words before the command, such as a shell's."""
    server = OwnRedis(folder, *options, searches=searches, before=before)
    await server.start()
    try:
        yield server
    finally:
        await server.kill()

"""A private Redis server, on a port and a socket, that a test can kill and restart."""

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
    """A server that keeps its address and data across restarts."""

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
        """Start the server and wait until it answers."""
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
        """Kill the server with SIGKILL, as the kernel does when memory is short."""
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; SIGSTOP makes every command hang until SIGCONT."""
        if self._process:
            self._process.send_signal(number)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Redis]:
        """Connect without retries."""
        client = Redis(host="127.0.0.1", port=self.port, protocol=2, retry=Retry(NoBackoff(), 0))
        try:
            yield client
        finally:
            await client.aclose()


async def _answers(client: Redis) -> bool:
    try:
        return bool(await client.ping())
    except Exception:  # not started yet, or still loading
        return False


@asynccontextmanager
async def own_redis(
    folder: Path, *options: str, searches: bool = True, before: Sequence[str] = ()
) -> AsyncIterator[OwnRedis]:
    """Start a server; `before` is put before its command, such as a shell."""
    server = OwnRedis(folder, *options, searches=searches, before=before)
    await server.start()
    try:
        yield server
    finally:
        await server.kill()


async def until_nothing_is_unanswered(redis: OwnRedis) -> None:
    """Wait until no bot holds a Slack question that it could still answer again."""
    async with redis.client() as client, asyncio.timeout(15):
        while await client.hlen("unanswered:{slack}"):
            await asyncio.sleep(0.05)

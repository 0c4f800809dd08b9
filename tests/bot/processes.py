"""The bot as a process of its own, started in a moment."""

import asyncio
import fcntl
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from tests.bot.running import REPOSITORY, command, environment


class BotProcess(Protocol):
    """What tests need of `asyncio.subprocess.Process`."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    def send_signal(self, signal: int) -> None: ...
    def kill(self) -> None: ...
    async def wait(self) -> int: ...


async def start_bot(folder: Path, *arguments: str, output: Path, settings: Mapping[str, str]) -> BotProcess:
    """Start a command in a folder, with standard output and error in a file."""
    if "PYTHONPATH" in settings:  # it changes what is imported
        with output.open("wb") as file:
            return await asyncio.create_subprocess_exec(
                *command(*arguments), cwd=folder, env=environment(settings), stdout=file, stderr=file
            )
    request = {
        "arguments": arguments,
        "folder": str(folder),
        "output": str(output),
        "environment": environment(settings),
    }
    return await Forked.start(json.dumps(request).encode())


class Forked:
    """A process forked by the forking server."""

    def __init__(self, pid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ending = asyncio.create_task(self._wait(reader, writer))

    @classmethod
    async def start(cls, request: bytes) -> "Forked":
        for _ in range(2):  # the server may be about to end
            address = await asyncio.to_thread(forking_server)
            reader, writer = await asyncio.open_unix_connection(address)
            writer.write(request + b"\n")
            if pid := await reader.readline():
                return cls(int(pid), reader, writer)
            writer.close()
        raise ConnectionError("the forking server ended twice")

    async def _wait(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        self.returncode = int(await reader.readline())
        writer.close()
        return self.returncode

    def send_signal(self, signal: int) -> None:
        os.kill(self.pid, signal)

    def kill(self) -> None:
        os.kill(self.pid, 9)

    async def wait(self) -> int:
        return await asyncio.shield(self._ending)


def forking_server() -> str:
    """Return the address of the server that all workers of a test session share, after starting it if need be."""
    session = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    path = Path(tempfile.gettempdir()) / f"footnoted-tests-{session}"
    lock = os.open(REPOSITORY, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            server = subprocess.Popen(
                [sys.executable, "-m", "tests.bot.forking_server", str(path)],
                cwd=REPOSITORY,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
            assert server.stdout
            with server.stdout as said:
                assert said.readline() == b"listening\n"
            server.returncode = 0  # it ends with this process: no ResourceWarning
    finally:
        os.close(lock)
    return str(path)

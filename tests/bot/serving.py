"""`footnoted serve`: within the test's own event loop, or as a process."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager, chdir, suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

from rich.console import Console
from structlog.testing import capture_logs

from bot.config.loader import load_settings
from bot.serve import SIGNALS, serve
from tests.bot.processes import BotProcess, start_bot
from tests.bot.running import WITHIN, environment

ADDRESS = re.compile(r"http://[0-9.]+:\d+")


@dataclass(slots=True)
class Served:
    """A bot that serves within this process; `log` has the entries of this block's bots and of the test."""

    task: asyncio.Task[int]
    address: str
    console: StringIO
    log: list[MutableMapping[str, Any]]

    async def end(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal to this process, which all its bots receive; return the exit code and the console's text."""
        os.kill(os.getpid(), number)
        async with asyncio.timeout(WITHIN):
            code = await self.task
        assert not [entry for entry in self.log if entry["event"].endswith("crashed")]
        return code, self.console.getvalue()


@asynccontextmanager
async def served(home: Path, **settings: str) -> AsyncIterator[Served]:
    """Serve on a free port, which saves the seconds of a new process, and wait for the address."""
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    console = StringIO()
    with chdir(home), patch.dict(os.environ, environment(settings), clear=True), capture_logs() as log:
        loaded = await asyncio.to_thread(load_settings)
        task = asyncio.create_task(serve(loaded, Console(file=console, width=80)))
        try:
            yield Served(task, await _address(task, console), console, log)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            for number, handler in handlers.items():
                signal.signal(number, handler)


async def _address(task: asyncio.Task[int], console: StringIO) -> str:
    async with asyncio.timeout(WITHIN):
        while not (found := ADDRESS.search(console.getvalue())):
            assert not task.done(), task.result()
            await asyncio.sleep(0.01)
    return found[0]


@dataclass(slots=True)
class ServedProcess:
    """A bot that serves as a process; `output` has what it printed."""

    process: BotProcess
    address: str
    output: Path

    async def end(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal; return the exit code and all that was printed."""
        self.process.send_signal(number)
        async with asyncio.timeout(WITHIN):
            code = await self.process.wait()
        return code, self.output.read_text()


@asynccontextmanager
async def served_as_process(home: Path, **settings: str) -> AsyncIterator[ServedProcess]:
    """Start `footnoted serve` on a free port and wait for its address."""
    output = home / "output"
    process = await start_bot(home, "serve", output=output, settings=settings)
    try:
        async with asyncio.timeout(WITHIN):
            while not (output.exists() and (found := ADDRESS.search(output.read_text()))):
                assert process.returncode is None, f"bot exited: {output.read_text()}"
                await asyncio.sleep(0.02)
        yield ServedProcess(process, found[0], output)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()

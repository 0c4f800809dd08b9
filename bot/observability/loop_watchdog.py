"""Event loop watchdog: measures lag, and logs the code that blocks the loop."""

import asyncio
import sys
import threading
import traceback
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from time import monotonic

import structlog

from core.telemetry import LoopLagged, emit

log = structlog.get_logger()

EVERY = 0.1
"""Seconds between two measurements."""

BLOCKED = 1.0
"""Seconds without an iteration after which the blocking code is logged."""


@asynccontextmanager
async def loop_watchdog(every: float = EVERY, blocked: float = BLOCKED) -> AsyncGenerator[None, None]:
    """Emit the lag of the running loop, and log its stack while it is blocked, until the end of the block."""
    watchdog = _Watchdog(threading.get_ident(), blocked)
    thread = threading.Thread(target=watchdog.watch, name="watchdog", daemon=True)
    thread.start()
    beating = asyncio.create_task(_beat(watchdog, every))
    try:
        yield
    finally:
        beating.cancel()
        watchdog.ended.set()


async def _beat(watchdog: "_Watchdog", every: float) -> None:
    while True:
        began = watchdog.last = monotonic()
        await asyncio.sleep(every)
        emit(LoopLagged(max(0.0, monotonic() - began - every)))


class _Watchdog:
    """Watches from a separate thread, which runs while the loop is blocked."""

    def __init__(self, thread: int, blocked: float) -> None:
        self._thread = thread
        self._blocked = blocked
        self.last = monotonic()
        self.ended = threading.Event()

    def watch(self) -> None:
        named = 0.0
        while not self.ended.wait(self._blocked / 4):
            last = self.last
            if named and last != named:
                log.warning("event loop unblocked", seconds=round(last - named, 1))
                named = 0.0
            if not named and monotonic() - last > self._blocked:
                named = last
                log.warning("event loop blocked", culprit=self._culprit())

    def _culprit(self) -> str:
        """Format the stack of the loop's thread, innermost call last, without values."""
        frame = sys._current_frames().get(self._thread)
        return "".join(traceback.format_stack(frame)) if frame else "unknown"

"""How late the event loop is; and when something blocks it, what that is."""

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
"""Seconds between two looks at the loop."""

BLOCKED = 1.0
"""Seconds without a turn of the loop after which whatever blocks it is named."""


@asynccontextmanager
async def loop_watchdog(every: float = EVERY, blocked: float = BLOCKED) -> AsyncGenerator[None, None]:
    """Tells how late the running loop is, and logs what its thread does while it is blocked, for the length of the
    block."""
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
    """Looks from a thread of its own, which runs although the loop does not."""

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
                log.warning("the event loop turns again", seconds=round(last - named, 1))
                named = 0.0
            if not named and monotonic() - last > self._blocked:
                named = last
                log.warning("the event loop is blocked", culprit=self._culprit())

    def _culprit(self) -> str:
        """The calls that the loop's thread is in, the innermost last. Names and places only, no values."""
        frame = sys._current_frames().get(self._thread)
        return "".join(traceback.format_stack(frame)) if frame else "unknown"

"""Events of a reindex run.

Every stream starts with `RunStarted` and ends with `RunEnded`. In between come `RunProgressed`, whenever a count
changes, and `RunPlanned`, once the work is known. Errors are raised (`core.errors`).
"""

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field

from core.indexing.progress import Plan, Progress, Report


@dataclass(frozen=True, slots=True)
class ReindexRun:
    """A run, with the name of the person who started it and when.

    `source` names the one source that is read; empty means all of them.
    """

    id: str
    by: str
    at: datetime
    source: str = ""

    @classmethod
    def start(cls, by: str, source: str = "") -> "ReindexRun":
        return cls(secrets.token_hex(8), by, datetime.now(UTC), source)


@dataclass(frozen=True, slots=True)
class RunStatus:
    """The run in progress; plan and progress are None until they are known."""

    run: ReindexRun
    plan: Plan | None = None
    progress: Progress | None = None


Action = Literal["reindex", "rollback"]


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """The start of a run (neither `report` nor `error`), or its end."""

    run: ReindexRun
    action: Annotated[Action, Field(alias="act")]
    at: datetime
    report: Report | None = None
    error: str = ""

    @property
    def ended(self) -> bool:
        return self.report is not None or bool(self.error)


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The first event. `joined` means that the run was started elsewhere and is only watched.

    It comes a second time when the watched run dies and this request takes over.
    """

    run: ReindexRun
    joined: bool = False


@dataclass(frozen=True, slots=True)
class RunPlanned:
    """The work of this run. A dry run ends here."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class RunProgressed:
    """The current counts. A slow reader gets the latest ones only."""

    progress: Progress


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The last event."""

    report: Report


ReindexEvent = RunStarted | RunPlanned | RunProgressed | RunEnded

Emit = Callable[[RunPlanned | RunProgressed], None]
"""Called by a run with each event; must not block."""


class EventBuffer:
    """Passes events from a run to the reader of its stream, each at its own pace.

    Of unread progress only the latest is kept, so the buffer stays small. `planned` and `progressed` hold the latest
    event of their kind.
    """

    def __init__(self) -> None:
        self.planned: RunPlanned | None = None
        self.progressed: RunProgressed | None = None
        self._unread: deque[RunStarted | RunPlanned | RunProgressed] = deque()
        self._changed = asyncio.Event()
        self._closed = False

    def put(self, event: RunStarted | RunPlanned | RunProgressed) -> None:
        """Add an event without waiting."""
        match event:
            case RunPlanned():
                self.planned = event
            case RunProgressed():
                self.progressed = event
                if self._unread and isinstance(self._unread[-1], RunProgressed):
                    self._unread.pop()
        self._unread.append(event)
        self._changed.set()

    def close(self) -> None:
        """End the iteration after the events that are still unread."""
        self._closed = True
        self._changed.set()

    async def __aiter__(self) -> AsyncIterator[RunStarted | RunPlanned | RunProgressed]:
        while self._unread or not self._closed:
            await self._changed.wait()
            self._changed.clear()
            while self._unread:
                yield self._unread.popleft()

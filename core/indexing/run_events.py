"""What a run of reindexing tells while it goes on: a stream of events, with the report at its end.

Every stream begins with `RunStarted` and ends with `RunEnded`; between them stand `RunProgressed`, as often as
something changes,
and `RunPlanned`, once it is known what there is to do. What goes wrong is raised (`core.errors`).
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from core.indexing.progress import Plan, Progress, Report


@dataclass(frozen=True, slots=True)
class ReindexRun:
    """A run, by who started it and when. `source` names the one source that is read; all are when it is empty."""

    id: str
    by: str
    at: datetime
    source: str = ""

    @classmethod
    def begun_by(cls, name: str, source: str = "") -> "ReindexRun":
        """A run that begins now."""
        return cls(secrets.token_hex(8), name, datetime.now(UTC), source)


@dataclass(frozen=True, slots=True)
class RunStarted:
    """Always the first event. `joined` when that is somebody else's run, which is only watched.

    It comes a second time when the run that was watched dies: then this order takes its place.
    """

    run: ReindexRun
    joined: bool = False


@dataclass(frozen=True, slots=True)
class RunPlanned:
    """What there is to do; a run goes on and does it, a dry run ends here."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class RunProgressed:
    """How far it is. A reader who is slow gets the newest, not every one."""

    progress: Progress


@dataclass(frozen=True, slots=True)
class RunEnded:
    """How it ended; always the last event."""

    report: Report


ReindexEvent = RunStarted | RunPlanned | RunProgressed | RunEnded

Tell = Callable[[RunPlanned | RunProgressed], None]
"""Called by a run whenever there is something to tell; it returns at once."""

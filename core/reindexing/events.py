"""What a run of reindexing tells while it goes on: a stream of events, with the report at its end.

Every stream begins with `Began` and ends with `Ended`; between them stand `Progressed`, as often as something changes,
and `Planned`, once it is known what there is to do. What goes wrong is raised (`core.errors`).
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from core.reindexing.progress import Plan, Progress, Report


@dataclass(frozen=True, slots=True)
class Run:
    """A run, by who started it and when. `source` names the one source that is read; all are when it is empty."""

    id: str
    by: str
    at: datetime
    source: str = ""

    @classmethod
    def begun_by(cls, name: str, source: str = "") -> "Run":
        """A run that begins now."""
        return cls(secrets.token_hex(8), name, datetime.now(UTC), source)


@dataclass(frozen=True, slots=True)
class Began:
    """Always the first event. `joined` when that is somebody else's run, which is only watched.

    It comes a second time when the run that was watched dies: then this order takes its place.
    """

    run: Run
    joined: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """What there is to do; a run goes on and does it, a dry run ends here."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class Progressed:
    """How far it is. A reader who is slow gets the newest, not every one."""

    progress: Progress


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended; always the last event."""

    report: Report


ReindexEvent = Began | Planned | Progressed | Ended

Tell = Callable[[Planned | Progressed], None]
"""Called by a run whenever there is something to tell; it returns at once."""

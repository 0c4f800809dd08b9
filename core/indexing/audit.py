"""Who did what to the posts, and when: an append-only stream, capped in its length."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from pydantic import TypeAdapter
from redis.asyncio import Redis

from core.indexing.progress import Report
from core.indexing.run_events import ReindexRun
from core.storage import keys
from core.storage.connection import as_text

MOST_RECORDS = 1_000
"""Older ones are cut off; a run makes two."""

AT_ONCE = 50

MOST_NAMES = 50
"""Titles, and failures, that a record names of each kind."""

Act = Literal["reindex", "rollback"]


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """A line of the stream: something began (neither `report` nor `error`), ended well, or failed."""

    run: ReindexRun
    act: Act
    at: datetime
    report: Report | None = None
    error: str = ""

    @property
    def ended(self) -> bool:
        return self.report is not None or bool(self.error)


_record = TypeAdapter(AuditRecord)


class Audit:
    """Writes and reads the stream."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def write(self, record: AuditRecord) -> None:
        """Appends a line. Nothing ever changes one."""
        report = record.report and record.report.shortened(MOST_NAMES)
        line = _record.dump_json(replace(record, report=report))
        await self._redis.xadd(keys.AUDIT, {"record": line}, maxlen=MOST_RECORDS)

    async def newest(self, most: int) -> tuple[AuditRecord, ...]:
        """At most so many runs, the newest first, each by how it ended; one that never did is as it began."""
        runs: dict[str, AuditRecord] = {}
        async for record in self._backwards():
            if record.run.id not in runs and len(runs) == most:
                break
            runs.setdefault(record.run.id, record)
        return tuple(runs.values())

    async def end_of(self, run: ReindexRun) -> AuditRecord | None:
        """How a run ended, None when it has not."""
        async for record in self._backwards():
            if record.run.id == run.id:
                return record if record.ended else None
        return None

    async def _backwards(self) -> AsyncGenerator[AuditRecord, None]:
        before = "+"
        while True:
            lines: list[Any] = await self._redis.xrevrange(keys.AUDIT, max=before, count=AT_ONCE) or []
            for _, fields in lines:
                yield _record.validate_json(fields[b"record"])
            if len(lines) < AT_ONCE:
                return
            before = f"({as_text(lines[-1][0])}"

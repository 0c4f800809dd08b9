"""Daily usage statistics for the operator: counters shared by all processes, and the unanswered questions.

They contain no names or ids of people.
"""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import ceil, log2
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.storage import keys
from core.storage.connection import as_text
from core.telemetry import QuestionFinished, RunFinished, StepTimed, TelemetryEvent, TokensUsed

log = structlog.get_logger()

RETENTION = timedelta(days=90)
"""A quarter, so that months can be compared."""

MAX_GAPS = 5_000
"""Unanswered questions kept; the oldest are dropped first."""

MAX_BUFFERED_GAPS = 1_000
"""Unanswered questions buffered in memory while Redis is unreachable."""

CLOSE_TIMEOUT = 3.0
"""Seconds."""

BUCKETS_PER_DOUBLING = 4
"""Resolution of the duration histogram: percentiles are within a fifth of the true value."""


@dataclass(frozen=True, slots=True)
class DurationStats:
    """Durations of a step in seconds, over `count` runs."""

    step: str
    count: int
    median: float
    p95: float


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that one model has read and written."""

    model: str
    read: int
    written: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Statistics from `since` to today. `questions` is platform → outcome → count; `steps` are sorted slowest first."""

    since: date
    questions: dict[str, dict[str, int]]
    failures: dict[str, int]
    steps: tuple[DurationStats, ...]
    usage: tuple[Usage, ...]
    runs: dict[str, int]


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A question that the posts did not answer, as it was searched for."""

    text: str
    at: datetime
    question_id: str = ""


class Statistics:
    """A telemetry listener that writes in the background, so that no answer waits for Redis.

    `gap_ttl` is how long the text of an unanswered question is kept.
    """

    def __init__(self, redis: Redis, gap_ttl: timedelta = RETENTION) -> None:
        self._redis = redis
        self._gap_ttl = min(gap_ttl, RETENTION)
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._gaps: deque[tuple[str, Unanswered]] = deque(maxlen=MAX_BUFFERED_GAPS)
        self._writing: asyncio.Task[None] | None = None

    def __call__(self, event: TelemetryEvent) -> None:
        now = datetime.now(UTC)
        for field, count in _fields(event):
            self._counts[now.date().isoformat()][field] += count
        if isinstance(event, QuestionFinished) and event.gap:
            self._gaps.append((event.question_id, Unanswered(event.gap, now)))
        if isinstance(event, QuestionFinished | RunFinished) and (self._writing is None or self._writing.done()):
            self._writing = asyncio.create_task(self._write())

    async def aclose(self) -> None:
        """Write what is buffered, unless Redis takes too long."""
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                if self._writing:
                    await asyncio.wait([self._writing])
                await self._write()
        except TimeoutError:
            log.warning("statistics lost at shutdown")

    async def figures(self, days: int) -> Figures:
        """Return the statistics of the last `days` UTC days, including today."""
        today = datetime.now(UTC).date()
        dates = [today - timedelta(days=back) for back in range(days)]
        async with self._redis.pipeline(transaction=False) as pipe:
            for day in dates:
                pipe.hgetall(keys.statistics(day.isoformat()))
            hashes = await pipe.execute()
        counts: Counter[str] = Counter()
        for fields in hashes:
            counts.update({as_text(field): int(count) for field, count in fields.items()})
        return _parse(dates[-1], counts)

    async def gaps(self, days: int, limit: int) -> list[Unanswered]:
        """Return the unanswered questions of the last `days` days, newest first."""
        first = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
        found: list[Any] = await self._redis.zrevrangebyscore(
            keys.GAPS, "+inf", first.timestamp(), start=0, num=limit, withscores=True
        )
        async with self._redis.pipeline(transaction=False) as pipe:
            for question_id, _ in found:
                pipe.get(keys.gap(as_text(question_id)))
            texts = await pipe.execute() if found else []
        return [
            Unanswered(as_text(text), datetime.fromtimestamp(at, UTC), as_text(question_id))
            for (question_id, at), text in zip(found, texts, strict=True)
            if text  # deleted meanwhile
        ]

    async def _write(self) -> None:
        """Write until the buffers are empty. After an error they are kept for the next attempt."""
        while self._counts or self._gaps:
            counts, gaps = self._counts, list(self._gaps)
            self._counts = defaultdict(Counter)
            self._gaps.clear()
            try:
                await self._store(counts, gaps)
            except RedisError as error:
                log.warning("statistics not written yet", cause=str(error))
                for day, fields in counts.items():
                    self._counts[day].update(fields)
                self._gaps.extendleft(reversed(gaps))
                return

    async def _store(self, counts: dict[str, Counter[str]], gaps: list[tuple[str, Unanswered]]) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            for day, fields in counts.items():
                for field, count in fields.items():
                    pipe.hincrby(keys.statistics(day), field, count)
                pipe.expire(keys.statistics(day), RETENTION)
            for question_id, gap in gaps:
                pipe.set(keys.gap(question_id), gap.text, ex=self._gap_ttl)
                pipe.zadd(keys.GAPS, {question_id: gap.at.timestamp()})
            if gaps:
                pipe.zremrangebyscore(keys.GAPS, "-inf", (datetime.now(UTC) - self._gap_ttl).timestamp())
                pipe.zremrangebyrank(keys.GAPS, 0, -MAX_GAPS - 1)
                pipe.expire(keys.GAPS, self._gap_ttl)
            await pipe.execute()


def _fields(event: TelemetryEvent) -> Iterable[tuple[str, int]]:
    """Yield the fields of the day's hash that an event increments. External names come last: they may hold colons."""
    match event:
        case QuestionFinished() if event.outcome != "silent":
            yield f"questions:{event.outcome}:{event.platform}", 1
            if event.outcome == "failed":
                yield f"failures:{event.error}", 1
        case StepTimed():
            yield f"step:{event.step}:{bucket_of(event.seconds)}", 1
        case TokensUsed():
            yield f"tokens:read:{event.model}", event.read
            yield f"tokens:written:{event.model}", event.written
        case RunFinished():
            yield f"runs:{event.outcome}", 1


def bucket_of(seconds: float) -> int:
    """Return the histogram bucket of a duration."""
    return ceil(log2(max(seconds, 0.001)) * BUCKETS_PER_DOUBLING)


def _parse(since: date, counts: Counter[str]) -> Figures:
    questions: defaultdict[str, dict[str, int]] = defaultdict(dict)
    steps: defaultdict[str, Counter[int]] = defaultdict(Counter)
    tokens: defaultdict[str, Counter[str]] = defaultdict(Counter)
    failures, runs = dict[str, int](), dict[str, int]()
    for field, count in counts.items():
        match field.split(":", 2):
            case ["questions", outcome, platform]:
                questions[platform][outcome] = count
            case ["step", step, number]:
                steps[step][int(number)] = count
            case ["tokens", direction, model]:
                tokens[model][direction] = count
            case ["failures", error]:
                failures[error] = count
            case ["runs", outcome]:
                runs[outcome] = count
    durations = (_duration_stats(step, buckets) for step, buckets in steps.items())
    return Figures(
        since=since,
        questions=dict(questions),
        failures=failures,
        steps=tuple(sorted(durations, key=lambda each: -each.p95)),
        usage=tuple(Usage(model, of["read"], of["written"]) for model, of in sorted(tokens.items())),
        runs=runs,
    )


def _duration_stats(step: str, buckets: Counter[int]) -> DurationStats:
    return DurationStats(step, buckets.total(), quantile(buckets, 0.5), quantile(buckets, 0.95))


def quantile(buckets: Counter[int], share: float) -> float:
    """Return a quantile in seconds: the upper bound of its bucket."""
    target, seen = share * buckets.total(), 0
    for number, count in sorted(buckets.items()):
        seen += count
        if seen >= target:
            return float(2 ** (number / BUCKETS_PER_DOUBLING))
    return 0.0

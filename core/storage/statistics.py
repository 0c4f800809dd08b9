"""What people asked and how that went, by day, for whoever runs the bot: counters that all processes share, and the
questions that the posts did not answer. No name and no id of a person is among them."""

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
"""A quarter, so that a month can be compared with the one before."""

MOST_GAPS = 5_000
"""Questions without an answer that are kept; the oldest go first."""

MOST_WAITING = 1_000
"""Of them, that wait in memory for a Redis that cannot be reached."""

CLOSED_WITHIN = 3.0
"""Seconds."""

PER_DOUBLING = 4
"""Times are counted in classes; four to a doubling make a percentile right within a fifth."""


@dataclass(frozen=True, slots=True)
class DurationStats:
    """How long a step took, in seconds: of half of all, and of 95 %, at most so long."""

    step: str
    count: int
    median: float
    p95: float


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one model."""

    model: str
    read: int
    written: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Some days, `since` the first of them. `questions` counts outcomes by platform; `steps` are slowest first."""

    since: date
    questions: dict[str, dict[str, int]]
    failures: dict[str, int]
    steps: tuple[DurationStats, ...]
    usage: tuple[Usage, ...]
    runs: dict[str, int]


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A question that the posts did not answer, as it was understood."""

    text: str
    at: datetime


class Statistics:
    """Listens, and writes in the background: neither a slow Redis nor none keeps an answer waiting. `gaps_kept` is how
    long a question's text may be kept."""

    def __init__(self, redis: Redis, gaps_kept: timedelta = RETENTION) -> None:
        self._redis = redis
        self._gaps_kept = min(gaps_kept, RETENTION)
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._gaps: deque[tuple[str, Unanswered]] = deque(maxlen=MOST_WAITING)
        self._writing: asyncio.Task[None] | None = None

    def __call__(self, observation: TelemetryEvent) -> None:
        now = datetime.now(UTC)
        for field, count in _fields(observation):
            self._counts[now.date().isoformat()][field] += count
        if isinstance(observation, QuestionFinished) and observation.gap:
            self._gaps.append((observation.question_id, Unanswered(observation.gap, now)))
        if isinstance(observation, QuestionFinished | RunFinished) and (self._writing is None or self._writing.done()):
            self._writing = asyncio.create_task(self._write())

    async def aclose(self) -> None:
        """Writes what there is yet, if Redis takes it soon."""
        try:
            async with asyncio.timeout(CLOSED_WITHIN):
                if self._writing:
                    await asyncio.wait([self._writing])
                await self._write()
        except TimeoutError:
            log.warning("the last statistics were not written")

    async def figures(self, days: int) -> Figures:
        """The last so many days, today among them; days are those of UTC."""
        today = datetime.now(UTC).date()
        wanted = [today - timedelta(days=back) for back in range(days)]
        async with self._redis.pipeline(transaction=False) as pipe:
            for day in wanted:
                pipe.hgetall(keys.statistics(day.isoformat()))
            hashes = await pipe.execute()
        counts: Counter[str] = Counter()
        for fields in hashes:
            counts.update({as_text(field): int(count) for field, count in fields.items()})
        return _read(wanted[-1], counts)

    async def gaps(self, days: int, most: int) -> list[Unanswered]:
        """The questions that the posts did not answer in these days, the newest first."""
        first = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
        found: list[Any] = await self._redis.zrevrangebyscore(
            keys.GAPS, "+inf", first.timestamp(), start=0, num=most, withscores=True
        )
        async with self._redis.pipeline(transaction=False) as pipe:
            for question_id, _ in found:
                pipe.get(keys.gap(as_text(question_id)))
            texts = await pipe.execute() if found else []
        return [
            Unanswered(as_text(text), datetime.fromtimestamp(at, UTC))
            for (_, at), text in zip(found, texts, strict=True)
            if text  # else it has been forgotten
        ]

    async def _write(self) -> None:
        """Also what comes meanwhile. What cannot be written waits for the next time."""
        while self._counts or self._gaps:
            counts, gaps = self._counts, list(self._gaps)
            self._counts = defaultdict(Counter)
            self._gaps.clear()
            try:
                await self._put(counts, gaps)
            except RedisError as error:
                log.warning("statistics could not be written yet", cause=str(error))
                for day, fields in counts.items():
                    self._counts[day].update(fields)
                self._gaps.extendleft(reversed(gaps))
                return

    async def _put(self, counts: dict[str, Counter[str]], gaps: list[tuple[str, Unanswered]]) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            for day, fields in counts.items():
                for field, count in fields.items():
                    pipe.hincrby(keys.statistics(day), field, count)
                pipe.expire(keys.statistics(day), RETENTION)
            for question_id, gap in gaps:
                pipe.set(keys.gap(question_id), gap.text, ex=self._gaps_kept)
                pipe.zadd(keys.GAPS, {question_id: gap.at.timestamp()})
            if gaps:
                pipe.zremrangebyscore(keys.GAPS, "-inf", (datetime.now(UTC) - self._gaps_kept).timestamp())
                pipe.zremrangebyrank(keys.GAPS, 0, -MOST_GAPS - 1)
                pipe.expire(keys.GAPS, self._gaps_kept)
            await pipe.execute()


def _fields(observation: TelemetryEvent) -> Iterable[tuple[str, int]]:
    """What an observation adds to the hash of its day. Names that come from outside stand last."""
    match observation:
        case QuestionFinished():
            yield f"questions:{observation.outcome}:{observation.platform}", 1
            if observation.outcome == "failed":
                yield f"failures:{observation.error}", 1
        case StepTimed():
            yield f"step:{observation.step}:{_class(observation.seconds)}", 1
        case TokensUsed():
            yield f"tokens:read:{observation.model}", observation.read
            yield f"tokens:written:{observation.model}", observation.written
        case RunFinished():
            yield f"runs:{observation.outcome}", 1


def _class(seconds: float) -> int:
    return ceil(log2(max(seconds, 0.001)) * PER_DOUBLING)


def _read(since: date, counts: Counter[str]) -> Figures:
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
    times = (_times(step, classes) for step, classes in steps.items())
    return Figures(
        since=since,
        questions=dict(questions),
        failures=failures,
        steps=tuple(sorted(times, key=lambda each: -each.p95)),
        usage=tuple(Usage(model, of["read"], of["written"]) for model, of in sorted(tokens.items())),
        runs=runs,
    )


def _times(step: str, classes: Counter[int]) -> DurationStats:
    return DurationStats(step, classes.total(), _quantile(classes, 0.5), _quantile(classes, 0.95))


def _quantile(classes: Counter[int], share: float) -> float:
    """Seconds within which so large a share of all lies: the upper end of its class."""
    wanted, seen = share * classes.total(), 0
    for number, count in sorted(classes.items()):
        seen += count
        if seen >= wanted:
            return float(2 ** (number / PER_DOUBLING))
    return 0.0

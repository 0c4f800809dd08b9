"""Where a run parses and embeds: in this process, or in workers that take jobs from a queue in Redis.

Pages are always fetched by the process that runs the job: it counts how often each site is asked. The queue is a
Redis stream (taskiq), which gives each job to one worker and keeps it until it is done. The data of a job is stored
under a key of its own with a TTL, so that no page stays in the stream.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any, Protocol

import structlog
from pydantic import TypeAdapter
from redis.asyncio import Redis
from taskiq.exceptions import TaskiqError
from taskiq.kicker import AsyncKicker
from taskiq.serializers import JSONSerializer
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

from core.domain import Passage
from core.index.draft import Draft
from core.indexing.embedding_stage import EmbeddingBatch, EmbedFailures, embed_into
from core.indexing.post_parser import READING_VERSION, ParseFailure, ParseResult, ParserPool, RawPost, digest
from core.models.protocols import Embedder
from core.storage import keys
from core.storage.connection import DRIVER

log = structlog.get_logger()

PARSE_TASK = "parse"
"""Takes a `RawPost`, returns a `ParseResult` or a `ParseFailure`."""

EMBED_TASK = "embed"
"""Takes an `EmbeddingBatch` and writes it into a draft."""

JOB_TTL = timedelta(minutes=10)
"""No run waits longer than this for a job."""

MAX_QUEUED_JOBS = 10_000
"""The oldest ones are trimmed; a run queues some hundred at a time."""

RECLAIM_AFTER = timedelta(minutes=2)
"""A job that a worker has taken and not finished goes to another one after this long."""

HEARTBEAT_TIMEOUT = timedelta(seconds=10)
"""A worker without a heartbeat for this long counts as gone."""

WORKER_CHECK_INTERVAL = 1.0
"""Seconds for which a run believes its last count of workers."""

raw_post_json: TypeAdapter[RawPost] = TypeAdapter(RawPost)
parsed_json: TypeAdapter[ParseResult | ParseFailure] = TypeAdapter(ParseResult | ParseFailure)
failures_json: TypeAdapter[EmbedFailures] = TypeAdapter(Mapping[str, str])
batch_json: TypeAdapter[EmbeddingBatch] = TypeAdapter(Sequence[Sequence[Passage]])


class TaskExecutor(Protocol):
    """Does the CPU-bound and model-bound work of a run."""

    async def parse(self, raw: RawPost) -> ParseResult | ParseFailure: ...

    async def embed_into(self, draft: Draft, batch: EmbeddingBatch) -> EmbedFailures:
        """Embed passages and write them into a draft; return what failed. Raises what the embedder raises."""
        ...


@dataclass(frozen=True, slots=True)
class LocalExecutor:
    """Works in this process and its parser processes."""

    parsers: ParserPool
    embedder: Embedder

    async def parse(self, raw: RawPost) -> ParseResult | ParseFailure:
        return await self.parsers.parse(raw)

    async def embed_into(self, draft: Draft, batch: EmbeddingBatch) -> EmbedFailures:
        return await embed_into(draft, self.embedder, batch)


@dataclass(frozen=True, slots=True)
class JobTimeouts:
    """How long to wait for a worker before doing the job locally.

    A job done twice has the same result, but a model is paid twice, so embedding gets more time than it may take.
    """

    parse: timedelta = timedelta(seconds=20)
    embed: timedelta = timedelta(seconds=120)


class DistributedExecutor:
    """Gives jobs to workers while there are any; falls back to `local` when one dies, fails or is too slow."""

    def __init__(
        self, redis: Redis, broker: RedisStreamBroker, queue: str, local: TaskExecutor, timeouts: JobTimeouts
    ) -> None:
        self._redis = redis
        self._broker = broker
        self._queue = queue
        self._local = local
        self._timeouts = timeouts
        self._checked_at = float("-inf")
        self._has_workers = False
        self._checking = asyncio.Lock()

    async def parse(self, raw: RawPost) -> ParseResult | ParseFailure:
        if await self._workers_available():
            result = await self._run_job(PARSE_TASK, raw_post_json.dump_json(raw), self._timeouts.parse)
            if result:
                return parsed_json.validate_json(result)
        return await self._local.parse(raw)

    async def embed_into(self, draft: Draft, batch: EmbeddingBatch) -> EmbedFailures:
        if await self._workers_available():
            result = await self._run_job(EMBED_TASK, batch_json.dump_json(batch), self._timeouts.embed, draft.number)
            if result:
                return failures_json.validate_json(result)
        return await self._local.embed_into(draft, batch)

    async def _run_job(self, task_name: str, data: bytes, timeout: timedelta, *arguments: Any) -> str:
        """Return the result of a worker, or an empty string if no worker has done the job."""
        key = keys.job_payload(self._queue, secrets.token_hex(8))
        await self._redis.set(key, data, ex=JOB_TTL)
        try:
            kicker: AsyncKicker[Any, Any] = AsyncKicker(task_name, self._broker, {})
            task = await kicker.kiq(key, *arguments)
            result = await task.wait_result(check_interval=0.05, timeout=timeout.total_seconds())
        except TaskiqError as error:
            log.warning("worker job timed out, running locally", job=task_name, cause=repr(error.__cause__ or error))
            return ""
        finally:
            await self._redis.delete(key)
        if result.is_err:
            log.warning("worker job failed, running locally", job=task_name, cause=str(result.error))
            return ""
        return str(result.return_value)

    async def _workers_available(self) -> bool:
        async with self._checking:
            if monotonic() - self._checked_at > WORKER_CHECK_INTERVAL:
                self._has_workers = await count_workers(self._redis, self._queue) > 0
                self._checked_at = monotonic()
        return self._has_workers


@asynccontextmanager
async def distributed_executor(
    redis: Redis, url: str, queue: str, local: TaskExecutor, timeouts: JobTimeouts | None = None
) -> AsyncGenerator[DistributedExecutor, None]:
    """Open an executor with the connections that sending jobs takes."""
    broker = create_broker(url, queue)
    try:
        yield DistributedExecutor(redis, broker, queue, local, timeouts or JobTimeouts())
    finally:
        await broker.shutdown()


def queue_name(release: str, model: str) -> str:
    """Return the queue of processes whose results are interchangeable: same release, same embedding model."""
    return keys.jobs(digest(READING_VERSION, release, model)[:16])


def create_broker(url: str, queue: str) -> RedisStreamBroker:
    """Create a broker with a JSON result backend: unpickling what is in Redis would run code from there."""
    broker = RedisStreamBroker(
        url,
        queue_name=queue,
        consumer_group_name=queue,
        maxlen=MAX_QUEUED_JOBS,
        idle_timeout=int(RECLAIM_AFTER.total_seconds() * 1_000),
        unacknowledged_lock_timeout=10,
        xread_block=500,
        xread_count=4,
        consumer_id="0",
        driver_info=DRIVER,
    )
    return broker.with_result_backend(
        RedisAsyncResultBackend(
            url,
            keep_results=False,
            result_ex_time=int(JOB_TTL.total_seconds()),
            serializer=JSONSerializer(),
            prefix_str=f"{queue}:result",
            driver_info=DRIVER,
        )
    )


async def send_heartbeat(redis: Redis, queue: str, worker: str) -> None:
    """Mark a worker as alive, by the clock of Redis, which all processes share."""
    now, _ = await redis.time()
    async with redis.pipeline(transaction=False) as pipe:
        pipe.zadd(keys.workers(queue), {worker: now})
        pipe.zremrangebyscore(keys.workers(queue), "-inf", now - JOB_TTL.total_seconds())
        await pipe.execute()


async def remove_worker(redis: Redis, queue: str, worker: str) -> None:
    """Mark a worker as gone."""
    await redis.zrem(keys.workers(queue), worker)


async def count_workers(redis: Redis, queue: str) -> int:
    """Return the number of workers that are alive."""
    now, _ = await redis.time()
    return int(await redis.zcount(keys.workers(queue), now - HEARTBEAT_TIMEOUT.total_seconds(), "+inf"))

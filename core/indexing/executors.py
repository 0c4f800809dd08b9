"""A run that shares its work: what costs a processor, or waits for a model, is done by workers where there are some.

The pages are still fetched by the one process that holds the lease: how often a site is asked is counted there.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any, Protocol

import structlog
from redis.asyncio import Redis
from taskiq.exceptions import TaskiqError
from taskiq.kicker import AsyncKicker
from taskiq_redis import RedisStreamBroker

from core.index.draft import Draft
from core.indexing.embedding_stage import Piece, embed_into
from core.indexing.jobs import EMBED, LASTS, PARSE, broker_of, parsed_form, piece_form, raw_form, workers
from core.indexing.parse_task import ParseFailure, ParseResult, RawPost
from core.indexing.pool import ParserPool
from core.models.protocols import Embedder
from core.storage import keys

log = structlog.get_logger()

LOOKED_EVERY = 1.0
"""Seconds after which a run looks again whether workers are there."""


class TaskExecutor(Protocol):
    """Whoever does what a run is made of: this process, or workers."""

    async def parse(self, raw: RawPost) -> ParseResult | ParseFailure:
        """Like `parsing.parse`."""
        ...

    async def embed_into(self, draft: Draft, piece: Piece) -> None:
        """Like `staging.embed_into`."""
        ...


@dataclass(frozen=True, slots=True)
class LocalExecutor:
    """This process, with its processes for parsing."""

    parsers: ParserPool
    embedder: Embedder

    async def parse(self, raw: RawPost) -> ParseResult | ParseFailure:
        return await self.parsers.parse(raw)

    async def embed_into(self, draft: Draft, piece: Piece) -> None:
        await embed_into(draft, self.embedder, piece)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a job is waited for before this process does it itself. What was done twice is as if done once, but a
    model is paid twice, so that one gets longer than it may take."""

    parse: timedelta = timedelta(seconds=20)
    embed: timedelta = timedelta(seconds=120)


class DistributedExecutor:
    """Workers, as long as some are there, else `own`. A worker that dies, or fails, costs time and nothing else."""

    def __init__(
        self, redis: Redis, broker: RedisStreamBroker, queue: str, own: LocalExecutor, patience: Patience | None = None
    ) -> None:
        self._redis = redis
        self._broker = broker
        self._queue = queue
        self._own = own
        self._patience = patience or Patience()
        self._looked = float("-inf")
        self._anybody = False
        self._looking = asyncio.Lock()

    async def parse(self, raw: RawPost) -> ParseResult | ParseFailure:
        if await self._somebody_is_there():
            told = await self._done(PARSE, raw_form.dump_json(raw), self._patience.parse)
            if told:
                return parsed_form.validate_json(told)
        return await self._own.parse(raw)

    async def embed_into(self, draft: Draft, piece: Piece) -> None:
        shared = await self._somebody_is_there() and await self._done(
            EMBED, piece_form.dump_json(piece), self._patience.embed, draft.number
        )
        if not shared:
            await self._own.embed_into(draft, piece)

    async def _done(self, job: str, about: bytes, patience: timedelta, *arguments: Any) -> str:
        """What a worker says of a job that it has done; nothing when none has."""
        name = keys.job_payload(self._queue, secrets.token_hex(8))
        await self._redis.set(name, about, ex=LASTS)
        try:
            kicker: AsyncKicker[Any, Any] = AsyncKicker(job, self._broker, {})
            task = await kicker.kiq(name, *arguments)
            result = await task.wait_result(check_interval=0.05, timeout=patience.total_seconds())
        except TaskiqError as error:
            log.warning("a job was not done by a worker", job=job, cause=repr(error.__cause__ or error))
            return ""
        finally:
            await self._redis.delete(name)
        if result.is_err:
            log.warning("a job failed at a worker", job=job, cause=str(result.error))
            return ""
        return str(result.return_value)

    async def _somebody_is_there(self) -> bool:
        async with self._looking:
            if monotonic() - self._looked > LOOKED_EVERY:
                self._anybody = await workers(self._redis, self._queue) > 0
                self._looked = monotonic()
        return self._anybody


@asynccontextmanager
async def distributed_executor(
    redis: Redis, url: str, queue: str, own: LocalExecutor
) -> AsyncGenerator[DistributedExecutor, None]:
    """To be used in a block: giving jobs away takes connections of its own."""
    broker = broker_of(url, queue)
    try:
        yield DistributedExecutor(redis, broker, queue, own)
    finally:
        await broker.shutdown()

"""A worker: does jobs of runs that go on in other processes, on any number of machines."""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import structlog
from redis.asyncio import Redis
from taskiq.acks import AcknowledgeType
from taskiq.receiver import Receiver
from taskiq_redis import RedisStreamBroker

from core.index.draft import load_draft
from core.index.schema import digest_of
from core.indexing.executors import LocalExecutor
from core.indexing.jobs import (
    ALIVE_FOR,
    EMBED,
    PARSE,
    broker_of,
    leave,
    parsed_form,
    piece_form,
    raw_form,
    sign_of_life,
)
from core.periodic import running_periodically

log = structlog.get_logger()

JOBS_AT_ONCE = 8

FINISH_WITHIN = timedelta(seconds=25)
"""What a worker has begun it may end when it is stopped."""

DONE = "done"


@dataclass(frozen=True, slots=True)
class Worker:
    """Takes jobs from `queue` in the Redis at `url`."""

    redis: Redis
    url: str
    queue: str
    hands: LocalExecutor

    async def work(self, stop: asyncio.Event) -> None:
        """Until it is told to stop; then it ends what it has begun. What it has taken and not done goes to others."""
        broker = broker_of(self.url, self.queue)
        broker.is_worker_process = True
        self._offer(broker)
        name = secrets.token_hex(8)
        with ThreadPoolExecutor(1) as unused:
            receiver = Receiver(
                broker,
                unused,
                max_async_tasks=JOBS_AT_ONCE,
                ack_type=AcknowledgeType.WHEN_SAVED,
                wait_tasks_timeout=FINISH_WITHIN.total_seconds(),
            )
            await self._alive(name)
            try:
                async with running_periodically(lambda: self._alive(name), every=ALIVE_FOR / 4):
                    await receiver.listen(stop)
            finally:
                await leave(self.redis, self.queue, name)
                await broker.shutdown()

    def _offer(self, broker: RedisStreamBroker) -> None:
        @broker.task(PARSE)
        async def parse(about: str) -> str:
            return await self.parse(about)

        @broker.task(EMBED)
        async def embed(about: str, edition: int) -> str:
            return await self.embed(about, edition)

    async def parse(self, about: str) -> str:
        """The job PARSE: `about` is the key of a `RawPost`."""
        told = await self.redis.get(about)
        if told is None:
            return ""  # nobody waits for it any more
        return parsed_form.dump_json(await self.hands.parse(raw_form.validate_json(told))).decode()

    async def embed(self, about: str, edition: int) -> str:
        """The job EMBED: `about` is the key of a piece. What has a vector by now is not embedded again."""
        told = await self.redis.get(about)
        draft = await load_draft(self.redis, edition)
        if told is None or draft is None:
            return ""
        piece = piece_form.validate_json(told)
        known = await draft.known_vectors([digest_of(same[0]) for same in piece])
        lacking = []
        for same in piece:
            vector = known.get(digest_of(same[0]))
            if vector is None:
                lacking.append(same)
            else:
                await draft.stage(same, np.stack([vector] * len(same)))
        if lacking:
            await self.hands.embed_into(draft, lacking)
        return DONE

    async def _alive(self, name: str) -> None:
        await sign_of_life(self.redis, self.queue, name)

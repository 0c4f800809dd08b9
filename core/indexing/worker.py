"""A worker: does the jobs of runs in other processes, on any number of machines."""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import numpy as np
from redis.asyncio import Redis
from taskiq.acks import AcknowledgeType
from taskiq.receiver import Receiver
from taskiq_redis import RedisStreamBroker

from core.index.draft import load_draft
from core.index.schema import digest_of
from core.indexing.executors import (
    EMBED_TASK,
    HEARTBEAT_TIMEOUT,
    PARSE_TASK,
    TaskExecutor,
    batch_json,
    create_broker,
    failures_json,
    parsed_json,
    raw_post_json,
    remove_worker,
    send_heartbeat,
)
from core.periodic import running_periodically

CONCURRENT_JOBS = 8

SHUTDOWN_TIMEOUT = timedelta(seconds=25)
"""How long a stopping worker may take to finish its jobs."""


@dataclass(frozen=True, slots=True)
class Worker:
    """Takes jobs from a queue in the Redis at `url`."""

    redis: Redis
    url: str
    queue: str
    executor: TaskExecutor

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then finish the jobs begun. Jobs taken and not finished go to other workers."""
        broker = create_broker(self.url, self.queue)
        broker.is_worker_process = True
        self._register_tasks(broker)
        name = secrets.token_hex(8)
        heartbeat = partial(send_heartbeat, self.redis, self.queue, name)
        # The receiver wants an executor for synchronous tasks; there are none.
        with ThreadPoolExecutor(1) as unused:
            receiver = Receiver(
                broker,
                unused,
                max_async_tasks=CONCURRENT_JOBS,
                ack_type=AcknowledgeType.WHEN_SAVED,
                wait_tasks_timeout=SHUTDOWN_TIMEOUT.total_seconds(),
            )
            await heartbeat()
            try:
                async with running_periodically(heartbeat, every=HEARTBEAT_TIMEOUT / 4):
                    await receiver.listen(stop)
            finally:
                await remove_worker(self.redis, self.queue, name)
                await broker.shutdown()

    async def parse(self, key: str) -> str:
        """Parse the `RawPost` at a key; return the result as JSON, or an empty string if no run waits for it."""
        data = await self.redis.get(key)
        if data is None:
            return ""
        return parsed_json.dump_json(await self.executor.parse(raw_post_json.validate_json(data))).decode()

    async def embed(self, key: str, version: int) -> str:
        """Write the `EmbeddingBatch` at a key into a draft, without embedding again what has a vector by now.

        Return what failed as JSON, or an empty string if no run waits for it.
        """
        data = await self.redis.get(key)
        draft = await load_draft(self.redis, version)
        if data is None or draft is None:
            return ""
        batch = batch_json.validate_json(data)
        known = await draft.known_vectors([digest_of(group[0]) for group in batch])
        missing = []
        for group in batch:
            vector = known.get(digest_of(group[0]))
            if vector is None:
                missing.append(group)
            else:
                await draft.stage(group, np.stack([vector] * len(group)))
        failures = await self.executor.embed_into(draft, missing) if missing else {}
        return failures_json.dump_json(failures).decode()

    def _register_tasks(self, broker: RedisStreamBroker) -> None:
        # taskiq renames the functions that it is given, which does not work with methods.
        @broker.task(PARSE_TASK)
        async def parse(key: str) -> str:
            return await self.parse(key)

        @broker.task(EMBED_TASK)
        async def embed(key: str, version: int) -> str:
            return await self.embed(key, version)

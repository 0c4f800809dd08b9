"""Jobs that one process may do for another: which there are, how they travel, and who is there to do them.

They lie in a stream of the same Redis (taskiq), which hands each to one worker and knows it until it is done. What a
job is about lies beside it, under a key that ends with it, so that no page stays in the stream.
"""

from collections.abc import Sequence
from datetime import timedelta

from pydantic import TypeAdapter
from redis.asyncio import Redis
from taskiq.serializers import JSONSerializer
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

from core.domain import Passage
from core.indexing.parse_task import READING_VERSION, ParseFailure, ParseResult, RawPost, digest
from core.storage import keys
from core.storage.connection import DRIVER

PARSE = "parse"
"""A `RawPost` becomes a `ParseResult` or an `ParseFailure`."""

EMBED = "embed"
"""Passages, those with the same text together, get vectors and lie in a draft then."""

LASTS = timedelta(minutes=10)
"""After this long nobody waits for a job any more."""

MOST_WAITING = 10_000
"""Older ones are cut off; a run has some hundred on the way at most."""

CLAIMED_AFTER = timedelta(minutes=2)
"""A job that was taken and not done is taken by another worker."""

ALIVE_FOR = timedelta(seconds=10)
"""So long a worker counts as there after its last sign of life."""

raw_form: TypeAdapter[RawPost] = TypeAdapter(RawPost)
parsed_form: TypeAdapter[ParseResult | ParseFailure] = TypeAdapter(ParseResult | ParseFailure)
piece_form: TypeAdapter[Sequence[Sequence[Passage]]] = TypeAdapter(Sequence[Sequence[Passage]])


def queue_for(release: str, model: str) -> str:
    """The queue of processes that make the same of the same: another release, or model, has another."""
    return keys.jobs(digest(READING_VERSION, release, model)[:16])


def broker_of(url: str, queue: str) -> RedisStreamBroker:
    """Nothing is sent before its `startup`. Results are JSON, so that nobody who writes into Redis runs code here."""
    broker = RedisStreamBroker(
        url,
        queue_name=queue,
        consumer_group_name=queue,
        maxlen=MOST_WAITING,
        idle_timeout=int(CLAIMED_AFTER.total_seconds() * 1_000),
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
            result_ex_time=int(LASTS.total_seconds()),
            serializer=JSONSerializer(),
            prefix_str=f"{queue}:result",
            driver_info=DRIVER,
        )
    )


async def sign_of_life(redis: Redis, queue: str, worker: str) -> None:
    """Says that a worker is there, by the clock that all share, which is Redis'."""
    now, _ = await redis.time()
    async with redis.pipeline(transaction=False) as pipe:
        pipe.zadd(keys.workers(queue), {worker: now})
        pipe.zremrangebyscore(keys.workers(queue), "-inf", now - LASTS.total_seconds())
        await pipe.execute()


async def leave(redis: Redis, queue: str, worker: str) -> None:
    """Says that a worker is there no more."""
    await redis.zrem(keys.workers(queue), worker)


async def workers(redis: Redis, queue: str) -> int:
    """How many workers are there."""
    now, _ = await redis.time()
    return int(await redis.zcount(keys.workers(queue), now - ALIVE_FOR.total_seconds(), "+inf"))

"""How Redis is reached, and whether the server there is one that this product can live on."""

import asyncio
from collections.abc import Iterable

from redis import DriverInfo
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import (
    TimeoutError as RedisTimeoutError,
)

from core.errors import Problem
from core.storage.instrumented_retry import InstrumentedRetry
from core.storage.topology import address_of, connect_cluster, connect_through_sentinels, is_cluster

MOST_CONNECTIONS = 64
"""A question needs two at a time. Past this many, questions wait for a connection instead of failing."""

WAIT_FOR_CONNECTION = 20
"""Seconds. With two hundred questions in flight on a busy machine, five were too few."""

DRIVER = DriverInfo()
"""Left to itself, redis-py looks its own version up on disk for every connection, in the event loop."""

EVICTING = ("allkeys", "volatile")
DOCKER = "docker run -p 6379:6379 redis:8"

CLUSTER_WITHOUT_SEARCH = Problem(
    "This Redis Cluster cannot search: all else works there, but posts cannot be found.",
    "Use a cluster with search (Redis 8, Redis Cloud, Redis Software), or a single Redis with search.",
)


def connect(url: str) -> Redis:
    """A client of the server at `url` (`redis://`, `rediss://`, `unix://`), or of several (`core.storage.topology`).
    Nothing is sent before the first command.

    Answers come as bytes, because embeddings are bytes. Raises ValueError for another scheme.
    """
    options = {
        "driver_info": DRIVER,
        "protocol": 2,  # search replies as flat lists, on every server
        "socket_timeout": 5,
        "socket_connect_timeout": 5,
        "retry": InstrumentedRetry(ExponentialWithJitterBackoff(base=0.05, cap=0.5), retries=3),
    }
    address = address_of(url)
    if address and address.kind == "cluster":
        return connect_cluster(address, options)
    if address:
        return connect_through_sentinels(
            address, {**options, "timeout": WAIT_FOR_CONNECTION, "max_connections": MOST_CONNECTIONS}, _Cancellable
        )
    pool = BlockingConnectionPool.from_url(
        url, max_connections=MOST_CONNECTIONS, timeout=WAIT_FOR_CONNECTION, **options
    )
    pool.connection_class = type("Connection", (_Cancellable, pool.connection_class), {})
    return Redis.from_pool(pool)


class _Cancellable(AbstractConnection):
    """A connection that can be cancelled while it sends.

    redis-py sends within `asyncio.wait_for`, and that swallows a cancellation, before Python 3.12, when it comes in the
    moment in which all is sent: a group of tasks that is being cancelled would then wait for one of them for ever.
    """

    async def send_packed_command(self, command: bytes | str | Iterable[bytes], check_health: bool = True) -> None:
        within, self.socket_timeout = self.socket_timeout, None
        try:
            async with asyncio.timeout(within):
                await super().send_packed_command(command, check_health)
        except TimeoutError as error:
            raise RedisTimeoutError("Timeout writing to socket") from error
        finally:
            self.socket_timeout = within


def as_text(reply: object) -> str:
    """A string in a reply of Redis, which comes as bytes."""
    return reply.decode() if isinstance(reply, bytes) else str(reply)


def takes_no_writes(error: ResponseError) -> bool:
    """Whether a server that can be read refuses all writing: its memory or its disk is full, or it is a replica."""
    return isinstance(error, OutOfMemoryError | ReadOnlyError) or "MISCONF" in str(error)


async def check_server(redis: Redis) -> list[Problem]:
    """What is wrong with the server, each with its cure; an empty list when all is well."""
    database = 0 if is_cluster(redis) else int(redis.connection_pool.connection_kwargs.get("db") or 0)
    try:
        await redis.ping()
    except RedisError as error:
        return [_unreachable(error)]
    problems = [await _search_problem(redis), await _eviction_problem(redis), _database_problem(database)]
    return [problem for problem in problems if problem]


def _unreachable(error: RedisError) -> Problem:
    # Over a unix socket, redis-py wraps what the server says in an error of the connection: only its words tell.
    words = str(error).lower()
    if "authentication required" in words or "noauth" in words:
        return Problem("Redis wants a password.", "Put it into REDIS_URL: redis://user:password@host:6379.")
    if isinstance(error, AuthenticationError | AuthorizationError | NoPermissionError) or "username-password" in words:
        return Problem(
            "Redis refuses the password.", "Put the right one into REDIS_URL: redis://user:password@host:6379."
        )
    return Problem(
        "Redis cannot be reached.",
        f"Start it ({DOCKER}), correct REDIS_URL, or leave REDIS_URL empty to use the embedded Redis.",
    )


async def _search_problem(redis: Redis) -> Problem | None:
    try:
        await redis.execute_command("FT._LIST")
    except NoPermissionError:
        return Problem(
            "Redis does not let this user search.",
            "Give the user the @search commands, and ~post:* ~posts* among its keys.",
        )
    except ResponseError:
        if is_cluster(redis):
            return CLUSTER_WITHOUT_SEARCH
        return Problem(
            "This Redis has no search module.",
            f"Use Redis 8 or later ({DOCKER}), Redis Stack, or a managed Redis with search.",
        )
    return None


async def _eviction_problem(redis: Redis) -> Problem | None:
    try:
        memory = await redis.info("memory")
    except NoPermissionError:
        return None  # whoever gave this user its few commands looks after the rest, too
    policy = str(memory.get("maxmemory_policy", "noeviction"))
    if not policy.startswith(EVICTING):
        return None
    return Problem(
        f"Redis may throw posts away when it is full (maxmemory-policy {policy}).",
        "Set `maxmemory-policy noeviction`.",
    )


def _database_problem(database: int) -> Problem | None:
    if database == 0:
        return None
    return Problem(
        f"REDIS_URL names database {database}, and Redis searches database 0 alone.",
        "Take the number off the end of REDIS_URL.",
    )

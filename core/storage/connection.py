"""Connection to Redis, and the check that the server is fit for use."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from redis import DriverInfo
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
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
from core.storage.topology import address_of, connect_cluster, connect_through_sentinels, is_cluster
from core.telemetry import RequestRetried, emit

Result = TypeVar("Result")

MAX_CONNECTIONS = 64
"""A question needs two at a time. At the limit, questions wait for a connection instead of failing."""

CONNECTION_TIMEOUT = 20
"""Seconds to wait for a free connection. With 200 questions in flight on a busy machine, 5 were too few."""

DRIVER = DriverInfo()
"""Passed explicitly: otherwise redis-py reads its own version from disk for each connection, in the event loop."""

EVICTION_POLICIES = ("allkeys", "volatile")
"""Prefixes of `maxmemory-policy` values that delete keys."""

DOCKER = "docker run -p 6379:6379 redis:8"

CLUSTER_WITHOUT_SEARCH = Problem(
    "This Redis Cluster cannot search: everything else works, but no posts can be found.",
    "Use a cluster with search (Redis 8, Redis Cloud, Redis Software), or a single Redis with search.",
)


def connect(url: str) -> Redis:
    """Create a client for `url`: `redis://`, `rediss://`, `unix://`, or several servers (see `core.storage.topology`).

    Connects at the first command. Replies are bytes, because embeddings are. Raises ValueError for another scheme.
    """
    options = {
        "driver_info": DRIVER,
        "protocol": 2,  # search replies are flat lists on every server
        "socket_timeout": 5,
        "socket_connect_timeout": 5,
        "retry": InstrumentedRetry(ExponentialWithJitterBackoff(base=0.05, cap=0.5), retries=3),
    }
    address = address_of(url)
    if address and address.kind == "cluster":
        return connect_cluster(address, options)
    if address:
        return connect_through_sentinels(
            address, {**options, "timeout": CONNECTION_TIMEOUT, "max_connections": MAX_CONNECTIONS}, _Cancellable
        )
    pool = BlockingConnectionPool.from_url(url, max_connections=MAX_CONNECTIONS, timeout=CONNECTION_TIMEOUT, **options)
    pool.connection_class = type("Connection", (_Cancellable, pool.connection_class), {})
    return Redis.from_pool(pool)


class InstrumentedRetry(Retry):
    """Behaves like redis-py's `Retry` and emits `RequestRetried` for each repetition."""

    async def call_with_retry(self, do: Callable[[], Awaitable[Result]], *args: Any, **kwargs: Any) -> Result:
        first = True

        async def attempt() -> Result:
            nonlocal first
            if not first:
                emit(RequestRetried("redis"))
            first = False
            return await do()

        result: Result = await super().call_with_retry(attempt, *args, **kwargs)
        return result


class _Cancellable(AbstractConnection):
    """A connection whose sends can be cancelled.

    redis-py sends within `asyncio.wait_for`. Before Python 3.12 that swallows a cancellation which arrives as the send
    completes, and a task group that is being cancelled would wait for the task forever.
    """

    async def send_packed_command(self, command: bytes | str | Iterable[bytes], check_health: bool = True) -> None:
        timeout, self.socket_timeout = self.socket_timeout, None
        try:
            async with asyncio.timeout(timeout):
                await super().send_packed_command(command, check_health)
        except TimeoutError as error:
            raise RedisTimeoutError("Timeout writing to socket") from error
        finally:
            self.socket_timeout = timeout


def as_text(reply: object) -> str:
    """Decode a string in a Redis reply, which is bytes."""
    return reply.decode() if isinstance(reply, bytes) else str(reply)


def rejects_writes(error: ResponseError) -> bool:
    """Return whether the server is read-only: memory or disk is full, or it is a replica."""
    return isinstance(error, OutOfMemoryError | ReadOnlyError) or "MISCONF" in str(error)


async def check_server(redis: Redis) -> list[Problem]:
    """Return everything that is wrong with the server."""
    database = 0 if is_cluster(redis) else int(redis.connection_pool.connection_kwargs.get("db") or 0)
    try:
        await redis.ping()
    except RedisError as error:
        return [_connection_problem(error)]
    problems = [await _search_problem(redis), await _eviction_problem(redis), _database_problem(database)]
    return [problem for problem in problems if problem]


def _connection_problem(error: RedisError) -> Problem:
    # Over a unix socket, redis-py wraps the server's reply in a connection error: only its text tells them apart.
    words = str(error).lower()
    if "authentication required" in words or "noauth" in words:
        return Problem("Redis requires a password.", "Put it into REDIS_URL: redis://user:password@host:6379.")
    if isinstance(error, AuthenticationError | AuthorizationError | NoPermissionError) or "username-password" in words:
        return Problem(
            "Redis rejects the password.", "Put the right one into REDIS_URL: redis://user:password@host:6379."
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
            "This Redis user may not search.",
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
        return None  # an operator who restricts commands checks this policy, too
    policy = str(memory.get("maxmemory_policy", "noeviction"))
    if not policy.startswith(EVICTION_POLICIES):
        return None
    return Problem(
        f"Redis may delete posts when its memory is full (maxmemory-policy {policy}).",
        "Set `maxmemory-policy noeviction`.",
    )


def _database_problem(database: int) -> Problem | None:
    if database == 0:
        return None
    return Problem(
        f"REDIS_URL names database {database}, but Redis can only search database 0.",
        "Remove the number at the end of REDIS_URL.",
    )

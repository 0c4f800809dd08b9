"""Clients of a Redis Cluster, or of a primary that Redis Sentinel monitors.

`redis+cluster://user:password@host:6379,host:6379` names some nodes of a cluster, and
`redis+sentinel://user:password@host:26379,host:26379/name` the sentinels of a primary; with TLS, the scheme begins with
`rediss`. User and password are those of the servers; sentinels are queried without credentials.
"""

import re
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote

from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode, ClusterPipeline
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import (
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException

from core.storage.cluster_transaction import without_threads

ADDRESS = re.compile(
    r"(?P<scheme>rediss?)\+(?P<kind>cluster|sentinel)://((?P<user>[^:@/]*):(?P<password>[^@/]*)@)?"
    r"(?P<hosts>[^/@\s]+)(/(?P<primary>[^/\s]*))?"
)
PORTS = {"cluster": 6379, "sentinel": 26379}
MAX_CONNECTIONS_PER_NODE = 1_000
"""A cluster client fails instead of waiting for a connection, so this must exceed the number of questions."""


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed address of several servers. `primary` is empty for a cluster."""

    kind: str
    tls: bool
    hosts: tuple[tuple[str, int], ...]
    primary: str
    user: str | None
    password: str | None


def address_of(url: str) -> Address | None:
    """Parse the address of several servers; return None for a single server. Raises ValueError if it is malformed."""
    if "+" not in url.partition("://")[0]:
        return None
    found = ADDRESS.fullmatch(url)
    if found is None or (found["kind"] == "sentinel") != bool(found["primary"] or ""):
        raise ValueError("its form is redis+cluster://host:6379,… or redis+sentinel://host:26379,…/name")
    hosts = tuple(_host_and_port(host, PORTS[found["kind"]]) for host in found["hosts"].split(","))
    user, password = (unquote(part) if part else None for part in (found["user"], found["password"]))
    return Address(found["kind"], found["scheme"] == "rediss", hosts, found["primary"] or "", user, password)


def _host_and_port(host: str, default: int) -> tuple[str, int]:
    name, _, port = host.rpartition(":") if ":" in host else (host, "", str(default))
    return name, int(port)


def connect_cluster(address: Address, options: dict[str, Any]) -> Redis:
    """Create a cluster client to use like that of a single server.

    The keys of a transaction or script must share a slot.
    """
    client = _Cluster(
        startup_nodes=[ClusterNode(host, port) for host, port in address.hosts],
        username=address.user,
        password=address.password,
        ssl=address.tls,
        max_connections=MAX_CONNECTIONS_PER_NODE,
        **options,
    )
    return cast("Redis", client)


def connect_through_sentinels(address: Address, options: dict[str, Any], mixin: type) -> Redis:
    """Create a client that follows the primary; `mixin` is added to its connection class."""
    kind = SentinelManagedSSLConnection if address.tls else SentinelManagedConnection
    shared = {name: options[name] for name in ("driver_info", "protocol", "socket_timeout", "socket_connect_timeout")}
    # No retries on one sentinel: the next one is queried at once, and the server's connections retry anyway.
    sentinels = Sentinel(list(address.hosts), sentinel_kwargs={**shared, "retry": Retry(NoBackoff(), 0)})
    pool = _SentinelPool(
        address.primary,
        sentinels,
        connection_class=type("Connection", (mixin, kind), {}),
        username=address.user,
        password=address.password,
        **options,
    )
    return Redis.from_pool(pool)


class _SentinelPool(SentinelConnectionPool, BlockingConnectionPool):
    """Waits for a free connection instead of failing at the limit."""

    def __init__(self, primary: str, sentinels: Sentinel, **options: Any) -> None:
        super().__init__(primary, sentinels, **options)  # type: ignore[no-untyped-call]

    async def disconnect(self, inuse_connections: bool = True) -> None:
        await super().disconnect(inuse_connections)
        if inuse_connections:  # the client is being closed; after a failover only idle connections are
            for sentinel in self.sentinel_manager.sentinels:
                await sentinel.aclose()


class _Cluster(RedisCluster):
    """Raises the errors of a single server: redis-py's error for an unreachable cluster is not a RedisError."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.command_flags["FT._LIST"] = RedisCluster.DEFAULT_NODE  # has no key, and redis-py does not know it

    async def initialize(self, *args: Any, **kwargs: Any) -> RedisCluster:
        try:
            return await super().initialize(*args, **kwargs)
        except RedisClusterException as error:
            raise RedisConnectionError(str(error)) from error

    def pipeline(self, transaction: Any | None = None, shard_hint: Any | None = None) -> ClusterPipeline:
        pipe = super().pipeline(transaction, shard_hint)
        return without_threads(pipe) if transaction else pipe

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return await super().execute_command(*args, **kwargs)
        except RedisClusterException as error:
            raise RedisConnectionError(str(error)) from error


def is_cluster(redis: Redis) -> bool:
    """Return whether the client is a cluster's, where a transaction cannot span all keys."""
    return isinstance(cast("object", redis), RedisCluster)

"""A Redis of several servers: a cluster, or a primary whose address sentinels know.

`redis+cluster://user:password@host:6379,host:6379` names some nodes of a cluster, and
`redis+sentinel://user:password@host:26379,host:26379/name` the sentinels of a primary; with TLS, both begin with
`rediss`. User and password are those of the servers; sentinels are asked without any.
"""

import re
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote

from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
from redis.asyncio.cluster import AbstractStrategy, ClusterNode, ClusterPipeline, TransactionStrategy
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

FORM = re.compile(
    r"(?P<scheme>rediss?)\+(?P<kind>cluster|sentinel)://((?P<user>[^:@/]*):(?P<password>[^@/]*)@)?"
    r"(?P<places>[^/@\s]+)(/(?P<name>[^/\s]*))?"
)
PORTS = {"cluster": 6379, "sentinel": 26379}
MOST_CONNECTIONS_A_NODE = 1_000
"""A cluster's client waits for no connection, it fails: there have to be more than questions."""


@dataclass(frozen=True, slots=True)
class Address:
    """What an address of several servers says."""

    kind: str
    tls: bool
    places: tuple[tuple[str, int], ...]
    name: str
    user: str | None
    password: str | None


def address_of(url: str) -> Address | None:
    """None for the address of one server. Raises ValueError for one that is neither."""
    if "+" not in url.partition("://")[0]:
        return None
    found = FORM.fullmatch(url)
    if found is None or (found["kind"] == "sentinel") != bool(found["name"] or ""):
        raise ValueError("its form is redis+cluster://host:6379,… or redis+sentinel://host:26379,…/name")
    places = tuple(_place(place, PORTS[found["kind"]]) for place in found["places"].split(","))
    user, password = (unquote(part) if part else None for part in (found["user"], found["password"]))
    return Address(found["kind"], found["scheme"] == "rediss", places, found["name"] or "", user, password)


def _place(place: str, usual: int) -> tuple[str, int]:
    host, _, port = place.rpartition(":") if ":" in place else (place, "", str(usual))
    return host, int(port)


def connect_cluster(address: Address, options: dict[str, Any]) -> Redis:
    """A client of a cluster, used as one of a single server. Transactions and scripts hold keys of one slot alone."""
    client = _Cluster(
        startup_nodes=[ClusterNode(host, port) for host, port in address.places],
        username=address.user,
        password=address.password,
        ssl=address.tls,
        max_connections=MOST_CONNECTIONS_A_NODE,
        **options,
    )
    return cast("Redis", client)


def connect_through_sentinels(address: Address, options: dict[str, Any], mixed_in: type) -> Redis:
    """A client of the primary of that name, wherever it is; its connections are of the kind `mixed_in`, too."""
    kind = SentinelManagedSSLConnection if address.tls else SentinelManagedConnection
    asked = {name: options[name] for name in ("driver_info", "protocol", "socket_timeout", "socket_connect_timeout")}
    # The next sentinel is asked at once, and the server's own connections try again anyway.
    sentinels = Sentinel(list(address.places), sentinel_kwargs={**asked, "retry": Retry(NoBackoff(), 0)})
    pool = _Pool(
        address.name,
        sentinels,
        connection_class=type("Connection", (mixed_in, kind), {}),
        username=address.user,
        password=address.password,
        **options,
    )
    return Redis.from_pool(pool)


class _Pool(SentinelConnectionPool, BlockingConnectionPool):
    """Past its bound, questions wait for a connection instead of failing."""

    def __init__(self, name: str, sentinels: Sentinel, **options: Any) -> None:
        super().__init__(name, sentinels, **options)  # type: ignore[no-untyped-call]

    async def disconnect(self, inuse_connections: bool = True) -> None:
        await super().disconnect(inuse_connections)
        if inuse_connections:  # all is closed, and not only the way to a primary that is none any more
            for sentinel in self.sentinel_manager.sentinels:
                await sentinel.aclose()


class _Cluster(RedisCluster):
    """Fails as a single server does: what redis-py raises for a cluster that cannot be reached is no RedisError."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.command_flags["FT._LIST"] = RedisCluster.DEFAULT_NODE  # it names no key, and redis-py does not know it

    async def initialize(self, *args: Any, **kwargs: Any) -> RedisCluster:
        try:
            return await super().initialize(*args, **kwargs)
        except RedisClusterException as error:
            raise RedisConnectionError(str(error)) from error

    def pipeline(self, transaction: Any | None = None, shard_hint: Any | None = None) -> ClusterPipeline:
        pipe = super().pipeline(transaction, shard_hint)
        if transaction:
            pipe._execution_strategy = _Transaction(pipe)
        return pipe

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return await super().execute_command(*args, **kwargs)
        except RedisClusterException as error:
            raise RedisConnectionError(str(error)) from error


class _Transaction(TransactionStrategy):
    """For each command, redis-py starts a thread with a loop of its own and waits for it, to ask the server where the
    keys stand among its words. In all commands of this house the first one is a key."""

    def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        self._pipeline_slots.add(self._pipe.cluster_client.keyslot(args[1]))
        return AbstractStrategy.execute_command(self, *args, **kwargs)


def is_cluster(redis: Redis) -> bool:
    """Whether a client speaks to a cluster, on whose nodes no transaction can hold everything."""
    return isinstance(cast("object", redis), RedisCluster)

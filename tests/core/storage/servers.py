"""Several plain Redis servers: a cluster of three, and a primary with a sentinel. None of them can search."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from bot.embedded_redis import binaries
from tests.breaking.own_redis import free_port

SLOTS = 16_384
NODES = 3
WITHIN = 20.0


@contextmanager
def server(folder: Path, *arguments: str) -> Iterator[int]:
    """A server's port, for the length of the block."""
    found = binaries()
    assert found is not None
    folder.mkdir()
    port = free_port()
    process = subprocess.Popen(
        [str(found[0]), *arguments, "--port", str(port), "--dir", str(folder), "--save", ""],
        stdout=subprocess.DEVNULL,
    )
    try:
        until(lambda: bool(Redis(port=port).ping()))
        yield port
    finally:
        process.kill()
        process.wait()


@contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """The address of a cluster of three nodes, which share all slots."""
    with ExitStack() as stack:
        ports = [
            stack.enter_context(
                server(folder / str(number), "--cluster-enabled", "yes", "--cluster-node-timeout", "2000")
            )
            for number in range(NODES)
        ]
        nodes = [Redis(port=port) for port in ports]
        share = SLOTS // NODES
        for number, node in enumerate(nodes):
            last = SLOTS - 1 if number == NODES - 1 else (number + 1) * share - 1
            node.execute_command("CLUSTER ADDSLOTSRANGE", number * share, last)
            node.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
            node.execute_command("CLUSTER MEET", "127.0.0.1", ports[0])
        until(lambda: all(b"cluster_state:ok" in state(node) for node in nodes))
        until(lambda: all(b"cluster_known_nodes:3" in state(node) for node in nodes))
        for node in nodes:
            node.close()
        yield "redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port in ports[:2])


@contextmanager
def guarded(folder: Path) -> Iterator[str]:
    """The address of a primary that a sentinel knows."""
    folder.mkdir(exist_ok=True)
    with server(folder / "primary") as port:
        settings = folder / "sentinel.conf"
        settings.write_text(f"sentinel monitor main 127.0.0.1 {port} 1\n")
        found = binaries()
        assert found is not None
        watch = free_port()
        process = subprocess.Popen(
            [str(found[0]), str(settings), "--sentinel", "--port", str(watch)], stdout=subprocess.DEVNULL
        )
        try:
            until(lambda: bool(Redis(port=watch).ping()))
            yield f"redis+sentinel://127.0.0.1:{watch}/main"
        finally:
            process.kill()
            process.wait()


def state(node: Redis) -> bytes:
    reply = node.connection_pool.get_connection()
    try:
        reply.send_command("CLUSTER", "INFO")
        return bytes(reply.read_response())
    finally:
        node.connection_pool.release(reply)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN
    while not _holds(true):
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.02)


def _holds(true: Callable[[], bool]) -> bool:
    try:
        return true()
    except RedisError:
        return False

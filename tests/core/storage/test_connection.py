"""Every problem of a Redis server is reported with its cure; the connection survives load, cancellation and retries."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.embedded_redis import binaries
from core.errors import Problem
from core.storage.connection import check_server, connect
from core.telemetry import RequestRetried, TelemetryEvent, subscribed
from tests.servers.redis import redis_proxy


@asynccontextmanager
async def server(folder: Path, *options: str, searches: bool = True) -> AsyncIterator[str]:
    """Run a separate Redis server; yield its address without a password."""
    found = await asyncio.to_thread(binaries)
    assert found is not None
    program, module = found
    path = folder / "own.sock"
    port = () if "--port" in options else ("--port", "0")
    loading = ("--loadmodule", str(module)) if searches else ()
    process = await asyncio.create_subprocess_exec(
        program, *port, "--unixsocket", path, "--dir", folder, "--save", "", *loading, *options,
        stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while not path.exists():
            await asyncio.sleep(0.01)
        yield f"unix://{path}"
    finally:
        process.terminate()
        await process.wait()


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


async def problems_of(address: str) -> list[Problem]:
    async with connect(address) as client:
        return await check_server(client)


async def one_problem(address: str) -> Problem:
    [problem] = await problems_of(address)
    assert problem.what.endswith(".")
    assert problem.cure.endswith(".")
    return problem


async def test_embedded_redis_has_no_problem(redis: Redis) -> None:
    assert await check_server(redis) == []


@pytest.mark.parametrize("address", ["redis://127.0.0.1:1", "unix:///nowhere/redis.sock"])
async def test_missing_server_cannot_be_reached(address: str) -> None:
    problem = await one_problem(address)
    assert "cannot be reached" in problem.what
    assert "docker run" in problem.cure
    assert "REDIS_URL" in problem.cure


async def test_server_of_another_protocol_cannot_be_reached() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as stranger:
        port = stranger.sockets[0].getsockname()[1]
        assert "cannot be reached" in (await one_problem(f"redis://127.0.0.1:{port}")).what


@pytest.mark.parametrize("kind", ["unix", "tcp"])
async def test_missing_and_wrong_passwords_are_told_apart(tmp_path: Path, kind: str, free_port: int) -> None:
    async with server(tmp_path, "--port", str(free_port), "--requirepass", "right") as path:
        address = path if kind == "unix" else f"redis://127.0.0.1:{free_port}"
        assert "requires a password" in (await one_problem(address)).what
        wrong = await one_problem(address.replace("://", "://:guessed@"))
        assert "rejects the password" in wrong.what
        assert "guessed" not in wrong.what + wrong.cure
        assert await problems_of(address.replace("://", "://:right@")) == []


async def test_server_without_search_module_is_a_problem(tmp_path: Path) -> None:
    async with server(tmp_path, searches=False) as address:
        problem = await one_problem(address)
    assert "no search module" in problem.what
    assert "redis:8" in problem.cure


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-lfu", "volatile-ttl", "volatile-random"])
async def test_eviction_policies_are_a_problem(tmp_path: Path, policy: str) -> None:
    async with server(tmp_path, "--maxmemory-policy", policy) as address:
        problem = await one_problem(address)
    assert policy in problem.what
    assert "noeviction" in problem.cure


async def test_any_database_other_than_0_is_a_problem(redis_url: str, redis: Redis) -> None:
    problem = await one_problem(f"{redis_url}?db=3")
    assert "database 3" in problem.what
    assert "REDIS_URL" in problem.cure


async def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    async with server(tmp_path, "--maxmemory-policy", "allkeys-lru", searches=False) as address:
        problems = await problems_of(f"{address}?db=2")
    assert len(problems) == 3


async def test_redis_user_without_search_rights_is_a_problem(redis: Redis, redis_url: str) -> None:
    await redis.acl_setuser("reader", enabled=True, passwords=["+pw"], keys=["*"], commands=["+@all", "-FT._LIST"])
    try:
        problem = await one_problem(redis_url.replace("unix://", "unix://reader:pw@"))
    finally:
        await redis.acl_deluser("reader")
    assert "may not search" in problem.what


async def test_redis_user_without_access_to_info_is_accepted(redis: Redis, redis_url: str) -> None:
    await redis.acl_setuser("clerk", enabled=True, passwords=["+pw"], keys=["*"], commands=["+@all", "-info"])
    try:
        assert await problems_of(redis_url.replace("unix://", "unix://clerk:pw@")) == []
    finally:
        await redis.acl_deluser("clerk")


async def test_unknown_url_scheme_is_rejected() -> None:
    with pytest.raises(ValueError, match="scheme"):
        connect("http://localhost:6379")


async def test_commands_wait_for_a_free_connection(redis: Redis) -> None:
    assert await asyncio.gather(*(redis.ping() for _ in range(200))) == [True] * 200


async def test_commands_can_be_cancelled_at_any_moment(redis: Redis) -> None:
    """Before Python 3.12, redis-py alone swallows some cancellations, and awaiting the task would hang."""

    async def ping_forever() -> None:
        while True:
            await redis.ping()

    await redis.ping()
    for moment in range(100):
        pinging = asyncio.create_task(ping_forever())
        await asyncio.sleep(moment * 0.00005)
        pinging.cancel()
        await asyncio.wait([pinging], timeout=5)
        assert pinging.cancelled()


async def test_retried_commands_are_emitted(redis: Redis, redis_url: str) -> None:
    emitted: list[TelemetryEvent] = []
    async with redis_proxy(redis_url) as line, connect(line.address) as client:
        await client.ping()
        line.drop_reply_to(b"ECHO")
        with subscribed(emitted.append):
            assert await client.echo("hello") == b"hello"
    assert emitted == [RequestRetried("redis")]

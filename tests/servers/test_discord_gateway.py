"""Gateway protocol and close codes."""

import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from tests.servers.discord import DiscordServer, Quota, Rules
from tests.servers.discord.connection import compression
from tests.servers.discord.raw_gateway import CONTENT, MEMBERS, connect, identity


def test_unknown_compression_is_refused() -> None:
    assert compression(None) is compression("gzip") is None


async def test_zlib_stream_is_flushed_after_each_message(server: DiscordServer) -> None:
    async with connect(server, "?v=10&encoding=json&compress=zlib-stream") as one:
        stream = zlib.decompressobj()
        first = await one.socket.receive_bytes()
        assert json.loads(stream.decompress(first))["d"]["heartbeat_interval"] == 41250
        await one.send(1, None)
        second = await one.socket.receive_bytes()
        assert (second[-4:], json.loads(stream.decompress(second))["op"]) == (b"\0\0\xff\xff", 11)


async def test_connection_gets_hello_heartbeat_acks_ready_and_guilds(server: DiscordServer) -> None:
    async with connect(server) as one:
        assert (await one.receive())["op"] == 10
        await one.send(1, None)
        assert (await one.receive())["op"] == 11
        ready = await one.identify(server)
        assert [guild["unavailable"] for guild in ready["guilds"]] == [True, True]
        assert ready["resume_gateway_url"] == server.gateway_url
        names = [(await one.until("GUILD_CREATE"))["d"]["name"] for _ in range(2)]
        assert names == ["acme", "initech"]
        assert server.gateway.listening == [(0, 1)]


Speech = Callable[[DiscordServer], tuple[int, Any]]
CLOSES: list[tuple[Speech, int]] = [
    (lambda server: (2, identity(server) | {"token": "wrong"}), 4004),
    (lambda server: (2, identity(server) | {"intents": CONTENT}), 4014),
    (lambda server: (2, identity(server) | {"intents": MEMBERS}), 4014),
    (lambda server: (2, identity(server) | {"intents": 1 << 30}), 4013),
    (lambda server: (2, identity(server) | {"intents": None}), 4013),
    (lambda server: (2, identity(server) | {"shard": [2, 2]}), 4010),
    (lambda server: (3, {}), 4003),
    (lambda server: (99, {}), 4001),
    (lambda server: (1, "x" * 5000), 4002),
    (lambda server: (6, {"token": "wrong", "session_id": "s", "seq": 1}), 4004),
]


@pytest.mark.parametrize(("speech", "code"), CLOSES)
async def test_invalid_payload_closes_the_connection_with_its_code(
    server: DiscordServer, speech: Speech, code: int
) -> None:
    async with connect(server) as one:
        await one.send(*speech(server))
        assert await one.closed() == code
    assert server.gateway.closed == [code]


BAD_QUERIES: list[tuple[str, int]] = [("?v=8", 4012), ("?v=10&encoding=etf", 4002), ("?v=10&compress=gzip", 4002)]


async def test_unsupported_version_encoding_or_compression_closes_the_connection(server: DiscordServer) -> None:
    for query, code in BAD_QUERIES:
        async with connect(server, query) as one:
            assert await one.closed() == code


async def test_second_identify_or_malformed_payload_closes_the_connection(server: DiscordServer) -> None:
    async with connect(server) as one:
        await one.identify(server)
        await one.send(2, identity(server))
        assert await one.closed() == 4005
    async with connect(server) as one:
        await one.socket.send_str("{")
        assert await one.closed() == 4002


async def test_send_limit_and_missing_heartbeat_close_the_connection() -> None:
    rules = Rules(sends=Quota(5, 60), heartbeat_interval=0.2)
    async with DiscordServer(rules=rules) as server:
        async with connect(server) as one:
            for _ in range(6):
                await one.send(1, None)
            assert await one.closed() == 4008
        async with connect(server) as one:
            session = (await one.identify(server))["session_id"]
            assert await one.closed() == 4009
        assert server.gateway.sessions.find(session) is None


async def test_identifies_are_limited_by_max_concurrency() -> None:
    async with DiscordServer(rules=Rules(identify_every=5.0)) as server, connect(server) as one, connect(server) as two:
        await one.identify(server)
        await two.send(2, identity(server))
        await two.receive()
        assert await two.receive() == {"op": 9, "d": False}
    rules = Rules(identify_every=5.0, max_concurrency=2)
    async with DiscordServer(rules=rules) as server, connect(server) as one, connect(server) as two:
        await one.identify(server, shard=[0, 2])
        await two.identify(server, shard=[1, 2])

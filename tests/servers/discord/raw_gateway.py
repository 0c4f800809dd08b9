"""A raw gateway websocket for tests that send invalid payloads."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.servers.discord.server import DiscordServer

GUILDS, MEMBERS, GUILD_MESSAGES, DIRECT_MESSAGES, CONTENT = 1, 2, 1 << 9, 1 << 12, 1 << 15
ALL_MESSAGES = GUILDS | GUILD_MESSAGES | DIRECT_MESSAGES


class RawGateway:
    """A gateway WebSocket that sends whatever the test wants."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.seq: int | None = None

    async def send(self, op: int, data: Any) -> None:
        await self.socket.send_json({"op": op, "d": data})

    async def receive(self) -> dict[str, Any]:
        payload: dict[str, Any] = await self.socket.receive_json(timeout=3)
        self.seq = payload.get("s") or self.seq
        return payload

    async def until(self, name: str) -> dict[str, Any]:
        while (payload := await self.receive()).get("t") != name:
            pass
        return payload

    async def closed(self) -> int | None:
        """Return the close code once the connection closes."""
        while (await self.socket.receive(timeout=3)).type not in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED):
            pass
        return self.socket.close_code

    async def identify(self, server: DiscordServer, **more: Any) -> dict[str, Any]:
        await self.send(2, identity(server) | more)
        return (await self.until("READY"))["d"]  # type: ignore[no-any-return]


def identity(server: DiscordServer) -> dict[str, Any]:
    return {"token": server.token, "intents": ALL_MESSAGES, "properties": {}}


@asynccontextmanager
async def connect(server: DiscordServer, query: str = "?v=10&encoding=json") -> AsyncIterator[RawGateway]:
    async with aiohttp.ClientSession() as session, session.ws_connect(server.gateway_url + query) as socket:
        yield RawGateway(socket)

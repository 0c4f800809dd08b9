"""Socket Mode: open connections, one of which takes each delivery, and their faults."""

import asyncio
import json
import random
import secrets
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Literal

from aiohttp import WSMsgType, web

from tests.servers.slack.calls import Call
from tests.servers.slack.deliveries import Attempt, Delivery
from tests.servers.slack.objects import Json
from tests.servers.slack.platform import Method, Methods, Platform

Reason = Literal["warning", "refresh_requested", "link_disabled"]
CONNECTION_TIME = 18_060  # seconds that a connection lives, as Slack's hello says


@dataclass(slots=True, eq=False)
class Connection:
    """A WebSocket of the app. A dead one stays open without traffic; a leaving one gets no more events.

    `pings` counts the client's pings.
    """

    number: int
    socket: web.WebSocketResponse
    request: web.Request
    dead: bool = False
    leaving: bool = False
    pings: int = 0

    async def send(self, message: Json) -> None:
        if not self.dead:
            with suppress(ConnectionError):
                await self.socket.send_str(json.dumps(message))

    def drop(self) -> None:
        """Abort the TCP connection."""
        if self.request.transport:
            self.request.transport.abort()


class Sockets:
    """Sends each delivery over one of the open connections."""

    def __init__(self, slack: Platform) -> None:
        self.open: list[Connection] = []
        self.opened = 0
        self._slack = slack
        self._tickets: set[str] = set()
        self._awaited: dict[str, Attempt] = {}
        self._turn = 0

    @property
    def methods(self) -> Methods:
        return {"apps.connections.open": Method(self.issue_address, tier=1)}

    def issue_address(self, slack: Platform, call: Call) -> Json:
        """Issue a URL for one connection."""
        ticket = secrets.token_hex(16)
        self._tickets.add(ticket)
        return {"url": f"ws{slack.origin.removeprefix('http')}/link/?ticket={ticket}&app_id={slack.app.id}"}

    async def carry(self, delivery: Delivery, attempt: Attempt) -> None:
        connection = self._next()
        if connection is None:
            attempt.failure = "connection_failed"
            return
        envelope_id, attempt.connection = str(uuid.uuid4()), connection.number
        envelope: Json = {"envelope_id": envelope_id, "payload": delivery.payload, "type": delivery.kind}
        envelope["accepts_response_payload"] = delivery.accepts_response
        if delivery.kind == "events_api":
            envelope |= {"retry_attempt": attempt.number, "retry_reason": attempt.reason}
        self._awaited[envelope_id] = attempt
        await connection.send(envelope)
        try:
            async with asyncio.timeout(self._slack.rules.ack_deadline):
                await attempt.done.wait()
        except TimeoutError:
            attempt.failure = "timeout"

    def _next(self) -> Connection | None:
        usable = [connection for connection in self.open if not connection.leaving]
        if not usable:
            return None
        if self._slack.rules.routing == "random":
            return random.choice(usable)
        self._turn += 1
        return usable[self._turn % len(usable)]

    # Faults, for the given connections or all.

    def drop(self, *connections: Connection) -> None:
        for connection in connections or tuple(self.open):
            connection.drop()

    def go_dead(self, *connections: Connection) -> None:
        """Leave connections open, but ignore pings and acknowledgements and send nothing."""
        for connection in connections or tuple(self.open):
            connection.dead = True

    async def disconnect(self, reason: Reason, *connections: Connection) -> None:
        """Ask clients to leave; close their connections some seconds later."""
        for connection in connections or tuple(self.open):
            connection.leaving = reason != "warning"
            await connection.send({"type": "disconnect", "reason": reason, "debug_info": _debug(connection.number)})
            if reason != "warning":
                self._slack.after(self._slack.rules.leaving_time, connection.drop)

    # Connections.

    async def accept(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=408, text="invalid ticket")
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        self.opened += 1
        connection = Connection(self.opened, socket, request)
        if len(self.open) >= self._slack.rules.most_connections:
            debug = _debug(connection.number)
            await connection.send({"type": "disconnect", "reason": "too_many_websockets", "debug_info": debug})
            await socket.close()
            return socket
        async with self._counted(connection):
            await connection.send(self._hello(connection))
            await self._listen(connection)
        return socket

    @asynccontextmanager
    async def _counted(self, connection: Connection) -> AsyncIterator[None]:
        self.open.append(connection)
        self._slack.changed()
        pings = asyncio.create_task(self._ping(connection))
        try:
            yield
        finally:
            pings.cancel()
            self.open.remove(connection)
            self._slack.changed()

    def _hello(self, connection: Connection) -> Json:
        debug = _debug(connection.number) | {"build_number": 1, "approximate_connection_time": CONNECTION_TIME}
        hello = {"type": "hello", "num_connections": len(self.open), "debug_info": debug}
        return hello | {"connection_info": {"app_id": self._slack.app.id}}

    async def _ping(self, connection: Connection) -> None:
        while True:
            await asyncio.sleep(self._slack.rules.ping_every)
            if not connection.dead:
                with suppress(ConnectionError):
                    await connection.socket.ping(f"Ping from applink-{connection.number}".encode())

    async def _listen(self, connection: Connection) -> None:
        async for message in connection.socket:
            if message.type == WSMsgType.PING:
                connection.pings += 1
            if connection.dead:
                continue
            if message.type == WSMsgType.PING:
                await connection.socket.pong(message.data)
            elif message.type == WSMsgType.TEXT:
                self._acknowledged(message.data)

    def _acknowledged(self, text: str) -> None:
        try:
            answer = json.loads(text)
        except ValueError:
            return
        attempt = self._awaited.pop(answer.get("envelope_id", ""), None)
        if attempt:
            attempt.acknowledge(self._slack.now, answer.get("payload"))
            self._slack.changed()

    def close(self) -> None:
        for connection in tuple(self.open):
            connection.drop()


def _debug(number: int) -> Json:
    return {"host": f"applink-{number}"}

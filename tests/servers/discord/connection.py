"""One gateway websocket: hello, identify, heartbeat, resume, and Discord's close codes."""

import asyncio
import importlib
import json
import time
import zlib
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiohttp import WSMsgType, web

from tests.servers.discord.objects import AppFlag, Json
from tests.servers.discord.payloads import member_json
from tests.servers.discord.sessions import KNOWN_INTENTS, Hub, Intent, Session

PRIVILEGED = {
    Intent.PRESENCES: AppFlag.PRESENCE | AppFlag.PRESENCE_LIMITED,
    Intent.MEMBERS: AppFlag.MEMBERS | AppFlag.MEMBERS_LIMITED,
    Intent.MESSAGE_CONTENT: AppFlag.MESSAGE_CONTENT | AppFlag.MESSAGE_CONTENT_LIMITED,
}

Compress = Callable[[bytes], bytes]


class CloseError(Exception):
    """Ends the connection with this close code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Connection:
    """A connection has no `session` before IDENTIFY or RESUME. A `silent` one sends nothing more."""

    def __init__(self, hub: Hub, request: web.Request) -> None:
        self.hub, self.request = hub, request
        self.session: Session | None = None
        self.silent = self._closed = False
        self._socket = web.WebSocketResponse(compress=False, timeout=1.0, max_msg_size=1024 * 1024)
        self._compress = compression(request.query.get("compress"))
        self._sending = asyncio.Lock()
        self._cursor = 0
        self._known = asyncio.Event()
        self._beat = time.monotonic()
        self._received: deque[float] = deque()

    async def run(self) -> web.WebSocketResponse:
        await self._socket.prepare(self.request)
        try:
            self._check_address()
            interval = int(self.hub.rules.heartbeat_interval * 1000)
            await self.send({"op": 10, "s": None, "t": None, "d": {"heartbeat_interval": interval, "_trace": []}})
            async with asyncio.TaskGroup() as tasks:
                others = [tasks.create_task(work) for work in (self._deliver(), self._listen_for_beats())]
                await self._read()
                for task in others:
                    task.cancel()
        except* CloseError as closed:
            await self.close(next(one.code for one in closed.exceptions if isinstance(one, CloseError)))
        except* (ConnectionResetError, RuntimeError):
            pass  # the client disconnected and may resume
        finally:
            self._leave()
        return self._socket

    def _check_address(self) -> None:
        query = self.request.query
        if query.get("v") not in ("9", "10"):
            raise CloseError(4012)
        if query.get("encoding", "json") != "json" or ("compress" in query and self._compress is None):
            raise CloseError(4002)

    def _leave(self) -> None:
        session = self.session
        if session is None or session.holder is not self:
            return
        session.present, session.left = False, time.monotonic()
        if not self._closed and self._socket.close_code in (1000, 1001):
            self.hub.sessions.end(session)

    def cut(self) -> None:
        if self.request.transport:
            self.request.transport.abort()

    async def close(self, code: int) -> None:
        self._closed = True
        self.hub.closed.append(code)
        self.hub.watch.changed()
        await self._socket.close(code=code)

    async def send(self, payload: Json) -> None:
        """Send a message. The lock keeps compressed messages in the order of compression."""
        if self.silent:
            return
        text = json.dumps(payload)
        async with self._sending:
            if self._compress:
                await self._socket.send_bytes(self._compress(text.encode()))
            else:
                await self._socket.send_str(text)

    async def _deliver(self) -> None:
        await self._known.wait()
        while self.session and not self.silent:
            self.session.new_events.clear()
            for seq, event in self.session.after(self._cursor):
                await self.send(event)
                self._cursor = seq
            await self.session.new_events.wait()

    async def _listen_for_beats(self) -> None:
        patience = self.hub.rules.heartbeat_interval * self.hub.rules.heartbeats_missed
        while (left := self._beat + patience - time.monotonic()) > 0:
            await asyncio.sleep(left)
        if self.session:
            self.hub.sessions.end(self.session)
        raise CloseError(4009)

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                self._count()
                await self._take(self._decoded(message.data))
                self.hub.watch.changed()

    def _count(self) -> None:
        now, quota = time.monotonic(), self.hub.rules.sends
        while self._received and now - self._received[0] > quota.per:
            self._received.popleft()
        self._received.append(now)
        if len(self._received) > quota.limit:
            raise CloseError(4008)

    def _decoded(self, data: str | bytes) -> Json:
        raw = data if isinstance(data, bytes) else data.encode()
        if len(raw) > self.hub.rules.largest_send:
            raise CloseError(4002)
        with suppress(ValueError):
            payload = json.loads(raw)
            if isinstance(payload, dict):
                return payload
        raise CloseError(4002)

    async def _take(self, payload: Json) -> None:
        data = payload.get("d")
        match payload.get("op"):
            case 1:
                self._beat = time.monotonic()
                await self.send({"op": 11})
            case 2 if isinstance(data, dict):
                await self._identify(data)
            case 6 if isinstance(data, dict):
                await self._resume(data)
            case 3 | 4 | 8 | 31 | 43 if self.session is None:
                raise CloseError(4003)
            case 8 if isinstance(data, dict):
                self._send_members(data)
            case 3 | 4 | 31 | 43:
                pass
            case _:
                raise CloseError(4001)

    def _authenticate(self, data: Json) -> None:
        if self.session is not None:
            raise CloseError(4005)
        if str(data.get("token")).removeprefix("Bot ") != self.hub.token:
            raise CloseError(4004)

    async def _identify(self, data: Json) -> None:
        self._authenticate(data)
        shard = _shard(data.get("shard", [0, 1]))
        intents = data.get("intents")
        if not isinstance(intents, int) or intents & ~KNOWN_INTENTS:
            raise CloseError(4013)
        for intent, flags in PRIVILEGED.items():
            if intents & intent and not self.hub.store.application.flags & flags:
                raise CloseError(4014)
        if not self.hub.may_identify(shard[0]):
            await self.send({"op": 9, "d": False})
            return
        self.hub.identified.append(shard)
        session = self.hub.sessions.open(shard, intents)
        self._attach(session)
        self.hub.send_ready(session)
        self._known.set()

    async def _resume(self, data: Json) -> None:
        self._authenticate(data)
        session = self.hub.sessions.find(data.get("session_id"))
        seq = data.get("seq")
        if session is None or not isinstance(seq, int) or not session.can_replay(seq):
            await self.send({"op": 9, "d": False})
            return
        if seq > session.last:
            raise CloseError(4007)
        session.cut()
        self._cursor = seq
        self._attach(session)
        session.send("RESUMED", {"_trace": ["loopback"]})
        self.hub.resumed.append(session.shard)
        self._known.set()

    def _attach(self, session: Session) -> None:
        self.session, session.present, session.holder = session, True, self
        session.cut = self.cut

    def _send_members(self, data: Json) -> None:
        assert self.session
        guild = self.hub.store.guilds.get(int(data.get("guild_id", 0)))
        everyone = not data.get("user_ids") and not data.get("query")
        if guild is None or (everyone and not self.session.intents & Intent.MEMBERS):
            return
        wanted = data.get("user_ids") or []
        wanted = [str(one) for one in (wanted if isinstance(wanted, list) else [wanted])]
        members = [member for member in guild.members.values() if not wanted or str(member.user.id) in wanted]
        members = [member for member in members if member.user.name.startswith(data.get("query") or "")]
        known = {str(member.user.id) for member in members}
        self.session.send("GUILD_MEMBERS_CHUNK", {
            "guild_id": str(guild.id), "members": [member_json(member) for member in members], "chunk_index": 0,
            "chunk_count": 1, "not_found": [one for one in wanted if one not in known],
            **({"nonce": data["nonce"]} if data.get("nonce") else {})})  # fmt: skip


def _shard(value: object) -> tuple[int, int]:
    if isinstance(value, list) and len(value) == 2 and all(isinstance(part, int) for part in value):
        index, count = value
        if 0 <= index < count:
            return index, count
    raise CloseError(4010)


def compression(name: str | None) -> Compress | None:
    """Return a compressor for `zlib-stream` or `zstd-stream`, or None if the name is unknown or its package missing."""
    if name == "zlib-stream":
        stream = zlib.compressobj()
        return lambda data: stream.compress(data) + stream.flush(zlib.Z_SYNC_FLUSH)
    if name == "zstd-stream":
        return _zstd()
    return None


def _zstd() -> Compress | None:
    """Return a zstd compressor of the standard library (3.14), else of the `zstandard` package."""
    for module in ("compression.zstd", "zstandard"):
        try:
            zstd: Any = importlib.import_module(module)
        except ImportError:
            continue
        stream = zstd.ZstdCompressor() if module == "compression.zstd" else zstd.ZstdCompressor().compressobj()
        flush = stream.FLUSH_BLOCK if module == "compression.zstd" else zstd.COMPRESSOBJ_FLUSH_BLOCK
        return lambda data: bytes(stream.compress(data) + stream.flush(flush))
    return None

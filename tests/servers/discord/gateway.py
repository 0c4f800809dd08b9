"""The gateway endpoint: its connections and the faults that a test can inject."""

from collections.abc import Callable

from aiohttp import web

from tests.servers.changes import Changes
from tests.servers.discord.connection import Connection
from tests.servers.discord.rules import Rules
from tests.servers.discord.sessions import Hub
from tests.servers.discord.store import Store


class Gateway(Hub):
    """Faults affect the connections of one shard, or all if none is given."""

    def __init__(self, store: Store, rules: Rules, watch: Changes, token: str, url: Callable[[], str]) -> None:
        super().__init__(store, rules, watch, token, url)
        self.connections: list[Connection] = []

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve a WebSocket until it closes."""
        connection = Connection(self, request)
        self.connections.append(connection)
        self.watch.changed()
        try:
            return await connection.run()
        finally:
            self.connections.remove(connection)
            self.watch.changed()

    def _of(self, shard: int | None) -> list[Connection]:
        return [one for one in self.connections if shard is None or (one.session and one.session.shard[0] == shard)]

    def deliver(self, *, copies: int = 1, late: float = 0.0) -> None:
        """Send each future event so many times, so many seconds late."""
        self.sessions.copies, self.sessions.late = copies, late

    def drop(self, shard: int | None = None) -> None:
        """Abort TCP connections."""
        for connection in self._of(shard):
            connection.cut()

    def silence(self, shard: int | None = None) -> None:
        """Keep connections open, but send nothing, not even heartbeat acknowledgements."""
        for connection in self._of(shard):
            connection.silent = True

    async def close(self, code: int, shard: int | None = None) -> None:
        for connection in self._of(shard):
            await connection.close(code)

    async def reconnect(self, shard: int | None = None) -> None:
        """Ask clients to reconnect and resume (op 7)."""
        for connection in self._of(shard):
            await connection.send({"op": 7, "d": None})

    async def invalidate(self, shard: int | None = None, *, resumable: bool = False) -> None:
        """Send op 9. Unless `resumable`, end the sessions."""
        for connection in self._of(shard):
            await connection.send({"op": 9, "d": resumable})
            if connection.session and not resumable:
                self.sessions.end(connection.session)

    async def stop(self) -> None:
        """Close all connections."""
        self.sessions.close()
        for connection in list(self.connections):
            await connection.close(1001)

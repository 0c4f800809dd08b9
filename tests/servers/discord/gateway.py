"""The gateway endpoint: its connections and the faults that a test can inject."""

from collections.abc import Callable

from aiohttp import web

from tests.servers.discord.changes import Changes
from tests.servers.discord.connection import Connection
from tests.servers.discord.hub import Hub
from tests.servers.discord.rules import Rules
from tests.servers.discord.world import World


class Gateway(Hub):
    """Fault is for every connection of a shard, or of all."""

    def __init__(self, world: World, rules: Rules, watch: Changes, token: str, url: Callable[[], str]) -> None:
        super().__init__(world, rules, watch, token, url)
        self.connections: list[Connection] = []

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """A websocket, for as long as it lasts."""
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
        """From now on each event comes so often, so many seconds after it happened."""
        self.sessions.copies, self.sessions.late = copies, late

    def drop(self, shard: int | None = None) -> None:
        """Cut the line without a word."""
        for connection in self._of(shard):
            connection.cut()

    def silence(self, shard: int | None = None) -> None:
        """The line stays open; nothing comes any more, not even an answer to heartbeats."""
        for connection in self._of(shard):
            connection.silent = True

    async def close(self, code: int, shard: int | None = None) -> None:
        for connection in self._of(shard):
            await connection.close(code)

    async def reconnect(self, shard: int | None = None) -> None:
        """Ask to come again and resume (op 7)."""
        for connection in self._of(shard):
            await connection.send({"op": 7, "d": None})

    async def invalidate(self, shard: int | None = None, *, resumable: bool = False) -> None:
        """Op 9. Unless `resumable`, the sessions are gone."""
        for connection in self._of(shard):
            await connection.send({"op": 9, "d": resumable})
            if connection.session and not resumable:
                self.sessions.end(connection.session)

    async def stop(self) -> None:
        """Say goodbye to everybody."""
        self.sessions.close()
        for connection in list(self.connections):
            await connection.close(1001)

"""What those who watch the bot ask: does it turn, can it work, how does it do."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus' own, which every version of it reads."""


async def _nothing() -> Mapping[str, str]:
    return {}


async def _no_figures() -> bytes:
    return b""


@dataclass(frozen=True, slots=True)
class Monitoring:
    """`problems` are what parts lack to do their work, by the parts' names; `figures` are in Prometheus' text
    format."""

    problems: Callable[[], Awaitable[Mapping[str, str]]] = _nothing
    figures: Callable[[], Awaitable[bytes]] = _no_figures

    async def health(self, request: web.Request) -> web.StreamResponse:
        """Says that the process turns, and looks at nothing else."""
        return web.json_response({"status": "ok"})

    async def ready(self, request: web.Request) -> web.StreamResponse:
        problems = await self.problems()
        return web.json_response({"ready": not problems, "problems": problems}, status=503 if problems else 200)

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=await self.figures(), headers={"Content-Type": TEXT_FORMAT})

    def routes(self) -> list[web.RouteDef]:
        """All three."""
        return [*self.sign_of_life(), web.get("/readyz", self.ready), web.get("/metrics", self.metrics)]

    def sign_of_life(self) -> list[web.RouteDef]:
        """The one that tells nobody anything."""
        return [web.get("/healthz", self.health)]


def monitoring_app(monitoring: Monitoring) -> web.Application:
    """For a port of its own. Whoever reaches that port may ask."""
    app = web.Application()
    app.add_routes(monitoring.routes())
    return app

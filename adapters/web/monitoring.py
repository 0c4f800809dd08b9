"""Monitoring endpoints: liveness, readiness and metrics."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"
"""The Prometheus text format, which every version reads."""


async def _no_problems() -> Mapping[str, str]:
    return {}


async def _no_metrics() -> bytes:
    return b""


@dataclass(frozen=True, slots=True)
class Monitoring:
    """Handlers; `problems` maps components to problems, `render` returns metrics in the text format."""

    problems: Callable[[], Awaitable[Mapping[str, str]]] = _no_problems
    render: Callable[[], Awaitable[bytes]] = _no_metrics

    async def health(self, request: web.Request) -> web.StreamResponse:
        """Report that the process is alive, and check nothing else."""
        return web.json_response({"status": "ok"})

    async def ready(self, request: web.Request) -> web.StreamResponse:
        """Report problems, with status 503 if there are any."""
        problems = await self.problems()
        return web.json_response({"ready": not problems, "problems": problems}, status=503 if problems else 200)

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=await self.render(), headers={"Content-Type": TEXT_FORMAT})

    def routes(self) -> list[web.RouteDef]:
        return [*self.liveness_routes(), web.get("/readyz", self.ready), web.get("/metrics", self.metrics)]

    def liveness_routes(self) -> list[web.RouteDef]:
        """Return the only route that reveals nothing about the bot."""
        return [web.get("/healthz", self.health)]


def monitoring_app(monitoring: Monitoring) -> web.Application:
    """Build the application for a separate port, without authentication."""
    app = web.Application()
    app.add_routes(monitoring.routes())
    return app

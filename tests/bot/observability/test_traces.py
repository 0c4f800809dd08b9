"""Traces reach the collector; a missing extra or collector does not affect the bot."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.adapters.garden import ASKED
from tests.bot.running import WITHIN, make_home
from tests.bot.serving import Served, served
from tests.servers.loopback import Status
from tests.servers.openai import OpenAIServer, Text


class Collector:
    """Receive traces over HTTP."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.headers: list[dict[str, str]] = []
        self.address = ""

    @property
    def spans(self) -> list[Any]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    async def take(self, request: web.Request) -> web.Response:
        self.requests.append(ExportTraceServiceRequest.FromString(await request.read()))
        self.headers.append(dict(request.headers))
        return web.Response()


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    collector = Collector()
    app = web.Application()
    app.add_routes([web.post("/v1/traces", collector.take)])
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        collector.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield collector
    finally:
        await runner.cleanup()


async def asked(bot: Served, times: int = 1) -> None:
    """Ask as soon as posts are indexed."""
    async with aiohttp.ClientSession(bot.address) as page, asyncio.timeout(WITHIN):
        while not (await (await page.get("/api/status")).json())["posts"]:
            await asyncio.sleep(0.05)
        for _ in range(times):
            await (await page.post("/api/ask", json={"question": ASKED})).read()


async def test_question_is_a_span_with_its_steps_as_children(tmp_path: Path) -> None:
    async with collecting() as collector, OpenAIServer() as model:
        model.enqueue(Text("In the morning [1]."), Status(401))
        settings = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.address,
            "OTEL_EXPORTER_OTLP_HEADERS": "x-api-key=collector-secret",
            "OPENAI_BASE_URL": model.base_url,
        }
        async with served(make_home(tmp_path), **settings) as bot:
            began = time.time_ns()
            await asked(bot, 2)
            code, said = await bot.end(signal.SIGTERM)
    assert code == 0
    assert "collector-secret" not in f"{said} {bot.log}"
    assert collector.headers[0]["x-api-key"] == "collector-secret"
    service = {one.key: one.value.string_value for one in collector.requests[0].resource_spans[0].resource.attributes}
    assert service["service.name"] == "footnoted"
    answered, failed = sorted(
        (span for span in collector.spans if not span.parent_span_id), key=lambda span: span.start_time_unix_nano
    )
    about = {one.key: one.value.string_value for one in answered.attributes}
    assert (answered.name, about["footnoted.outcome"], about["footnoted.platform"]) == ("question", "answered", "api")
    steps = [span for span in collector.spans if span.parent_span_id == answered.span_id]
    assert {span.name for span in steps} == {"embed", "retrieve", "first_token"}
    for step in steps:
        assert step.trace_id == answered.trace_id
        assert began < answered.start_time_unix_nano <= step.start_time_unix_nano <= step.end_time_unix_nano
        assert step.end_time_unix_nano <= answered.end_time_unix_nano < time.time_ns()
    assert failed.status.code == 2
    assert {one.key: one.value.string_value for one in failed.attributes}["error.type"] == "ModelRefused"
    assert ASKED not in str(collector.spans)


async def test_missing_tracing_extra_is_logged_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "bot.observability.traces", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    async with served(make_home(tmp_path), OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1") as bot:
        await asked(bot)
        code, _ = await bot.end(signal.SIGTERM)
    assert code == 0
    [line] = [entry for entry in bot.log if entry["event"] == "tracing unavailable"]
    assert "footnoted[tracing]" in line["cure"]


async def test_unreachable_collector_does_not_delay_shutdown(tmp_path: Path) -> None:
    async with served(make_home(tmp_path), OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1") as bot:
        await asked(bot)
        began = time.monotonic()
        code, _ = await bot.end(signal.SIGTERM)
    assert code == 0
    assert time.monotonic() - began < 12

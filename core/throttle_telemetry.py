"""Telemetry of HTTP 429 replies in aiohttp sessions."""

from types import SimpleNamespace

import aiohttp

from core.telemetry import Service, Throttled, emit

TOO_MANY_REQUESTS = 429


def throttle_trace_config(service: Service) -> aiohttp.TraceConfig:
    """Return a trace config for the `trace_configs` of a session with one service."""

    async def on_request_end(
        session: aiohttp.ClientSession, context: SimpleNamespace, end: aiohttp.TraceRequestEndParams
    ) -> None:
        if end.response.status == TOO_MANY_REQUESTS:
            emit(Throttled(service))

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(on_request_end)
    return trace

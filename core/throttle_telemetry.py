"""Noticing in an aiohttp session that a service says 429, whoever makes the request and whatever becomes of it."""

from types import SimpleNamespace

import aiohttp

from core.telemetry import Service, Throttled, emit

TOO_MANY_REQUESTS = 429


def throttle_trace_config(service: Service) -> aiohttp.TraceConfig:
    """For `trace_configs` of a session that speaks to one service."""

    async def ended(
        session: aiohttp.ClientSession, context: SimpleNamespace, end: aiohttp.TraceRequestEndParams
    ) -> None:
        if end.response.status == TOO_MANY_REQUESTS:
            emit(Throttled(service))

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(ended)
    return trace

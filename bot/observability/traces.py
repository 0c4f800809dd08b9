"""OpenTelemetry traces: a span per question, with a child span per step. Only this module imports the SDK."""

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from time import perf_counter, time

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Status, StatusCode, Tracer, set_span_in_context

from bot.app import VERSION
from bot.config.settings import Settings
from core.telemetry import QuestionFinished, QuestionReceived, StepTimed, TelemetryEvent

EXPORT_TIMEOUT = 5.0
"""Seconds for a request to the collector, and for the last one at shutdown."""


class Traces:
    """Creates a question's spans when it ends, since only then its outcome is known."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._steps: dict[str, list[StepTimed]] = {}
        self._epoch = time() - perf_counter()

    def __call__(self, observation: TelemetryEvent) -> None:
        match observation:
            case QuestionReceived():
                self._steps[observation.question_id] = []
            case StepTimed() if observation.step != "whole" and observation.question_id in self._steps:
                self._steps[observation.question_id].append(observation)
            case QuestionFinished():
                self._trace(observation, self._steps.pop(observation.question_id, []))

    def _trace(self, finished: QuestionFinished, steps: list[StepTimed]) -> None:
        about = {
            "footnoted.question": finished.question_id,
            "footnoted.platform": finished.platform,
            "footnoted.outcome": finished.outcome,
        }
        if finished.error:
            about["error.type"] = finished.error
        root = self._tracer.start_span("question", attributes=about, start_time=self._at(finished.began))
        if finished.outcome == "failed":
            root.set_status(Status(StatusCode.ERROR, finished.error))
        for step in steps:
            span = self._tracer.start_span(step.step, set_span_in_context(root), start_time=self._at(step.began))
            span.end(self._at(step.began + step.seconds))
        root.end(self._at(finished.began + finished.seconds))

    def _at(self, moment: float) -> int:
        """Convert a `perf_counter` time to nanoseconds since 1970."""
        return int((moment + self._epoch) * 1e9)


@asynccontextmanager
async def trace_listener(settings: Settings) -> AsyncGenerator[Traces, None]:
    """Yield a listener that exports to the collector, until the end of the block."""
    provider = await asyncio.to_thread(_provider, settings)
    try:
        yield Traces(provider.get_tracer("footnoted", VERSION))
    finally:
        # An unreachable collector must not delay shutdown.
        ending = threading.Thread(target=provider.shutdown, daemon=True)
        ending.start()
        await asyncio.to_thread(ending.join, EXPORT_TIMEOUT)


def _provider(settings: Settings) -> TracerProvider:
    """Build the provider; the SDK waits meanwhile for threads that detect its resource."""
    exporter = OTLPSpanExporter(_address(settings), headers=_headers(settings), timeout=EXPORT_TIMEOUT)
    resource = Resource.create({"service.name": settings.otel_service_name, "service.version": VERSION})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _address(settings: Settings) -> str:
    own = settings.otel_exporter_otlp_traces_endpoint
    return own or f"{(settings.otel_exporter_otlp_endpoint or '').rstrip('/')}/v1/traces"


def _headers(settings: Settings) -> dict[str, str] | None:
    """Parse `name=value,…`; None leaves it to the SDK's own variables."""
    given = settings.otel_exporter_otlp_headers
    if given is None:
        return None
    pairs = (pair.partition("=") for pair in given.get_secret_value().split(",") if "=" in pair)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}

"""Traces of questions for OpenTelemetry: a span for each question, and below it one for each of its steps. The SDK is
imported with this module, and by nothing else."""

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

SENT_WITHIN = 5.0
"""Seconds for one request to the collector, and for the last one when the bot is stopped."""


class Traces:
    """Makes a question's spans when it has ended: before, nobody knows whether it went well."""

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

    def _trace(self, settled: QuestionFinished, steps: list[StepTimed]) -> None:
        about = {
            "footnoted.question": settled.question_id,
            "footnoted.platform": settled.platform,
            "footnoted.outcome": settled.outcome,
        }
        if settled.error:
            about["error.type"] = settled.error
        root = self._tracer.start_span("question", attributes=about, start_time=self._at(settled.began))
        if settled.outcome == "failed":
            root.set_status(Status(StatusCode.ERROR, settled.error))
        for step in steps:
            span = self._tracer.start_span(step.step, set_span_in_context(root), start_time=self._at(step.began))
            span.end(self._at(step.began + step.seconds))
        root.end(self._at(settled.began + settled.seconds))

    def _at(self, moment: float) -> int:
        """Nanoseconds since 1970 of a moment on the clock of `perf_counter`."""
        return int((moment + self._epoch) * 1e9)


@asynccontextmanager
async def traced(settings: Settings) -> AsyncGenerator[Traces, None]:
    """Sends what it is told to the collector of the settings, for the length of the block."""
    exporter = OTLPSpanExporter(_address(settings), headers=_headers(settings), timeout=SENT_WITHIN)
    resource = Resource.create({"service.name": settings.otel_service_name, "service.version": VERSION})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    try:
        yield Traces(provider.get_tracer("footnoted", VERSION))
    finally:
        # A collector that is not there must not keep the bot from ending.
        ending = threading.Thread(target=provider.shutdown, daemon=True)
        ending.start()
        await asyncio.to_thread(ending.join, SENT_WITHIN)


def _address(settings: Settings) -> str:
    own = settings.otel_exporter_otlp_traces_endpoint
    return own or f"{(settings.otel_exporter_otlp_endpoint or '').rstrip('/')}/v1/traces"


def _headers(settings: Settings) -> dict[str, str] | None:
    """`name=value,…`; None leaves it to the SDK's own variables."""
    given = settings.otel_exporter_otlp_headers
    if given is None:
        return None
    pairs = (pair.partition("=") for pair in given.get_secret_value().split(",") if "=" in pair)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}

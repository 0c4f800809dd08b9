"""Prometheus metrics. Their names also appear in the manual's dashboard."""

from collections.abc import Mapping
from datetime import UTC, datetime
from math import nan
from typing import assert_never

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from core.index.catalog import IndexStats
from core.models.prices import dollars
from core.telemetry import (
    LoopLagged,
    ModelCalled,
    QuestionFinished,
    QuestionReceived,
    RequestRetried,
    RunFinished,
    StepTimed,
    TelemetryEvent,
    Throttled,
    TokensUsed,
)

STEPS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120)
"""Seconds; an answer has two minutes."""

LAGS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """Counts telemetry events; gauges of the index are set before each scrape."""

    def __init__(self) -> None:
        disable_created_metrics()  # an additional series per metric, which no dashboard uses
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._questions = Counter(
            "footnoted_questions", "Questions that have ended.", ("platform", "outcome"), registry=registry
        )
        self._failures = Counter(
            "footnoted_failures", "Questions that failed or were refused, by the error.", ("error",), registry=registry
        )
        self._steps = Histogram(
            "footnoted_step_seconds", "Time of a question's steps.", ("step",), buckets=STEPS, registry=registry
        )
        self._open = Gauge("footnoted_streams_open", "Questions that are being answered.", registry=registry)
        self._tokens = Counter(
            "footnoted_tokens", "Tokens that models have read and written.", ("model", "direction"), registry=registry
        )
        self._cost = Counter(
            "footnoted_cost_dollars", "What models cost, where their price is known.", ("model",), registry=registry
        )
        self._retries = Counter("footnoted_retries", "Requests that were made again.", ("service",), registry=registry)
        self._throttled = Counter("footnoted_throttled", "Responses with status 429.", ("service",), registry=registry)
        self._model = Counter(
            "footnoted_model_requests", "Requests to models, by how they ended.", ("model", "result"), registry=registry
        )
        self._add_bot_metrics(registry)

    def __call__(self, observation: TelemetryEvent) -> None:
        match observation:
            case QuestionReceived():
                self._open.inc()
            case QuestionFinished():
                self._count_question(observation)
            case StepTimed():
                self._steps.labels(observation.step).observe(observation.seconds)
            case TokensUsed():
                self._count_tokens(observation)
            case RequestRetried():
                self._retries.labels(observation.service).inc()
            case Throttled():
                self._throttled.labels(observation.service).inc()
            case ModelCalled():
                self._model.labels(observation.service, observation.error or "ok").inc()
            case RunFinished():
                self._runs.labels(observation.outcome).inc()
            case LoopLagged():
                self._lag.observe(observation.seconds)
            case _:
                assert_never(observation)

    def set_index_size(self, holdings: IndexStats, newest: datetime | None) -> None:
        self._posts.set(holdings.posts)
        self._passages.set(holdings.passages)
        self._bytes.set(holdings.bytes)
        self._age.set((datetime.now(UTC) - newest).total_seconds() if newest else nan)

    def set_problems(self, problems: Mapping[str, str]) -> None:
        """Set one gauge per component with a problem."""
        self._problems.clear()
        for part in problems:
            self._problems.labels(part).set(1)

    def render(self) -> bytes:
        """Render all metrics in the text format. Reads /proc, so call it in a thread."""
        return generate_latest(self._registry)

    def _add_bot_metrics(self, registry: CollectorRegistry) -> None:
        """Register the metrics that are not about questions."""
        self._runs = Counter("footnoted_reindex_runs", "Runs over the sources.", ("outcome",), registry=registry)
        self._lag = Histogram(
            "footnoted_event_loop_lag_seconds", "How late the event loop is.", buckets=LAGS, registry=registry
        )
        self._posts = Gauge("footnoted_index_posts", "Posts that are answered from.", registry=registry)
        self._passages = Gauge("footnoted_index_passages", "Passages in the index.", registry=registry)
        self._bytes = Gauge("footnoted_index_bytes", "Memory of the index in Redis.", registry=registry)
        self._age = Gauge(
            "footnoted_newest_post_age_seconds", "Since the newest post that has a date.", registry=registry
        )
        self._problems = Gauge(
            "footnoted_problem", "1 for each part that cannot do its work; see /readyz.", ("part",), registry=registry
        )

    def _count_question(self, question: QuestionFinished) -> None:
        self._open.dec()
        self._questions.labels(question.platform, question.outcome).inc()
        if question.error:
            self._failures.labels(question.error).inc()

    def _count_tokens(self, used: TokensUsed) -> None:
        self._tokens.labels(used.model, "read").inc(used.read)
        self._tokens.labels(used.model, "written").inc(used.written)
        price = dollars(used.model, used.read, used.written)
        if price is not None:
            self._cost.labels(used.model).inc(price)

"""/healthz, /readyz and /metrics of a serving bot."""

import asyncio
import json
import re
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from bot.observability.health import ModelHealth
from bot.observability.loop_watchdog import loop_watchdog
from core.models.openai_chat import OpenAIChatModel
from core.models.openai_embedder import OpenAIEmbedder
from core.telemetry import LoopLagged, ModelCalled, TelemetryEvent, subscribed
from core.tokens import estimate_tokens
from tests.adapters.garden import ASKED, OFF_TOPIC
from tests.bot.running import REPOSITORY, WITHIN, make_home
from tests.bot.serving import served
from tests.breaking.own_redis import own_redis
from tests.core.models.openai_parts import client_of
from tests.servers.loopback import Status
from tests.servers.openai import OpenAIServer, Silence, Text

DASHBOARD = REPOSITORY / "docs" / "dashboard.json"
MANUAL = REPOSITORY / "docs" / "monitoring.md"


@asynccontextmanager
async def watched(home: Path, **settings: str) -> AsyncIterator[tuple[aiohttp.ClientSession, aiohttp.ClientSession]]:
    """Start a bot and wait until it is indexed; yield clients of its page and of its metrics port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with (
        served(home, METRICS_PORT=str(port), **settings) as bot,
        aiohttp.ClientSession(bot.address) as page,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as own,
    ):
        async with asyncio.timeout(WITHIN):
            while "posts" in (await (await own.get("/readyz")).json())["problems"]:
                await asyncio.sleep(0.05)
            while (await (await page.get("/api/status")).json())["reading"]:
                await asyncio.sleep(0.05)
        yield page, own
        code, said = await bot.end(signal.SIGTERM)
    assert code == 0, said


async def scraped(own: aiohttp.ClientSession) -> dict[str, Metric]:
    response = await own.get("/metrics")
    assert response.status == 200
    assert response.content_type == "text/plain"
    return {family.name: family for family in text_string_to_metric_families(await response.text())}


def value(families: Mapping[str, Metric], name: str, **labels: str) -> float:
    """Return the sample with this name and these labels."""
    [found] = [
        sample.value
        for family in families.values()
        for sample in family.samples
        if sample.name == name and sample.labels == labels
    ]
    return found


async def test_metrics_count_questions_and_a_rejected_model_makes_the_bot_unready(tmp_path: Path) -> None:
    async with OpenAIServer() as model:
        settings = {"OPENAI_BASE_URL": model.base_url, "CHAT_MODEL": "gpt-5.4-mini", "REWRITE": "false"}
        async with watched(make_home(tmp_path), **settings) as (page, own):
            model.enqueue(Text("In the morning [1]."), Status(429), Text("At the root [1]."), Status(401))
            for question in (ASKED, ASKED, ASKED, OFF_TOPIC):
                await page.post("/api/ask", json={"question": question, "conversation": question[:3]})
            figures = await scraped(own)
            await _unready_until_the_chat_model_answers(model, page, own)
    asked = "footnoted_questions_total"
    assert value(figures, asked, platform="web", outcome="answered") == 2
    assert value(figures, asked, platform="web", outcome="failed") == 1
    assert value(figures, asked, platform="web", outcome="not_in_posts") == 1
    assert value(figures, "footnoted_failures_total", error="ModelRefused") == 1
    assert value(figures, "footnoted_throttled_total", service="chat") == 1
    assert value(figures, "footnoted_retries_total", service="chat") == 1
    assert value(figures, "footnoted_model_requests_total", model="chat", result="ok") == 2
    assert value(figures, "footnoted_model_requests_total", model="chat", result="ModelRefused") == 1
    for step, count in (("embed", 4), ("retrieve", 4), ("first_token", 2), ("whole", 3)):
        assert value(figures, "footnoted_step_seconds_count", step=step) >= count
    read = value(figures, "footnoted_tokens_total", model="gpt-5.4-mini", direction="read")
    written = value(figures, "footnoted_tokens_total", model="gpt-5.4-mini", direction="written")
    assert 0 < written < read
    dollars = value(figures, "footnoted_cost_dollars_total", model="gpt-5.4-mini")
    assert dollars == pytest.approx((0.75 * read + 4.5 * written) / 1e6)
    assert value(figures, "footnoted_tokens_total", model="text-embedding-3-small", direction="read") > 0
    assert value(figures, "footnoted_reindex_runs_total", outcome="published") == 1
    assert value(figures, "footnoted_index_posts") == 5
    assert value(figures, "footnoted_index_passages") >= 5
    assert value(figures, "footnoted_index_bytes") > 0
    assert value(figures, "footnoted_streams_open") == 0
    assert value(figures, "footnoted_event_loop_lag_seconds_count") > 0
    assert value(figures, "process_resident_memory_bytes") > 1e6
    _dashboard_and_manual_name(set(figures))


async def _unready_until_the_chat_model_answers(
    model: OpenAIServer, page: aiohttp.ClientSession, own: aiohttp.ClientSession
) -> None:
    response = await own.get("/readyz")
    assert (response.status, await response.json()) == (
        503,
        {"ready": False, "problems": {"chat": "The chat model refuses this bot."}},
    )
    assert value(await scraped(own), "footnoted_problem", part="chat") == 1
    model.enqueue(Text("In the morning [1]."))
    await page.post("/api/ask", json={"question": ASKED})
    assert (await own.get("/readyz")).status == 200


def _dashboard_and_manual_name(families: set[str]) -> None:
    """The dashboard and the manual name exactly the existing metrics."""
    ours = {name for name in families if name.startswith("footnoted_")}
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    asked = " ".join(target["expr"] for panel in panels for target in panel.get("targets", ()))
    assert {_family(name) for name in re.findall(r"\bfootnoted_\w+", asked)} == ours
    assert {_family(name) for name in re.findall(r"\bprocess_\w+", asked)} <= families
    told = re.findall(r"`(footnoted_\w+)", MANUAL.read_text(encoding="utf-8"))
    assert {_family(name) for name in told} == ours


def _family(name: str) -> str:
    return re.sub(r"_(total|bucket|count|sum)$", "", name)


async def test_hanging_redis_is_reported_within_seconds(tmp_path: Path) -> None:
    async with own_redis(tmp_path) as redis, watched(make_home(tmp_path / "home"), REDIS_URL=redis.url) as (_, own):
        redis.signal(signal.SIGSTOP)
        async with asyncio.timeout(8):
            response = await own.get("/readyz")
            assert (response.status, list((await response.json())["problems"])) == (503, ["redis"])
            assert value(await scraped(own), "footnoted_problem", part="redis") == 1
            assert (await own.get("/healthz")).status == 200
        redis.signal(signal.SIGCONT)
        async with asyncio.timeout(WITHIN):
            while (await own.get("/readyz")).status != 200:
                await asyncio.sleep(0.1)
        assert value(await scraped(own), "footnoted_index_posts") == 5


async def test_metrics_port_takes_monitoring_off_the_page_and_counts_refused_questions(tmp_path: Path) -> None:
    async with watched(make_home(tmp_path), WEB_QUESTIONS_PER_MINUTE="1") as (page, own):
        assert [(await own.get(path)).status for path in ("/healthz", "/readyz", "/metrics")] == [200, 200, 200]
        assert [(await page.get(path)).status for path in ("/healthz", "/readyz", "/metrics")] == [200, 404, 404]
        assert (await own.get("/")).status == 404
        for _ in range(3):
            await page.post("/api/ask", json={"question": ASKED, "conversation": "c"})
        figures = await scraped(own)
    assert value(figures, "footnoted_questions_total", platform="web", outcome="refused") == 2
    assert value(figures, "footnoted_streams_open") == 0


async def test_without_a_metrics_port_the_page_serves_metrics(tmp_path: Path) -> None:
    async with served(make_home(tmp_path)) as bot, aiohttp.ClientSession(bot.address) as page:
        assert "footnoted_streams_open" in await scraped(page)
        assert (await page.get("/metrics", headers={"Host": "evil.example"})).status == 403


async def test_health_check_calls_a_model_that_was_not_used_recently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.observability.health.RETRY_AFTER", 0.0)
    monkeypatch.setattr("bot.observability.health.CHECK_TIMEOUT", 0.3)
    async with OpenAIServer() as server, client_of(server) as client:
        embedder, chat = (
            OpenAIEmbedder(client, "text-embedding-3-small", estimate_tokens),
            OpenAIChatModel(client, "gpt-5-mini"),
        )
        health = ModelHealth(embedder, chat)
        with subscribed(health):
            assert await health.problems() == {}
            assert await health.problems() == {}
            assert len(server.embeddings) == 1, "it was asked a moment ago"
            health(ModelCalled("chat", "ModelUnreachable"))
            server.enqueue(Silence())
            assert await health.problems() == {"chat": "The chat model cannot be reached."}
            await health.aclose()
            server.enqueue(Text("Yes."))
            assert await health.problems() == {}
            health(ModelCalled("chat", "ContentFiltered"))
            assert await health.problems() == {}, "it has answered"


async def test_watchdog_names_the_function_that_blocks_the_event_loop(nothing_blocks: object) -> None:
    lags: list[TelemetryEvent] = []
    with capture_logs() as logged, subscribed(lags.append):
        async with loop_watchdog(every=0.01, blocked=0.1):
            await asyncio.sleep(0.05)
            a_long_computation(0.4)
            async with asyncio.timeout(WITHIN):
                while len(logged) < 2:
                    await asyncio.sleep(0.02)
    blocked, turns = logged
    assert (blocked["event"], blocked["log_level"]) == ("event loop blocked", "warning")
    assert "in a_long_computation" in blocked["culprit"]
    assert turns["event"] == "event loop unblocked"
    assert 0.3 < turns["seconds"] < 5
    assert max(lag.seconds for lag in lags if isinstance(lag, LoopLagged)) > 0.3
    assert min(lag.seconds for lag in lags if isinstance(lag, LoopLagged)) < 0.1


def a_long_computation(seconds: float) -> None:
    until = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < until:
        pass

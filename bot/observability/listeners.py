"""All telemetry listeners of a serving bot: metrics, statistics, health and traces."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress

import structlog
from redis.exceptions import RedisError

from adapters.web.monitoring import Monitoring
from bot.app import Bot
from bot.config.settings import Settings
from bot.observability.health import CHECK_TIMEOUT, Health, ModelHealth
from bot.observability.loop_watchdog import loop_watchdog
from bot.observability.metrics import Metrics
from bot.platforms import Reachable
from core.storage.statistics import Statistics
from core.telemetry import Listener, subscribed

log = structlog.get_logger()

TraceListener = Callable[[Settings], AbstractAsyncContextManager[Listener]]


@asynccontextmanager
async def telemetry_listeners(bot: Bot, platforms: Sequence[Reachable]) -> AsyncGenerator[Monitoring, None]:
    """Subscribe all listeners for the duration of the block, and yield the monitoring endpoints."""
    metrics = Metrics()
    models = None if bot.settings.offline and bot.settings.embeds_offline else ModelHealth(bot.embedder, bot.chat_model)
    health = Health(bot, platforms, models)

    async def render_metrics() -> bytes:
        problems = await health.problems()
        metrics.set_problems(problems)
        if "redis" not in problems:
            with suppress(RedisError, TimeoutError):  # then the gauges keep their values
                async with asyncio.timeout(CHECK_TIMEOUT):
                    metrics.set_index_size(await bot.catalog.stats(), await bot.catalog.latest_post_date())
        return await asyncio.to_thread(metrics.render)

    async with AsyncExitStack() as stack:
        statistics = Statistics(bot.redis, bot.settings.history_ttl)
        stack.push_async_callback(statistics.aclose)
        stack.enter_context(subscribed(metrics, statistics, *([models] if models else [])))
        if models:
            stack.push_async_callback(models.aclose)
        if bot.settings.tracing:
            await _trace(bot, stack)
        await stack.enter_async_context(loop_watchdog())
        yield Monitoring(health.problems, render_metrics)


async def _trace(bot: Bot, stack: AsyncExitStack) -> None:
    try:
        trace_listener = await asyncio.to_thread(_import_trace_listener)
    except ImportError as error:
        cure = "Install the extra: pip install 'footnoted[tracing]'."
        log.warning("tracing unavailable", reason=str(error), cure=cure)
        return
    listener = await stack.enter_async_context(trace_listener(bot.settings))
    stack.enter_context(subscribed(listener))


def _import_trace_listener() -> TraceListener:
    from bot.observability.traces import trace_listener

    return trace_listener

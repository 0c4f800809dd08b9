"""A bot that is watched while it serves: everybody who listens to what it tells, together."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from importlib import import_module
from typing import cast

import structlog
from redis.exceptions import RedisError

from adapters.web.monitoring import Monitoring
from bot.app import Bot
from bot.config.settings import Settings
from bot.observability.health import WAITS, Health, ModelHealth
from bot.observability.loop_watchdog import loop_watchdog
from bot.observability.metrics import Metrics
from bot.platforms import Platform
from core.storage.statistics import Statistics
from core.telemetry import Listener, subscribed

log = structlog.get_logger()

Traced = Callable[[Settings], AbstractAsyncContextManager[Listener]]


@asynccontextmanager
async def telemetry_listeners(bot: Bot, platforms: Sequence[Platform]) -> AsyncGenerator[Monitoring, None]:
    """What there is to be asked about the bot, for the length of the block."""
    metrics = Metrics()
    models = None if bot.settings.offline and bot.settings.embeds_offline else ModelHealth(bot.embedder, bot.chat_model)
    health = Health(bot, platforms, models)

    async def render_metrics() -> bytes:
        problems = await health.problems()
        metrics.look_at_problems(problems)
        if "redis" not in problems:
            with suppress(RedisError, TimeoutError):  # then these figures are as they were
                async with asyncio.timeout(WAITS):
                    metrics.look_at_posts(await bot.catalog.stats(), await bot.catalog.latest_post_date())
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
    """The SDK is imported only where somebody wants traces, and may not be installed."""
    try:
        tracing = await asyncio.to_thread(import_module, "bot.observability.tracing")
    except ImportError as error:
        cure = "Install the extra: pip install 'footnoted[tracing]'."
        log.warning("no traces are sent", reason=str(error), cure=cure)
        return
    listener = await stack.enter_async_context(cast("Traced", tracing.traced)(bot.settings))
    stack.enter_context(subscribed(listener))

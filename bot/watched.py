"""A bot that is watched while it serves: everybody who listens to what it tells, together."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from redis.exceptions import RedisError

from adapters.web.monitoring import Monitoring
from bot.health import Health, ModelHealth
from bot.metrics import Metrics
from bot.platforms import Platform
from bot.stalling import loop_watched
from bot.wiring import Bot
from core.memory.statistics import Statistics
from core.watching import listening


@asynccontextmanager
async def watched(bot: Bot, platforms: Sequence[Platform]) -> AsyncGenerator[Monitoring, None]:
    """What there is to be asked about the bot, for the length of the block."""
    metrics = Metrics()
    models = None if bot.settings.offline else ModelHealth(bot.embedder, bot.chat)
    health = Health(bot, platforms, models)

    async def figures() -> bytes:
        with suppress(RedisError):  # it is among the problems, and the other figures are as they are
            metrics.look_at_posts(await bot.library.holdings(), await bot.library.newest())
        metrics.look_at_problems(await health.problems())
        return await asyncio.to_thread(metrics.render)

    async with AsyncExitStack() as stack:
        statistics = Statistics(bot.redis, bot.settings.history_ttl)
        stack.push_async_callback(statistics.aclose)
        stack.enter_context(listening(metrics, statistics, *([models] if models else [])))
        if models:
            stack.push_async_callback(models.aclose)
        await stack.enter_async_context(loop_watched())
        yield Monitoring(health.problems, figures)

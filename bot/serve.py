"""`footnoted serve`: run the web page, the platforms and background jobs until stopped."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import structlog
from aiohttp import web
from rich.console import Console
from rich.text import Text

from adapters.web.app import About, web_app
from adapters.web.monitoring import monitoring_app
from bot.app import create_bot
from bot.config.settings import Settings
from bot.digest import Digest
from bot.feedback_notices import FeedbackNotices
from bot.observability.listeners import telemetry_listeners
from bot.platforms import Reachable, SupervisedPlatform, all_open, build_platforms
from bot.scheduler import ReindexScheduler
from core.errors import Problem, StartupError, to_footnoted_error

log = structlog.get_logger()

SIGNALS = (signal.SIGINT, signal.SIGTERM)

FINISH_WITHIN = 5.0
"""Seconds that running answers get to finish at shutdown."""


async def serve(settings: Settings, console: Console) -> int:
    """Serve until SIGINT or SIGTERM. Return the exit code. Raises StartupError."""
    async with create_bot(settings) as bot, AsyncExitStack() as stack:
        scheduler = ReindexScheduler(bot, console)
        services = bot.chat_services("web")
        visible = services.visible_sources()
        sources = ", ".join(source.name for source in settings.all_sources if visible is None or source.name in visible)
        about = About(settings.offline, None if settings.offline else settings.chat_model, sources)
        platforms = [SupervisedPlatform(platform) for platform in build_platforms(bot)]
        monitoring = await stack.enter_async_context(telemetry_listeners(bot, platforms))
        # In a thread, because it reads the folder of static files.
        app = await asyncio.to_thread(
            web_app,
            services,
            lambda: scheduler.progress,
            about,
            settings.local,
            monitoring.liveness_routes() if settings.metrics_port is not None else monitoring.routes(),
            [route for platform in platforms for route in platform.routes],
            settings.web_token.get_secret_value() if settings.web_token else "",
            bot.visitor_limiter.admit,
        )
        address = await stack.enter_async_context(_listening(app, settings.web_host, settings.web_port, "WEB"))
        if settings.metrics_port is not None:
            metrics = _listening(monitoring_app(monitoring), settings.metrics_host, settings.metrics_port, "METRICS")
            await stack.enter_async_context(metrics)
        await stack.enter_async_context(all_open(platforms))
        _greet(console, settings, address, platforms)
        if bot.sentence_vectors:
            bot.sentence_vectors.prepare()  # so that the first answer need not wait
        background = [partial(_log_errors, "scheduler", scheduler.run)]
        if settings.feedback_channel:
            notices = FeedbackNotices(bot, platforms, settings.feedback_channel)
            background.append(partial(_log_errors, "feedback notices", notices.run))
        if settings.digest_channel:
            digest = Digest(bot, platforms, settings.digest_channel)
            background.append(partial(_log_errors, "digest", digest.run))
        await _until_stopped(background)
    return 0


async def _until_stopped(background: Iterable[Callable[[], Coroutine[Any, Any, None]]]) -> None:
    """Run background jobs until a signal; a second signal kills the process, and others take over its work."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, stop.set)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(each()) for each in background]
        await stop.wait()
        for number in SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        log.info("shutdown started")
        for task in running:
            task.cancel()


async def _log_errors(name: str, job: Callable[[], Awaitable[None]]) -> None:
    try:
        await job()
    except Exception as error:  # Boundary: a background job must not stop the bot.
        known = to_footnoted_error(error)
        log.error("background job crashed", job=name, error_id=known.id, cause=str(known), exc_info=error)


@asynccontextmanager
async def _listening(app: web.Application, host: str, port: int, prefix: str) -> AsyncGenerator[str, None]:
    """Serve the application, and yield its URL. `prefix` is that of the settings for host and port."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=FINISH_WITHIN, handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            # asyncio's own text repeats the address; errors of name resolution have a negative number.
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
            what = f"Cannot listen on {host}:{port} ({reason})."
            raise StartupError(Problem(what, f"Set {prefix}_HOST and {prefix}_PORT to a free address.")) from error
        host, port = runner.addresses[0][:2]
        log.info("server listening", host=host, port=port)
        yield f"http://{f'[{host}]' if ':' in host else host}:{port}"
    finally:
        await runner.cleanup()


def _greet(console: Console, settings: Settings, address: str, platforms: Sequence[Reachable]) -> None:
    console.print(Text.assemble(("Footnoted", "bold"), " answers at ", (address, "bold cyan")), soft_wrap=True)
    for platform in platforms:
        name, problem = platform.name.capitalize(), platform.problem()
        text = Text(f"{name} is not connected: {problem}", "red") if problem else Text(f"Listening on {name}.")
        console.print(text, soft_wrap=True)
    if settings.offline:
        console.print(
            Text(
                "Offline mode: no API key is set, so answers are quoted from the posts without a language model.", "dim"
            ),
            soft_wrap=True,
        )
    names = ", ".join(source.name for source in settings.all_sources)
    console.print(Text(f"Sources: {names}. Press Ctrl-C to stop.", style="dim"), soft_wrap=True)

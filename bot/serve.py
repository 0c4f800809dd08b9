"""Opening the adapters together, watching them, closing them in order."""

import asyncio
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
from bot.observability.listeners import telemetry_listeners
from bot.platforms import Platform, all_open, build_platforms
from bot.scheduler import ReindexScheduler
from core.errors import Problem, StartupError, to_footnoted_error

log = structlog.get_logger()

SIGNALS = (signal.SIGINT, signal.SIGTERM)

FINISH_WITHIN = 5.0
"""Seconds that running answers get when the bot is stopped."""


async def serve(settings: Settings, console: Console) -> int:
    """Serves until SIGINT or SIGTERM. Raises StartupError when something at the start is not as it must be."""
    async with create_bot(settings) as bot, AsyncExitStack() as stack:
        reading = ReindexScheduler(bot, console)
        shown = bot.channels.scope(None).sources
        sources = ", ".join(source.name for source in settings.all_sources if shown is None or source.name in shown)
        about = About(settings.offline, None if settings.offline else settings.chat_model, sources)
        platforms = build_platforms(bot)
        monitoring = await stack.enter_async_context(telemetry_listeners(bot, platforms))
        # It looks at the folder of the page's files.
        app = await asyncio.to_thread(
            web_app,
            bot.answerer,
            bot.chat_services("web").forget,
            bot.catalog,
            lambda: reading.progress,
            about,
            settings.local,
            shown,
            monitoring.sign_of_life() if settings.metrics_port is not None else monitoring.routes(),
            [route for platform in platforms for route in platform.routes],
            settings.web_token.get_secret_value() if settings.web_token else "",
            bot.visitor_limiter.admit,
        )
        address = await stack.enter_async_context(_listening(app, settings.web_host, settings.web_port, "WEB"))
        if settings.metrics_port is not None:
            own = monitoring_app(monitoring)
            await stack.enter_async_context(_listening(own, settings.metrics_host, settings.metrics_port, "METRICS"))
        await stack.enter_async_context(all_open(platforms))
        _greet(console, settings, address, platforms)
        background = [partial(_guarded, "reading the sources", reading.keep_up)]
        if settings.digest_channel:
            digest = Digest(bot, platforms, settings.digest_channel)
            background.append(partial(_guarded, "sending digests", digest.keep_sending))
        await _until_stopped(background)
    return 0


async def _until_stopped(background: Iterable[Callable[[], Coroutine[Any, Any, None]]]) -> None:
    """A second signal ends the process where it stands: what is left then, other processes take over."""
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
        log.info("the bot is being stopped")
        for task in running:
            task.cancel()


async def _guarded(what: str, work: Callable[[], Awaitable[None]]) -> None:
    """What goes on in the background must not end the bot: whatever stops it, questions are answered."""
    try:
        await work()
    except Exception as error:  # a door: behind it the bot goes on serving
        known = to_footnoted_error(error)
        log.error(f"{what} ended", error_id=known.id, cause=str(known), exc_info=error)


@asynccontextmanager
async def _listening(app: web.Application, host: str, port: int, names: str) -> AsyncGenerator[str, None]:
    """The application's address, while it listens. `names` is how the settings for host and port begin."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=FINISH_WITHIN, handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            what = f"{host}:{port} cannot be listened on ({error.strerror})."
            raise StartupError(Problem(what, f"Set {names}_HOST and {names}_PORT to a free address.")) from error
        host, port = runner.addresses[0][:2]
        log.info("an address is listened on", host=host, port=port)
        yield f"http://{f'[{host}]' if ':' in host else host}:{port}"
    finally:
        await runner.cleanup()


def _greet(console: Console, settings: Settings, address: str, platforms: Sequence[Platform]) -> None:
    console.print(Text.assemble(("Footnoted", "bold"), " answers at ", (address, "bold cyan")), soft_wrap=True)
    for platform in platforms:
        console.print(Text(f"Listening on {platform.name.capitalize()}."), soft_wrap=True)
    if settings.offline:
        console.print(
            Text("Offline mode: no key is set, so answers are quoted from the posts, without a language model.", "dim"),
            soft_wrap=True,
        )
    names = ", ".join(source.name for source in settings.all_sources)
    console.print(Text(f"Sources: {names}. Ctrl-C stops.", style="dim"), soft_wrap=True)

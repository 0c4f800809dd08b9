"""Opening the adapters together, watching them, closing them in order."""

import asyncio
import signal
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import structlog
from aiohttp import web
from redis.exceptions import RedisError
from rich.console import Console
from rich.text import Text

from adapters.web.app import About, web_app
from bot.keeping_up import Reading
from bot.platforms import Platform, all_open, build_platforms
from bot.settings import Settings
from bot.wiring import Bot, wired
from core.delivery.delivering import as_known
from core.errors import NotReady, Problem

log = structlog.get_logger()

SIGNALS = (signal.SIGINT, signal.SIGTERM)

FINISH_WITHIN = 5.0
"""Seconds that running answers get when the bot is stopped."""


async def serve(settings: Settings, console: Console) -> int:
    """Serves until SIGINT or SIGTERM. Raises NotReady when something at the start is not as it must be."""
    async with wired(settings) as bot:
        reading = Reading(bot, console)
        shown = bot.channels.scope(None).sources
        sources = ", ".join(source.name for source in settings.all_sources if shown is None or source.name in shown)
        about = About(settings.offline, None if settings.offline else settings.chat_model, sources)
        platforms = await build_platforms(bot)
        # It looks at the folder of the page's files.
        app = await asyncio.to_thread(
            web_app,
            bot.asker,
            bot.forget,
            bot.library,
            lambda: reading.progress,
            about,
            settings.local,
            shown,
            partial(_problems, bot, platforms),
            [route for platform in platforms for route in platform.routes],
            settings.web_token.get_secret_value() if settings.web_token else "",
            bot.visitors.admit,
        )
        async with _listening(app, settings) as address, all_open(platforms):
            _greet(console, settings, address, platforms)
            await _until_stopped(reading)
    return 0


async def _problems(bot: Bot, platforms: Sequence[Platform]) -> dict[str, str]:
    """What keeps the bot from doing its work, by the names of its parts."""
    problems = {platform.name: platform.problem() for platform in platforms}
    try:
        problems["posts"] = "" if (await bot.library.holdings()).posts else "Nothing has been read yet."
    except RedisError as error:
        problems["redis"] = as_known(error).for_people
    return {part: problem for part, problem in problems.items() if problem}


async def _until_stopped(reading: Reading) -> None:
    """A second signal ends the process where it stands: what is left then, other processes take over."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, stop.set)
    async with asyncio.TaskGroup() as tasks:
        background = tasks.create_task(_guarded(reading))
        await stop.wait()
        for number in SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        log.info("the bot is being stopped")
        background.cancel()


async def _guarded(reading: Reading) -> None:
    """Reading must not end the bot: whatever stops it, questions are answered from what is there."""
    try:
        await reading.keep_up()
    except Exception as error:  # a door: behind it the bot goes on serving
        known = as_known(error)
        log.error("reading the sources ended", error_id=known.id, cause=str(known), exc_info=error)


@asynccontextmanager
async def _listening(app: web.Application, settings: Settings) -> AsyncGenerator[str, None]:
    """The web server's address, while it listens."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=FINISH_WITHIN, handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.web_host, settings.web_port)
        try:
            await site.start()
        except OSError as error:
            what = f"{settings.web_host}:{settings.web_port} cannot be listened on ({error.strerror})."
            raise NotReady(Problem(what, "Set WEB_HOST and WEB_PORT to a free address.")) from error
        host, port = runner.addresses[0][:2]
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

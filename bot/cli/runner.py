"""Running a command: its settings, its log, its bot, its errors in one sentence, and its exit code."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from typing import Any, NoReturn, TextIO, cast

from redis.exceptions import RedisError
from rich.console import Console
from rich.text import Text

from bot.app import Bot, create_bot
from bot.cli.exit_codes import FAILED, INTERRUPTED, NOT_READY
from bot.cli.reindex_output import progress_bar
from bot.config.loader import load_settings
from bot.config.settings import Settings
from bot.observability.log_redaction import RedactedOutput, secrets_of
from bot.observability.logs import set_up_logs
from core.errors import FootnotedError, StartupError, to_footnoted_error

out = Console()
err = Console(stderr=True)

verbose = ContextVar("verbose", default=False)
"""Whether one-shot commands show their log."""

BotCommand = Callable[[Bot], Awaitable[int]]


def run_with_bot(command: BotCommand, quiet: bool = True) -> NoReturn:
    """Load the settings, run the command with a bot, and exit."""
    run_async(_with(create_bot(load(quiet)), command))


def run_with_posts(command: BotCommand) -> NoReturn:
    """Run the command as `run_with_bot` does, once the bot's posts are up to date."""
    run_async(_with(bot_reindexed_if_needed(load()), command))


def run_async(command: Coroutine[Any, Any, int]) -> NoReturn:
    """Run a command as a coroutine; otherwise the same as `run`."""
    run(lambda: asyncio.run(command))


def run(command: Callable[[], int]) -> NoReturn:
    """Run a command, report any error in one sentence, and exit with the command's code."""
    try:
        code = command()
    except StartupError as error:
        _show_problems(error)
        code = NOT_READY
    except FootnotedError as error:
        # The user's sentence does not name the cause, such as an address or a status, which an operator needs.
        cause = f": {error}" if str(error) != error.user_message else ""
        err.print(Text(f"{error.user_message} ({error.id}{cause})", style="yellow"))
        code = FAILED
    except KeyboardInterrupt:
        code = INTERRUPTED
    except (OSError, RedisError) as error:
        err.print(Text(f"{to_footnoted_error(error).user_message} ({error})", style="yellow"))
        code = FAILED
    sys.exit(code)


def load(quiet: bool = True, **given: Any) -> Settings:
    """Load the settings and set up the log; `quiet` commands log only with `--verbose`."""
    try:
        settings = load_settings(**given)
    except StartupError as error:
        _show_problems(error)
        sys.exit(NOT_READY)
    log(settings, quiet)
    return settings


def log(settings: Settings, quiet: bool = True) -> None:
    """Set up the log, and keep secrets out of the output, since models and servers may repeat them.

    A `quiet` command says in a sentence what went wrong, and logs only with `--verbose`.
    """
    secrets = secrets_of(dict(settings))
    set_up_logs("critical" if quiet and not verbose.get() else settings.log_level, secrets, settings.log_text)
    sys.stdout, sys.stderr = (cast("TextIO", RedactedOutput(stream, secrets)) for stream in (sys.stdout, sys.stderr))


@asynccontextmanager
async def bot_reindexed_if_needed(settings: Settings) -> AsyncGenerator[Bot, None]:
    """Create the bot, and reindex first if the sources or the embedding model have changed."""
    async with create_bot(settings) as bot:
        reason = await bot.reindex_reason()
        if reason:
            err.print(Text(f"Reindexing first: {reason}.", style="dim"))
            with progress_bar(err) as show_progress:
                report = await bot.reindex(show_progress)
            for failure in report.failed_sources:
                err.print(Text(f"{failure.address}: {failure.reason}", style="yellow"))
        yield bot


async def _with(opened: AbstractAsyncContextManager[Bot], command: BotCommand) -> int:
    async with opened as bot:
        return await command(bot)


def _show_problems(error: StartupError) -> None:
    for problem in error.problems:
        err.print(Text.assemble(("✗ ", "red"), problem.what, (f" {problem.cure}", "dim")), soft_wrap=True)

"""The `footnoted` command: all subcommands and their options. `bot.cli.exit_codes` explains the exit codes."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from redis.exceptions import RedisError
from rich.console import Console
from rich.text import Text

from adapters.console import print_json
from bot.app import VERSION, Bot, create_bot
from bot.cli import ask as ask_command
from bot.cli import evaluate as evaluate_command
from bot.cli import feedback as feedback_command
from bot.cli import forget as forget_command
from bot.cli import reindex as reindex_command
from bot.cli import search as search_command
from bot.cli import stats as stats_command
from bot.cli.chat import chat as run_chat
from bot.cli.doctor import run_checks
from bot.cli.exit_codes import FAILED, INTERRUPTED, NOT_READY, OK
from bot.cli.reindex_output import progress_bar
from bot.config.loader import load_settings
from bot.config.settings import Settings
from bot.evaluation.examples import read_examples, read_lines
from bot.evaluation.results import Result
from bot.observability.log_redaction import secrets_of
from bot.observability.logs import set_up_logs
from bot.serve import serve as serve_until_stopped
from core.errors import FootnotedError, StartupError, to_footnoted_error
from core.indexing.options import ReindexOptions

app = typer.Typer(
    name="footnoted",
    help="Answer questions from your posts, with footnotes to the sources.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
out = Console()
err = Console(stderr=True)

QUESTIONS_HELP = "JSON Lines file with the keys question, earlier, url, answers, kind, language and reference."

JsonFlag = Annotated[bool, typer.Option("--json", help="Print a single JSON document to standard output.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        out.print(f"footnoted {VERSION}", highlight=False)
        raise typer.Exit


@app.callback()
def footnoted(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Answer questions from your posts, with footnotes to the sources."""


@app.command()
def serve() -> None:
    """Run the bot: the web page, and each chat platform whose token is set."""
    settings = _load_settings(quiet=False)
    _run_async(serve_until_stopped(settings, err))


@app.command()
def ask(question: Annotated[str, typer.Argument(help="Your question.")], json: JsonFlag = False) -> None:
    """Answer one question, with footnotes."""
    settings = _load_settings()

    async def run() -> int:
        async with _bot_reindexed_if_needed(settings) as bot:
            return await ask_command.ask(bot, question, out, err, json)

    _run_async(run())


@app.command()
def search(
    question: Annotated[str, typer.Argument(help="A question, or words to search for.")],
    k: Annotated[int, typer.Option("-k", help="Most posts to list.", min=1, max=20)] = 5,
    json: JsonFlag = False,
) -> None:
    """List the posts that best match a question, without an answer."""
    settings = _load_settings()

    async def run() -> int:
        async with _bot_reindexed_if_needed(settings) as bot:
            await search_command.search(bot, question, k, out, json)
        return OK

    _run_async(run())


@app.command()
def chat(
    system: Annotated[
        str | None, typer.Option("--system", help="Persona for this conversation, instead of SYSTEM_PROMPT.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Name of the conversation to start or continue.")] = "default",
) -> None:
    """Chat in the terminal. /forget clears the conversation, /sources lists the sources."""
    settings = _load_settings(system_prompt=system) if system else _load_settings()
    _run(lambda: run_chat(settings, name, _bot_reindexed_if_needed, out, err))


@app.command()
def reindex(
    source: Annotated[str, typer.Argument(help="Reindex only this source.", show_default=False)] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change and the cost; write nothing.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Publish even if more than half of the posts would be removed.")
    ] = False,
    rollback: Annotated[bool, typer.Option("--rollback", help="Restore the posts before the last change.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Cancel the run in progress, in any process.")] = False,
    history: Annotated[
        bool, typer.Option("--history", help="List recent runs: when, by whom and with what result.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Reindex all sources, or one. Only new and changed text is embedded."""
    actions = {"--rollback": rollback, "--cancel": cancel, "--history": history}
    chosen = [name for name, wanted in actions.items() if wanted]
    if len(chosen) > 1 or (chosen and (source or dry_run or force)):
        raise typer.BadParameter(f"{chosen[0]} can only be combined with --json.")
    settings = _load_settings()

    async def run() -> int:
        async with create_bot(settings) as bot:
            reindexer = bot.reindexer
            if rollback:
                return await reindex_command.rollback(reindexer, out, json)
            if cancel:
                return await reindex_command.cancel(reindexer, out, json)
            if history:
                return await reindex_command.history(reindexer, out, json)
            request = ReindexOptions(reindex_command.terminal_user(), source, dry_run, force)
            return await reindex_command.reindex(reindexer, request, out, err, json)

    _run_async(run())


@app.command()
def worker() -> None:
    """Parse and embed posts for reindex runs that other processes have started."""
    settings = _load_settings(quiet=False)

    async def run() -> int:
        # Imported here because the parsers take half a second, which no other command should pay for.
        from bot.index_builder import run_worker

        async with create_bot(settings) as bot:
            return await run_worker(bot.index_dependencies, err)

    _run_async(run())


@app.command()
def feedback(
    most: Annotated[int, typer.Option("--most", help="Most answers to list.", min=1)] = 20, json: JsonFlag = False
) -> None:
    """List the answers that users have rated in chats, most recently rated first."""
    settings = _load_settings()

    async def run() -> int:
        async with create_bot(settings) as bot:
            rated = await bot.feedback.rated_answers(most)
        if json:
            print_json(feedback_command.to_json(rated))
        else:
            feedback_command.show_feedback(rated, out)
        return OK

    _run_async(run())


@app.command()
def stats(
    days: Annotated[int, typer.Option("--days", help="Number of days to cover, including today.", min=1, max=90)] = 7,
    json: JsonFlag = False,
) -> None:
    """Show questions, outcomes, latency, cost, and the gaps in the posts."""
    _run_async(stats_command.stats(_load_settings(), days, out, json))


@app.command()
def forget(
    user: Annotated[
        str,
        typer.Option("--user", help="PLATFORM:ID, such as slack:U0123456789.", callback=forget_command.parse_user),
    ],
    json: JsonFlag = False,
) -> None:
    """Erase a chat user's questions with their answers, conversation turns and votes."""
    _run_async(forget_command.forget(_load_settings(), user, out, json))


@app.command()
def evaluate(
    questions: Annotated[Path, typer.Argument(help=QUESTIONS_HELP, exists=True)],
    json: JsonFlag = False,
    answers: Annotated[
        bool, typer.Option("--answers", help="Also ask for whole answers, which may cost tokens.")
    ] = False,
    at_once: Annotated[int, typer.Option("--at-once", help="Answers to ask for at a time.", min=1, max=64)] = 4,
    save: Annotated[
        Path | None,
        typer.Option("--save", "--details", help="Write each question's result to this file, as JSON Lines."),
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option("--compare", help="Show what differs from an earlier run, saved with --save.", exists=True),
    ] = None,
) -> None:
    """Measure how well questions are answered whose right posts are known."""
    settings = _load_settings()

    async def run() -> int:
        examples = await asyncio.to_thread(read_examples, questions)
        before = await asyncio.to_thread(read_lines, compare, Result) if compare else None
        options = evaluate_command.EvaluationOptions(answers, at_once, save, before, json)
        async with _bot_reindexed_if_needed(settings) as bot:
            return await evaluate_command.evaluate(bot, examples, options, out, err)

    _run_async(run())


@app.command()
def doctor() -> None:
    """Check the settings, ports, Redis, models, posts and chat platforms."""
    # Log only errors, because the output already names every problem.
    _run(lambda: run_checks(out, lambda settings: set_up_logs("error", secrets_of(dict(settings)))))


def _load_settings(quiet: bool = True, **given: Any) -> Settings:
    """Load the settings and set up the log; `quiet` commands log only warnings and errors."""
    try:
        settings = load_settings(**given)
    except StartupError as error:
        _show_problems(error)
        raise typer.Exit(NOT_READY) from None
    level = "warning" if quiet and settings.log_level == "info" else settings.log_level
    set_up_logs(level, secrets_of(dict(settings)), settings.log_text)
    return settings


@asynccontextmanager
async def _bot_reindexed_if_needed(settings: Settings) -> AsyncGenerator[Bot, None]:
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


def _run_async(command: Coroutine[Any, Any, int]) -> NoReturn:
    """Run a command as a coroutine; otherwise the same as `_run`."""
    _run(lambda: asyncio.run(command))


def _run(command: Callable[[], int]) -> NoReturn:
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


def _show_problems(error: StartupError) -> None:
    for problem in error.problems:
        err.print(Text.assemble(("✗ ", "red"), problem.what, (f" {problem.cure}", "dim")), soft_wrap=True)

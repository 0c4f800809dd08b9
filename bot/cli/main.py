"""The `footnoted` command: all subcommands, their options and exit codes."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from redis.exceptions import RedisError
from rich.console import Console
from rich.text import Text

from adapters.console import ConsoleReply, JsonReply, print_json, readable
from bot.app import VERSION, Bot, create_bot
from bot.cli import feedback as feedback_command
from bot.cli import forget as forget_command
from bot.cli import reindex as reindex_command
from bot.cli import stats as stats_command
from bot.cli.chat import chat as run_chat
from bot.cli.doctor import run_checks
from bot.cli.evaluate import compute_metrics, evaluate_all, read_examples, show_metrics, write_details
from bot.cli.reindex_output import progress_bar
from bot.config.loader import load_settings
from bot.config.settings import Settings
from bot.observability.log_redaction import secrets_of
from bot.observability.logs import set_up_logs
from bot.serve import serve as serve_until_stopped
from core.chat.delivery import deliver
from core.chat.documents import match_document
from core.domain import EVERYTHING, Question
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

FAILED = 1
NOT_READY = 2
INTERRUPTED = 130

Json = Annotated[bool, typer.Option("--json", help="Print a single JSON document to standard output.")]


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
    """Run the bot: the web page and all chat platforms that have a token."""
    settings = _load_settings(quiet=False)
    _run(asyncio.run, serve_until_stopped(settings, err))


@app.command()
def ask(question: Annotated[str, typer.Argument(help="Your question.")], json: Json = False) -> None:
    """Answer one question, with footnotes."""
    settings = _load_settings()

    async def answer() -> int:
        async with _up_to_date_bot(settings) as bot:
            events = bot.answerer.ask(Question(question, scope=EVERYTHING))
            if json:
                json_reply = JsonReply()
                await deliver(events, json_reply)
                return FAILED if json_reply.error else 0
            with ConsoleReply(out, err) as reply:
                await deliver(events, reply)
            return FAILED if reply.error else 0

    _run(asyncio.run, answer())


@app.command()
def search(
    question: Annotated[str, typer.Argument(help="A question, or words to search for.")],
    k: Annotated[int, typer.Option("-k", help="Number of posts.", min=1, max=20)] = 5,
    json: Json = False,
) -> None:
    """List the posts that match best."""
    settings = _load_settings()

    async def run() -> int:
        async with _up_to_date_bot(settings) as bot:
            posts = (await bot.retriever.search(question)).posts[:k]
        if json:
            keys = ("url", "title", "text", "score")
            print_json([{key: match_document(match)[key] for key in keys} for match in posts])
            return 0
        for rank, match in enumerate(posts, start=1):
            title, url = readable(match.passage.title), readable(match.passage.url)
            out.print(Text.assemble((f"{rank:2}. ", "bold cyan"), title, (f"  {match.score:.2f}", "dim")))
            out.print(Text(f"    {url}", style="dim"), soft_wrap=True)
        if not posts:
            out.print("No matching posts.")
        return 0

    _run(asyncio.run, run())


@app.command()
def chat(
    system: Annotated[
        str | None, typer.Option("--system", help="Persona for this conversation, instead of SYSTEM_PROMPT.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Name of the conversation to continue or start.")] = "default",
) -> None:
    """Chat in the terminal. /forget clears the conversation, /sources lists the sources."""
    settings = _load_settings(system_prompt=system) if system else _load_settings()
    _run(run_chat, settings, name, _up_to_date_bot, out, err)


@app.command()
def reindex(
    source: Annotated[str, typer.Argument(help="Reindex only this source.", show_default=False)] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change and what it would cost.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Publish even if more than half of the posts are gone.")
    ] = False,
    rollback: Annotated[bool, typer.Option("--rollback", help="Restore the previous posts.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Cancel the run in progress, in any process.")] = False,
    history: Annotated[
        bool, typer.Option("--history", help="List recent runs: when, who and with what result.")
    ] = False,
    json: Json = False,
) -> None:
    """Reindex all sources, or one. Only changed posts are embedded again."""
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

    _run(asyncio.run, run())


@app.command()
def worker() -> None:
    """Parse and embed for reindex runs that other processes have started."""
    settings = _load_settings(quiet=False)

    async def run() -> int:
        # Imported here because the parsers take half a second, which no other command should pay for.
        from bot.index_builder import run_worker

        async with create_bot(settings) as bot:
            return await run_worker(bot.index_dependencies, err)

    _run(asyncio.run, run())


@app.command()
def feedback(
    most: Annotated[int, typer.Option("--most", help="Number of answers.", min=1)] = 20, json: Json = False
) -> None:
    """List rated answers from chats, most recent rating first."""
    settings = _load_settings()

    async def run() -> int:
        async with create_bot(settings) as bot:
            rated = await bot.feedback.rated_answers(most)
        if json:
            print_json(feedback_command.to_json(rated))
        else:
            feedback_command.show_feedback(rated, out)
        return 0

    _run(asyncio.run, run())


@app.command()
def stats(
    days: Annotated[int, typer.Option("--days", help="Number of days, including today.", min=1, max=90)] = 7,
    json: Json = False,
) -> None:
    """Show questions, outcomes, latency, costs, and gaps in the posts."""
    _run(stats_command.stats, _load_settings(), days, out, json)


@app.command()
def forget(
    user: Annotated[
        str, typer.Option("--user", help="PLATFORM:ID, such as slack:U0123456789.", callback=forget_command.parse_user)
    ],
    json: Json = False,
) -> None:
    """Erase a chat user's questions, answers, conversation turns and votes."""
    _run(forget_command.forget, _load_settings(), user, out, json)


@app.command()
def evaluate(
    questions: Annotated[Path, typer.Argument(help="JSON lines: question, url, answers, earlier, kind.", exists=True)],
    json: Json = False,
    details: Annotated[Path | None, typer.Option(help="Write the results of each question to this file.")] = None,
) -> None:
    """Measure retrieval, and refusal of off-topic questions, on a file of questions."""
    settings = _load_settings()

    async def run() -> int:
        examples = await asyncio.to_thread(read_examples, questions)
        async with _up_to_date_bot(settings) as bot:
            results = await evaluate_all(bot, examples, err)
        if details:
            await asyncio.to_thread(write_details, details, results)
        metrics = compute_metrics(results)
        if json:
            print_json(metrics)
        else:
            show_metrics(metrics, out)
        return 0

    _run(asyncio.run, run())


@app.command()
def doctor() -> None:
    """Check configuration and dependencies."""
    # Only errors: its output already names every problem.
    _run(run_checks, out, lambda settings: set_up_logs("error", secrets_of(dict(settings))))


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
async def _up_to_date_bot(settings: Settings) -> AsyncGenerator[Bot, None]:
    """Create the bot, and reindex first if the sources or the embedding model have changed."""
    async with create_bot(settings) as bot:
        reason = await bot.reindex_reason()
        if reason:
            err.print(Text(f"Reading the sources first: {reason}.", style="dim"))
            with progress_bar(err) as show_progress:
                report = await bot.reindex(show_progress)
            for failure in report.failed_sources:
                err.print(Text(f"{failure.address}: {failure.reason}", style="yellow"))
        yield bot


def _run(command: Callable[..., int], *arguments: Any) -> None:
    """Run a command, report any error in one sentence, and exit."""
    try:
        code = command(*arguments)
    except StartupError as error:
        _show_problems(error)
        code = NOT_READY
    except FootnotedError as error:
        cause = f": {error}" if str(error) != error.user_message else ""
        err.print(Text(f"{error.user_message} ({error.id}{cause})", style="yellow"))
        code = FAILED
    except KeyboardInterrupt:
        code = INTERRUPTED
    except (OSError, RedisError) as error:
        err.print(Text(to_footnoted_error(error).user_message + f" ({error})", style="yellow"))
        code = FAILED
    sys.exit(code)


def _show_problems(error: StartupError) -> None:
    for problem in error.problems:
        err.print(Text.assemble(("✗ ", "red"), problem.what, (f" {problem.cure}", "dim")), soft_wrap=True)

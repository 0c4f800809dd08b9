"""The commands: serve · ask · search · chat · reindex · feedback · stats · forget · evaluate · doctor."""

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
from bot.cli import feedback as feedback_output
from bot.cli import forget as forget_command
from bot.cli import reindex as reindex_command
from bot.cli import stats as stats_output
from bot.cli.chat import chat as chat_in_terminal
from bot.cli.doctor import examine_all
from bot.cli.evaluate import ask_all, measure, read_examples, show, write_details
from bot.cli.reindex_output import reading_bar
from bot.config.settings import Settings, load_settings
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
    help="A chat bot that answers from your posts, and shows where it found it.",
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

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, and nothing else, on standard output.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        out.print(f"footnoted {VERSION}", highlight=False)
        raise typer.Exit


@app.callback()
def footnoted(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version, and leave.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """A chat bot that answers from your posts, and shows where it found it."""


@app.command()
def serve() -> None:
    """Open the web page and answer until stopped. Reads the sources first when that was never done."""
    settings = _settings(quiet=False)
    _run(asyncio.run, serve_until_stopped(settings, err))


@app.command()
def ask(question: Annotated[str, typer.Argument(help="What you want to know.")], json: Json = False) -> None:
    """Answer one question, with footnotes."""

    async def answer() -> int:
        async with _ready(_settings()) as bot:
            asked = Question(question, scope=EVERYTHING)
            if json:
                document = JsonReply()
                await deliver(bot.answerer.ask(asked), document)
                return FAILED if document.error else 0
            with ConsoleReply(out, err) as reply:
                await deliver(bot.answerer.ask(asked), reply)
            return FAILED if reply.error else 0

    _run(asyncio.run, answer())


@app.command()
def search(
    question: Annotated[str, typer.Argument(help="Words, or a question.")],
    k: Annotated[int, typer.Option("-k", help="How many posts.", min=1, max=20)] = 5,
    json: Json = False,
) -> None:
    """List the posts that fit best, best first."""

    async def find() -> int:
        async with _ready(_settings()) as bot:
            posts = (await bot.retriever.search(question)).posts[:k]
        if json:
            keys = ("url", "title", "text", "score")
            print_json([{key: match_document(match)[key] for key in keys} for match in posts])
            return 0
        for place, match in enumerate(posts, start=1):
            title, url = readable(match.passage.title), readable(match.passage.url)
            out.print(Text.assemble((f"{place:2}. ", "bold cyan"), title, (f"  {match.score:.2f}", "dim")))
            out.print(Text(f"    {url}", style="dim"), soft_wrap=True)
        if not posts:
            out.print("Nothing was found.")
        return 0

    _run(asyncio.run, find())


@app.command()
def chat(
    system: Annotated[str | None, typer.Option("--system", help="Another persona for this conversation.")] = None,
    name: Annotated[str, typer.Option("--name", help="Go on with, or begin, a conversation of this name.")] = "default",
) -> None:
    """Talk in the terminal. /forget clears the conversation, /sources lists what was read."""
    settings = _settings(system_prompt=system) if system else _settings()
    _run(chat_in_terminal, settings, name, _ready, out, err)


@app.command()
def reindex(
    source: Annotated[str, typer.Argument(help="Read this source alone.", show_default=False)] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and what it would cost.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Publish also what has lost more than half of the posts.")
    ] = False,
    rollback: Annotated[bool, typer.Option("--rollback", help="Answer from the posts as they were before.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Stop the run that goes on, in whatever process.")] = False,
    history: Annotated[bool, typer.Option("--history", help="List the last runs: who, when, what came of it.")] = False,
    json: Json = False,
) -> None:
    """Read all sources again, or one; what has not changed is not embedded again."""
    doing = {"--rollback": rollback, "--cancel": cancel, "--history": history}
    named = [name for name, wanted in doing.items() if wanted]
    if len(named) > 1 or (named and (source or dry_run or force)):
        raise typer.BadParameter(f"{named[0]} goes with --json alone.")

    async def do() -> int:
        async with create_bot(_settings()) as bot:
            reindexer = bot.reindexer
            if rollback:
                return await reindex_command.rollback(reindexer, out, json)
            if cancel:
                return await reindex_command.cancel(reindexer, out, json)
            if history:
                return await reindex_command.history(reindexer, out, json)
            order = ReindexOptions(reindex_command.whoever_types(), source, dry_run, force)
            return await reindex_command.reindex(reindexer, order, out, err, json)

    _run(asyncio.run, do())


@app.command()
def worker() -> None:
    """Help others read: take pages apart and embed for runs that any process of this bot has begun, until stopped."""

    async def work() -> int:
        async with create_bot(_settings(quiet=False)) as bot:
            from bot.index_builder import run_worker  # slow to import, and no other command needs it

            return await run_worker(bot.index_dependencies, err)

    _run(asyncio.run, work())


@app.command()
def feedback(
    most: Annotated[int, typer.Option("--most", help="How many answers.", min=1)] = 20, json: Json = False
) -> None:
    """List the answers that people have voted on in chats, the last vote first."""

    async def judge() -> int:
        async with create_bot(_settings()) as bot:
            judged = await bot.feedback.rated_answers(most)
        if json:
            print_json(feedback_output.document(judged))
        else:
            feedback_output.show(judged, out)
        return 0

    _run(asyncio.run, judge())


@app.command()
def stats(
    days: Annotated[int, typer.Option("--days", help="How many days, today among them.", min=1, max=90)] = 7,
    json: Json = False,
) -> None:
    """Show what people asked, how that went, what it cost, and what the posts did not answer."""
    _run(stats_output.stats, _settings(), days, out, json)


@app.command()
def forget(
    user: Annotated[
        str, typer.Option("--user", help="PLATFORM:ID, such as slack:U0123456789.", callback=forget_command.parse_user)
    ],
    json: Json = False,
) -> None:
    """Remove all that is kept of a person in a chat: questions with their answers, turns of conversations, votes."""

    _run(forget_command.forget, _settings(), user, out, json)


@app.command()
def evaluate(
    questions: Annotated[
        Path, typer.Argument(help="JSON lines: question, and url, answers, earlier, kind.", exists=True)
    ],
    json: Json = False,
    details: Annotated[Path | None, typer.Option(help="Write what was found for each question to this file.")] = None,
) -> None:
    """Measure how well the right posts are found, and questions about something else refused."""

    settings = _settings()

    async def ask_them() -> int:
        examples = read_examples(questions)
        async with _ready(settings) as bot:
            results = await ask_all(bot, examples, err)
        if details:
            write_details(details, results)
        figures = measure(results)
        if json:
            print_json(figures)
        else:
            show(figures, out)
        return 0

    _run(asyncio.run, ask_them())


@app.command()
def doctor() -> None:
    """Look at everything the bot needs, one line each, and say what to do about what is missing."""
    # It tells itself what others would log.
    _run(examine_all, out, lambda settings: set_up_logs("error", secrets_of(dict(settings))))


def _settings(quiet: bool = True, **given: Any) -> Settings:
    """The settings, with the log set up. `quiet` commands are about their output: only what went wrong is logged."""
    try:
        settings = load_settings(**given)
    except StartupError as error:
        _tell(error)
        raise typer.Exit(NOT_READY) from None
    level = "warning" if quiet and settings.log_level == "info" else settings.log_level
    set_up_logs(level, secrets_of(dict(settings)), settings.log_text)
    return settings


@asynccontextmanager
async def _ready(settings: Settings) -> AsyncGenerator[Bot, None]:
    """The bot, with its sources read: the first command after a change reads them, and shows that on standard error."""
    async with create_bot(settings) as bot:
        reason = await bot.reindex_reason()
        if reason:
            err.print(Text(f"Reading the sources first: {reason}.", style="dim"))
            with reading_bar(err) as tell:
                report = await bot.reindex(tell)
            for failure in report.failed_sources:
                err.print(Text(f"{failure.address}: {failure.reason}", style="yellow"))
        yield bot


def _run(command: Callable[..., int], *arguments: Any) -> None:
    """Runs a command to its end. What goes wrong is told in a sentence; the exit code says how it went."""
    try:
        code = command(*arguments)
    except StartupError as error:
        _tell(error)
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


def _tell(error: StartupError) -> None:
    for problem in error.problems:
        err.print(Text.assemble(("✗ ", "red"), problem.what, (f" {problem.cure}", "dim")), soft_wrap=True)

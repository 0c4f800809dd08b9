"""The `footnoted` command: all subcommands and their options. `bot.cli.exit_codes` explains the exit codes.

Commands import what they run themselves, because all of it together takes more than a second.
"""

from importlib.metadata import version as version_of
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="footnoted",
    help="Answer questions from your posts, with footnotes to the sources.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich takes half of the time of --help
    context_settings={"help_option_names": ["-h", "--help"]},
)

sources_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look at what can be read.")
app.add_typer(sources_app, name="sources")

QUESTIONS_HELP = "JSON Lines file with the keys question, earlier, url, answers, kind, language and reference."

JsonFlag = Annotated[bool, typer.Option("--json", help="Print a single JSON document to standard output.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"footnoted {version_of('footnoted')}")
        raise typer.Exit


def _parse_user(text: str) -> str:
    from bot.cli.forget import parse_user

    return parse_user(text)


@app.callback()
def footnoted(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show the log on standard error.")] = False,
) -> None:
    """Answer questions from your posts, with footnotes to the sources."""
    if verbose:
        from bot.cli.runner import verbose as shows_log

        shows_log.set(True)


@app.command()
def serve() -> None:
    """Run the web page and the configured chat platforms."""
    from bot.cli.runner import err, load, run_async
    from bot.serve import serve

    run_async(serve(load(quiet=False), err))


@app.command()
def ask(question: Annotated[str, typer.Argument(help="Your question.")], json: JsonFlag = False) -> None:
    """Answer one question, with footnotes."""
    from bot.cli.ask import ask
    from bot.cli.runner import err, out, run_with_posts

    run_with_posts(lambda bot: ask(bot, question, out, err, json))


@app.command()
def search(
    question: Annotated[str, typer.Argument(help="A question, or words to search for.")],
    k: Annotated[int, typer.Option("-k", help="Maximum number of posts.", min=1, max=20)] = 5,
    json: JsonFlag = False,
) -> None:
    """List the posts that best match a question."""
    from bot.cli.runner import out, run_with_posts
    from bot.cli.search import search

    run_with_posts(lambda bot: search(bot, question, k, out, json))


@app.command()
def chat(
    system: Annotated[
        str | None, typer.Option("--system", help="Persona for this conversation, instead of SYSTEM_PROMPT.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Name of the conversation to start or continue.")] = "default",
) -> None:
    """Chat in the terminal. /forget clears the conversation, /sources lists the sources."""
    from bot.cli.chat import chat
    from bot.cli.runner import bot_reindexed_if_needed, err, load, out, run

    settings = load(system_prompt=system) if system else load()
    run(lambda: chat(settings, name, bot_reindexed_if_needed, out, err))


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
    from bot.cli import reindex as command
    from bot.cli.runner import err, out, run_with_bot
    from core.indexing.options import ReindexOptions

    actions = {"--rollback": rollback, "--cancel": cancel, "--history": history}
    chosen = [name for name, wanted in actions.items() if wanted]
    if len(chosen) > 1 or (chosen and (source or dry_run or force)):
        raise typer.BadParameter(f"{chosen[0]} can only be combined with --json.")
    if rollback:
        run_with_bot(lambda bot: command.rollback(bot.reindexer, out, json))
    if cancel:
        run_with_bot(lambda bot: command.cancel(bot.reindexer, out, json))
    if history:
        run_with_bot(lambda bot: command.history(bot.reindexer, out, json))
    options = ReindexOptions(command.terminal_user(), source, dry_run, force)
    run_with_bot(lambda bot: command.reindex(bot.reindexer, options, out, err, json))


@sources_app.command()
def check(
    address: Annotated[str, typer.Argument(help="A site, feed, sitemap or folder, or the name of a source.")],
    json: JsonFlag = False,
) -> None:
    """Show what would be read of a source.

    Lists where its posts are found and how many there are, and shows three of them.
    """
    from bot.cli.runner import load, out, run_async
    from bot.cli.sources import check

    run_async(check(load(), address, out, json))


@app.command()
def worker() -> None:
    """Parse and embed posts for runs in other processes."""
    from bot.cli.runner import err, run_with_bot
    from bot.index_builder import run_worker

    run_with_bot(lambda bot: run_worker(bot.index_dependencies, err), quiet=False)


@app.command()
def feedback(
    most: Annotated[int, typer.Option("--most", help="Maximum number of answers.", min=1)] = 20, json: JsonFlag = False
) -> None:
    """List the answers that users rated, newest rating first."""
    from bot.cli.feedback import feedback
    from bot.cli.runner import out, run_with_bot

    run_with_bot(lambda bot: feedback(bot, most, out, json))


@app.command()
def stats(
    days: Annotated[int, typer.Option("--days", help="Number of days to cover, including today.", min=1, max=90)] = 7,
    json: JsonFlag = False,
) -> None:
    """Show usage, latency, cost, and gaps in the posts."""
    from bot.cli.runner import load, out, run_async
    from bot.cli.stats import stats

    run_async(stats(load(), days, out, json))


@app.command()
def forget(
    user: Annotated[
        str,
        typer.Option("--user", help="PLATFORM:ID, such as slack:U0123456789.", callback=_parse_user),
    ],
    json: JsonFlag = False,
) -> None:
    """Erase a chat user's questions, answers, turns and votes."""
    from bot.cli.forget import forget
    from bot.cli.runner import load, out, run_async

    run_async(forget(load(), user, out, json))


@app.command()
def evaluate(
    questions: Annotated[Path, typer.Argument(help=QUESTIONS_HELP, exists=True)],
    json: JsonFlag = False,
    answers: Annotated[
        bool, typer.Option("--answers", help="Also ask for whole answers, which may cost tokens.")
    ] = False,
    at_once: Annotated[int, typer.Option("--at-once", help="Number of answers to request at once.", min=1, max=64)] = 4,
    save: Annotated[
        Path | None,
        typer.Option("--save", "--details", help="Write each question's result to this file, as JSON Lines."),
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option("--compare", help="Show what differs from an earlier run, saved with --save.", exists=True),
    ] = None,
) -> None:
    """Measure how well questions with known posts are answered."""
    import asyncio

    from bot.cli.evaluate import EvaluationOptions, evaluate
    from bot.cli.runner import bot_reindexed_if_needed, err, load, out, run_async
    from bot.evaluation.examples import read_examples, read_lines
    from bot.evaluation.results import Result

    settings = load()

    async def run() -> int:
        examples = await asyncio.to_thread(read_examples, questions)
        before = await asyncio.to_thread(read_lines, compare, Result) if compare else None
        options = EvaluationOptions(answers, at_once, save, before, json)
        async with bot_reindexed_if_needed(settings) as bot:
            return await evaluate(bot, examples, options, out, err)

    run_async(run())


@app.command()
def draft_questions(
    most: Annotated[int, typer.Option("--most", help="Maximum number of questions.", min=1, max=1_000)] = 50,
) -> None:
    """Draft a questions file for `evaluate`. Its sources are the posts and unanswered questions."""
    from bot.cli.draft_questions import print_drafts
    from bot.cli.runner import err, run_with_posts

    run_with_posts(lambda bot: print_drafts(bot, most, err))


@app.command()
def doctor() -> None:
    """Check settings, Redis, models, posts and platforms."""
    from bot.cli.doctor import run_checks
    from bot.cli.runner import log, out, run

    run(lambda: run_checks(out, log))

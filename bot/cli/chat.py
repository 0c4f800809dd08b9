"""`footnoted chat`: a conversation in the terminal."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager

from rich.console import Console
from rich.text import Text

from adapters.console import ConsoleReply
from bot.app import Bot
from bot.cli.exit_codes import OK
from bot.config.settings import Settings
from core.chat.delivery import deliver
from core.domain import EVERYTHING, Conversation, Question

HELP = "/forget clears this conversation · /sources lists the sources · Ctrl-C stops an answer · Ctrl-D quits"

OpenBot = Callable[[Settings], AbstractAsyncContextManager[Bot]]


def chat(settings: Settings, name: str, open_bot: OpenBot, out: Console, err: Console) -> int:
    """Run the conversation `name` until Ctrl-D; its history is stored in Redis and continues next time."""
    conversation = Conversation(platform="console", channel=name)
    with asyncio.Runner() as runner:
        opened = open_bot(settings)
        bot = runner.run(opened.__aenter__())
        try:
            _show_welcome(bot, out)
            _answer_lines(runner, bot, conversation, out, err)
        finally:
            runner.run(opened.__aexit__(None, None, None))
    return OK


def _show_welcome(bot: Bot, out: Console) -> None:
    mode = "offline: answers are quoted from the posts" if bot.settings.offline else bot.settings.chat_model
    out.print(Text.assemble(("Footnoted", "bold"), (f"  ({mode})\n{HELP}\n", "dim")))


def _answer_lines(runner: asyncio.Runner, bot: Bot, conversation: Conversation, out: Console, err: Console) -> None:
    tokens = 0
    while (line := _read_line(out)) is not None:
        match line.strip():
            case "":
                continue
            case "/forget":
                runner.run(bot.history.forget(conversation))
                tokens = 0
                out.print(Text("Conversation cleared.", style="dim"))
            case "/sources":
                runner.run(_show_sources(bot, out))
            case "/help":
                out.print(Text(HELP, style="dim"))
            case text if text.startswith("/"):
                out.print(Text(f"Unknown command {text.split()[0]}. {HELP}", style="dim"))
            case text:
                tokens += _answer(runner, bot, Question(text, conversation, scope=EVERYTHING), out, err)
                out.print(Text(f"{tokens:,} tokens so far\n", style="dim"))


def _read_line(out: Console) -> str | None:
    """Read a line; None at the end of input. Ctrl-C does not quit."""
    while True:
        try:
            return out.input("[bold cyan]›[/] ")
        except EOFError:
            out.print()
            return None
        except KeyboardInterrupt:
            out.print(Text("\nCtrl-D quits.", style="dim"))


def _answer(runner: asyncio.Runner, bot: Bot, question: Question, out: Console, err: Console) -> int:
    """Show the answer. Return the number of tokens used."""
    with ConsoleReply(out, err) as reply:
        try:
            runner.run(_until_ctrl_c(deliver(bot.answerer.ask(question), reply)))
        except asyncio.CancelledError:
            err.print(Text("Stopped.", style="dim"))
    return reply.answer.tokens if reply.answer else 0


async def _until_ctrl_c(answer: Coroutine[None, None, object]) -> None:
    """Cancel the answer on Ctrl-C.

    The loop's own signal handler also wakes a loop that waits for I/O; the Runner's would wait for the model's next
    words.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    loop.add_signal_handler(signal.SIGINT, task.cancel)
    try:
        await answer
    finally:
        loop.remove_signal_handler(signal.SIGINT)


async def _show_sources(bot: Bot, out: Console) -> None:
    stats = await bot.catalog.stats()
    for source, posts in (await bot.catalog.posts_by_source()).items():
        out.print(Text.assemble(source, (f"  {posts} posts", "dim")))
    out.print(Text(f"{stats.posts} posts, {stats.passages} passages in total", style="dim"))

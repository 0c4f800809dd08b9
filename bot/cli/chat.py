"""A conversation in the terminal: one question after another, until Ctrl-D."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager

from rich.console import Console
from rich.text import Text

from adapters.console import ConsoleReply
from bot.app import Bot
from bot.config.settings import Settings
from core.chat.delivery import deliver
from core.domain import EVERYTHING, Conversation, Question

HELP = "/forget clears this conversation · /sources lists what was read · Ctrl-C stops an answer · Ctrl-D leaves"

Open = Callable[[Settings], AbstractAsyncContextManager[Bot]]


def chat(settings: Settings, name: str, open_bot: Open, out: Console, err: Console) -> int:
    """Runs the conversation `name`. Its turns are kept in Redis, so it can be taken up again another day."""
    place = Conversation(platform="console", channel=name)
    with asyncio.Runner() as runner:
        opened = open_bot(settings)
        bot = runner.run(opened.__aenter__())
        try:
            _welcome(bot, out)
            _converse(runner, bot, place, out, err)
        finally:
            runner.run(opened.__aexit__(None, None, None))
    return 0


def _welcome(bot: Bot, out: Console) -> None:
    mode = "offline: answers are quoted from the posts" if bot.settings.offline else bot.settings.chat_model
    out.print(Text.assemble(("Footnoted", "bold"), (f"  ({mode})\n{HELP}\n", "dim")))


def _converse(runner: asyncio.Runner, bot: Bot, place: Conversation, out: Console, err: Console) -> None:
    tokens = 0
    while (line := _read_line(out)) is not None:
        match line.strip():
            case "":
                continue
            case "/forget":
                runner.run(bot.history.forget(place))
                tokens = 0
                out.print(Text("This conversation is forgotten.", style="dim"))
            case "/sources":
                runner.run(_show_sources(bot, out))
            case "/help":
                out.print(Text(HELP, style="dim"))
            case text if text.startswith("/"):
                out.print(Text(f"There is no command {text.split()[0]}. {HELP}", style="dim"))
            case text:
                tokens += _answer(runner, bot, Question(text, place, scope=EVERYTHING), out, err)
                out.print(Text(f"{tokens:,} tokens so far\n", style="dim"))


def _read_line(out: Console) -> str | None:
    """What the person types; None at the end. Ctrl-C on an empty line is no wish to leave."""
    while True:
        try:
            return out.input("[bold cyan]›[/] ")
        except EOFError:
            out.print()
            return None
        except KeyboardInterrupt:
            out.print(Text("\nCtrl-D leaves.", style="dim"))


def _answer(runner: asyncio.Runner, bot: Bot, question: Question, out: Console, err: Console) -> int:
    """Shows the answer; how many tokens it took."""
    with ConsoleReply(out, err) as reply:
        try:
            runner.run(_until_ctrl_c(deliver(bot.answerer.ask(question), reply)))
        except asyncio.CancelledError:
            err.print(Text("Stopped.", style="dim"))
    return reply.answer.tokens if reply.answer else 0


async def _until_ctrl_c(answering: Coroutine[None, None, object]) -> None:
    """Ctrl-C cancels what runs. The loop's own signal handling also wakes a loop that is just falling asleep;
    a Runner's, which acts between two steps of the loop, would wait there for the next words of the model.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    loop.add_signal_handler(signal.SIGINT, task.cancel)
    try:
        await answering
    finally:
        loop.remove_signal_handler(signal.SIGINT)


async def _show_sources(bot: Bot, out: Console) -> None:
    holdings = await bot.catalog.stats()
    for source, posts in (await bot.catalog.posts_by_source()).items():
        out.print(Text.assemble(source, (f"  {posts} posts", "dim")))
    out.print(Text(f"{holdings.posts} posts, {holdings.passages} passages in all", style="dim"))

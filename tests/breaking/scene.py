"""A bot process between a Slack, a model and a Redis, each of which a test can break."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.adapters.slack.harness import below, is_failure, is_whole, read
from tests.bot.processes import BotProcess, start_bot
from tests.bot.running import make_home
from tests.servers.openai import OpenAIServer
from tests.servers.slack import Message, SlackServer

WITHIN = 30.0
"""Timeout in seconds; on an idle machine everything takes a tenth of it."""

BEES = "What do bees eat in winter?"
CALM = re.compile(r"\A[A-Z“][^\n{}<>]{10,160}[.?]\Z")
"""One sentence without a traceback, an address or the name of an exception."""

TOLD = re.compile(r":warning: (.+?)\s+`[0-9a-f]{8}`")
"""An error sentence in a Slack reply."""


@dataclass(slots=True)
class Running:
    """A bot process and its log file."""

    process: BotProcess
    log: Path
    address: str = ""

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8") if self.log.exists() else ""

    async def until_said(self, words: str, within: float = WITHIN) -> None:
        await until(lambda: words in self.said(), within, self.said)

    async def end(self, number: int) -> int:
        self.process.send_signal(number)
        async with asyncio.timeout(WITHIN):
            return await self.process.wait()


async def until(true: Callable[[], Any], within: float = WITHIN, told: Callable[[], object] = lambda: "") -> None:
    """Wait for a condition; fail with the text of `told` after the timeout."""
    try:
        async with asyncio.timeout(within):
            while not true():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"timed out: {str(told())[-4000:]}") from None


@asynccontextmanager
async def running(home: Path, log: str = "bot.log", **settings: str) -> AsyncIterator[Running]:
    """Start `footnoted serve` and wait until it has printed its address."""
    path = home / log
    process = await start_bot(home, "serve", output=path, settings=settings)
    bot = Running(process, path)
    try:
        await until(
            lambda: re.search(r"http://[0-9.]+:\d+", bot.said()) or process.returncode is not None, told=bot.said
        )
        found = re.search(r"http://[0-9.]+:\d+", bot.said())
        assert found, bot.said()
        bot.address = found[0]
        yield bot
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@dataclass(slots=True)
class Scene:
    """A running bot and its surroundings; questions are asked on Slack or on the page."""

    slack: SlackServer
    model: OpenAIServer
    bot: Running
    web: aiohttp.ClientSession

    def ask(self, text: str = BEES) -> Message:
        """Mention the bot in a new thread."""
        return self.slack.say(self.slack.user, self.slack.channel, f"<@{self.slack.bot.id}> {text}")

    def replies(self, asked: Message) -> list[Message]:
        """Return the bot's messages in the thread."""
        thread = self.slack.messages(asked.channel, asked.root)
        return [m for m in thread if m.user == self.slack.bot.id and not m.deleted]

    async def reply(self, asked: Message, within: float = WITHIN) -> str:
        """Wait for the finished reply: an answer, or a partial answer with an error sentence."""
        await until(lambda: any(map(is_whole, self.replies(asked))), within, self.bot.said)
        [only] = self.replies(asked)
        shown = read(only)
        return f"{shown}\n{below(only)}".lstrip() if is_failure(only) and not shown.startswith(":warning:") else shown

    async def told(self, asked: Message, within: float = WITHIN) -> str:
        """Return the error sentence in the thread; fail if there is an answer."""
        sentence, *_ = (await self.reply(asked, within)).splitlines()
        found = TOLD.fullmatch(sentence)
        assert found, sentence
        assert CALM.fullmatch(found[1]), found[1]
        return found[1]

    async def page(self, text: str = BEES, conversation: str | None = None) -> dict[str, Any]:
        """Ask on the page; return the JSON of the answer or the error."""
        asked = {"question": text, "conversation": conversation}
        async with asyncio.timeout(WITHIN), self.web.post("/api/ask", json=asked) as response:
            return dict(await response.json())

    async def sentence(self) -> str:
        """Return the error that the page shows; fail if there is an answer."""
        document = await self.page()
        assert "error" in document, document
        assert CALM.fullmatch(document["error"]), document
        return str(document["error"])

    async def is_answered(self) -> bool:
        return "answer" in await self.page()

    async def until_answered(self) -> None:
        """Wait until the page is answered again."""
        async with asyncio.timeout(WITHIN):
            while not await self.is_answered():
                await asyncio.sleep(0.1)


def reached(slack: SlackServer, model: OpenAIServer, redis_url: str) -> dict[str, str]:
    """Return the settings of a bot that uses these servers."""
    return {
        "REDIS_URL": redis_url,
        "OPENAI_BASE_URL": model.base_url,
        "SLACK_API_URL": slack.base_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "QUESTIONS_PER_MINUTE": "100000",
        "CHANNEL_QUESTIONS_PER_MINUTE": "100000",
        "WEB_QUESTIONS_PER_MINUTE": "100000",
    }


@asynccontextmanager
async def scene(home: Path, redis_url: str, model: OpenAIServer | None = None, **more: str) -> AsyncIterator[Scene]:
    """Start everything and wait until the garden blog is indexed; an empty `redis_url` starts the embedded Redis."""
    async with (
        SlackServer() as slack,
        model or OpenAIServer(dimensions=64) as model,
        running(make_home(home), **reached(slack, model, redis_url) | more) as bot,
        aiohttp.ClientSession(bot.address) as web,
    ):
        async with asyncio.timeout(WITHIN):
            while (await web.get("/readyz")).status != 200:
                await asyncio.sleep(0.05)
        await slack.until(lambda: slack.sockets.open, within=WITHIN)
        yield Scene(slack, model, bot, web)

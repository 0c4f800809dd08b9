"""A platform that cannot start, or that fails later, is tried again and ends neither the bot nor another platform."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web
from structlog.testing import capture_logs

from bot.platforms import SupervisedPlatform, all_open
from core.errors import Problem, StartupError
from tests.adapters.slack.harness import access
from tests.bot.running import make_home
from tests.bot.serving import served
from tests.servers.slack import SlackServer


class Flaky:
    """A platform whose first attempts end with the given errors."""

    name = "flaky"

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.routes: list[web.RouteDef] = []
        self.attempts = 0
        self.opened, self.failed = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        self.attempts += 1
        if self._errors:
            raise self._errors.pop(0)
        self.opened.set()
        yield

    async def wait_until_failed(self) -> None:
        await self.failed.wait()

    def problem(self) -> str:
        return "" if self.opened.is_set() and not self.failed.is_set() else "Down."

    async def post(self, channel: str, text: str) -> None:
        raise AssertionError("nothing is posted")

    async def check(self) -> str:
        return "flaky"


async def test_a_platform_that_cannot_start_is_tried_again_beside_the_others() -> None:
    refused = StartupError(Problem("The token is wrong.", "Copy it again."))
    broken, steady = Flaky(refused, RuntimeError("broken")), Flaky()
    first, second = SupervisedPlatform(broken, [0.05]), SupervisedPlatform(steady)
    with capture_logs() as log:
        async with all_open([first, second]):
            assert first.problem() == "The token is wrong. Copy it again."
            assert second.problem() == ""
            async with asyncio.timeout(5):
                await broken.opened.wait()
            assert first.problem() == ""
            assert (broken.attempts, steady.attempts) == (3, 1)
    assert [entry["event"] for entry in log] == ["platform unavailable"] * 2


async def test_a_platform_that_fails_later_is_opened_again() -> None:
    platform = Flaky()
    with capture_logs():
        async with all_open([SupervisedPlatform(platform, [0.01])]):
            platform.opened.clear()
            platform.failed.set()
            async with asyncio.timeout(5):
                await platform.opened.wait()
            assert platform.attempts > 1


async def test_a_wrong_token_is_told_by_the_console_and_readyz_while_the_page_answers(tmp_path: Path) -> None:
    async with SlackServer() as slack:
        reached = access(slack, bot_token="xoxb-wrong")
        settings = {
            "SLACK_BOT_TOKEN": reached.bot_token,
            "SLACK_APP_TOKEN": reached.app_token,
            "SLACK_API_URL": reached.api_url,
        }
        async with served(make_home(tmp_path), **settings) as bot, aiohttp.ClientSession(bot.address) as page:
            assert "Slack does not accept SLACK_BOT_TOKEN" in " ".join(bot.console.getvalue().split())
            async with page.get("/readyz") as response:
                assert response.status == 503
                assert "SLACK_BOT_TOKEN" in await response.text()
            assert (await page.get("/")).status == 200
            assert "platform unavailable" in {entry["event"] for entry in bot.log}

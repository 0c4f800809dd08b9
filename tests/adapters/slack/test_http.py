"""Slack over HTTP: signed requests to a bot process, beside its page."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.adapters.slack.harness import WITHIN, is_whole
from tests.bot.running import make_home
from tests.bot.serving import served
from tests.servers.openai import OpenAIServer
from tests.servers.slack import Message, SlackServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

Served = tuple[SlackServer, aiohttp.ClientSession]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def over_http(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """A bot process to which Slack sends over HTTP, and a client of its page."""
    home = make_home(tmp_path_factory.mktemp("over-http"))
    async with SlackServer() as slack, OpenAIServer() as model:
        settings = {
            "SLACK_API_URL": slack.base_url,
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_SIGNING_SECRET": slack.signing_secret,
            "OPENAI_BASE_URL": model.base_url,
        }
        async with served(home, **settings) as bot, aiohttp.ClientSession(bot.address) as page:
            slack.http.use(f"{bot.address}/slack/events")
            async with asyncio.timeout(30):
                while (await page.get("/readyz")).status != 200:
                    await asyncio.sleep(0.05)
            yield slack, page


async def answer(slack: SlackServer) -> Message:
    """Ask in a channel and wait for the answer."""
    asked = slack.say(slack.user, slack.channel, f"<@{slack.bot.id}> What do bees eat in winter?")
    await slack.until(lambda: [m for m in slack.messages(asked.channel, asked.ts) if is_whole(m)], WITHIN)
    [found] = [m for m in slack.messages(asked.channel, asked.ts) if is_whole(m)]
    return found


async def ephemerals(slack: SlackServer, number: int) -> None:
    """Wait until the user has seen this number of ephemeral messages."""
    await slack.until(lambda: len(slack.ephemerals(slack.user.id)) >= number, WITHIN)


async def test_events_commands_and_clicks_are_answered_beside_the_page(over_http: Served) -> None:
    slack, page = over_http
    assert await slack.http.verify()
    seen = len(slack.ephemerals(slack.user.id))
    slack.click(slack.user, await answer(slack), "why")
    await ephemerals(slack, seen + 1)
    slack.slash(slack.user, slack.channel, "/ask", "How long does compost take?")
    await ephemerals(slack, seen + 2)
    async with page.get("/api/status") as status:
        assert status.status == 200


@pytest.mark.parametrize("how", [{"secret": "wrong"}, {"age": 600.0}], ids=["wrong signature", "stale"])
async def test_wrongly_signed_and_stale_requests_are_rejected(over_http: Served, how: dict[str, Any]) -> None:
    slack, _ = over_http
    before = len(slack.called("chat.startStream"))
    payload = {"type": "event_callback", "event": {"type": "app_mention", "channel": slack.channel.id}}
    assert await slack.http.forge("events_api", payload, **how) == 401
    assert len(slack.called("chat.startStream")) == before


async def test_unsigned_and_cross_site_requests_are_rejected(over_http: Served) -> None:
    _, page = over_http
    elsewhere = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    async with page.post("/api/ask", json={"question": "What do bees eat?"}, headers=elsewhere) as response:
        assert response.status == 403
    async with page.post("/slack/events", json={"type": "url_verification", "challenge": "x"}) as response:
        assert response.status == 401
    async with page.post("/api/ask", json={"question": "x" * 100_000}) as response:
        assert response.status == 413


async def test_slack_may_send_larger_requests_than_the_page_accepts(over_http: Served) -> None:
    slack, _ = over_http
    seen = len(slack.ephemerals(slack.user.id))
    large = await answer(slack)
    large.attachments = [{"fallback": "x" * 100_000}]
    clicked = slack.click(slack.user, large, "why")
    assert len(json.dumps(clicked.delivery.payload)) > 64 * 1024
    await ephemerals(slack, seen + 1)
    assert clicked.complaint is None

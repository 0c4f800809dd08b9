"""The bot as it serves Slack: quick to acknowledge, and stopped without losing a word."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.slack.app import SlackBot
from bot.app import Bot
from tests.adapters.slack.harness import WITHIN, Room, access, entered, is_whole, read
from tests.adapters.slack.test_connection import QUICK
from tests.bot.running import make_home
from tests.bot.serving import served
from tests.servers.openai import OpenAIServer, Text
from tests.servers.slack import Message, SlackServer

LONG = "Bees live on honey [1]. " * 40
ACKNOWLEDGED_WITHIN = 3.0
"""Seconds that Slack waits; how quick the bot is by itself is for the benchmarks."""


async def test_fifty_questions_at_once_are_acknowledged_in_time_and_answered(room: Room) -> None:
    people = [room.slack.add_user(f"person{number}") for number in range(50)]
    places = [room.slack.add_channel(f"place{number}", room.slack.bot, *people) for number in range(5)]
    asked = [
        room.ask(f"What do bees eat in winter? ({number})", channel=places[number % 5], user=person)
        for number, person in enumerate(people)
    ]
    await room.until(lambda: all(room.answers(each) for each in asked), 60)
    await room.settled()
    took = [attempt.took for delivery in room.slack.deliveries.all for attempt in delivery.attempts]
    assert all(seconds is not None and seconds < ACKNOWLEDGED_WITHIN for seconds in took)
    assert [len(room.own(each)) for each in asked] == [1] * 50


async def test_a_running_answer_is_finished_when_the_bot_is_stopped(tmp_path: Path) -> None:
    async with SlackServer() as slack, OpenAIServer() as model:
        reached = {
            "SLACK_API_URL": slack.base_url,
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
        }
        async with served(make_home(tmp_path), OPENAI_BASE_URL=model.base_url, **reached) as bot:
            await until_ready(bot.address)
            model.enqueue(Text(LONG, tokens_per_second=100))
            asked = slack.say(slack.user, slack.channel, f"<@{slack.bot.id}> What do bees eat in winter?")

            def own() -> list[Message]:
                return [m for m in slack.messages(asked.channel, asked.ts) if m.user == slack.bot.id]

            await slack.until(own, WITHIN)
            code, _ = await bot.end(signal.SIGTERM)
        assert code == 0
        [answer] = own()
        assert is_whole(answer)
        assert read(answer).count("Bees live on honey") == 40


async def until_ready(address: str) -> None:
    async with aiohttp.ClientSession(address) as page, asyncio.timeout(30):
        while (await page.get("/readyz")).status != 200:
            await asyncio.sleep(0.05)


async def test_a_question_asked_during_shutdown_is_answered_after_the_restart(
    slack: SlackServer, model: OpenAIServer, bot: Bot
) -> None:
    """It is acknowledged only once it is stored."""
    model.enqueue(Text(LONG, tokens_per_second=150))
    app = SlackBot(bot.chat_services("slack"), access(slack, app_token="", signing_secret=slack.signing_secret))
    first, later = Room(slack, model, bot, app), asyncio.Event()

    async def serve() -> None:
        async with app.open():
            await later.wait()

    async with TestServer(application(app)) as server:
        slack.http.use(str(server.make_url("/slack/events")))
        serving = asyncio.create_task(serve())
        await slack.until(lambda: slack.called("auth.test"))
        while app.problem():
            await asyncio.sleep(0.01)
        asked = first.ask("What do bees eat in winter?")
        await first.until(lambda: first.own(asked))
        later.set()
        await asyncio.sleep(0)
        late = first.ask("How long does compost take?")
        await first.until(lambda: all(delivery.finished for delivery in slack.deliveries.all))
        assert all(delivery.acknowledged for delivery in slack.deliveries.all)
        await serving
    [answer] = first.answers(asked)
    assert read(answer).count("Bees live on honey") == 40
    assert not first.own(late)
    slack.http.urls = {}
    async with entered(slack, model, bot) as room:
        await room.answer(late)


def application(app: SlackBot) -> web.Application:
    """Return a web application with only Slack's routes."""
    application = web.Application()
    application.add_routes(app.routes)
    return application


async def test_events_are_not_acknowledged_before_the_bot_has_started(slack: SlackServer, bot: Bot) -> None:
    app = SlackBot(bot.chat_services("slack"), access(slack, app_token="", signing_secret=slack.signing_secret))
    async with TestServer(application(app)) as server:
        slack.http.use(str(server.make_url("/slack/events")))
        payload: dict[str, Any] = {"type": "event_callback", "event": {"type": "ping"}}
        async with slack.http.post("events_api", payload) as response:
            assert response.status == 503


async def test_a_lost_connection_is_reported_until_it_comes_back(slack: SlackServer, bot: Bot) -> None:
    app = SlackBot(bot.chat_services("slack"), access(slack), QUICK)
    assert "has not been reached" in app.problem()
    async with app.open():
        assert app.problem() == ""
        slack.refuse("apps.connections.open", "internal_error")
        slack.sockets.drop()
        async with asyncio.timeout(WITHIN):
            while "is down" not in app.problem():
                await asyncio.sleep(0.02)
        slack.refuse("apps.connections.open", None)
        async with asyncio.timeout(WITHIN):
            while app.problem():
                await asyncio.sleep(0.02)

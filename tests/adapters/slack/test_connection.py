"""The connection to Slack: Socket Mode with recovery, and problems in plain words."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from adapters.slack.app import SlackBot
from adapters.slack.web_api import Timeouts
from bot.app import Bot
from core.errors import StartupError
from tests.adapters.slack.harness import WITHIN, Room, access, is_failure, is_whole
from tests.servers.slack import BOT_SCOPES, SlackServer

QUICK = Timeouts(
    ping_interval=timedelta(seconds=0.3), check_interval=timedelta(seconds=0.1), reconnect_after=timedelta(seconds=2)
)


async def refused(bot: Bot, slack: SlackServer, **given: Any) -> str:
    with pytest.raises(StartupError) as caught:
        async with SlackBot(bot.chat_services("slack"), access(slack, **given)).open():
            raise AssertionError("it must not open")
    return caught.value.user_message


async def test_a_wrong_token_or_address_is_reported_at_startup(bot: Bot, slack: SlackServer) -> None:
    assert "does not accept SLACK_BOT_TOKEN (invalid_auth)" in await refused(bot, slack, bot_token="xoxb-wrong")
    assert "does not accept SLACK_APP_TOKEN" in await refused(bot, slack, app_token="xapp-wrong")
    assert "cannot be reached" in await refused(bot, slack, api_url="http://127.0.0.1:1/api/")


async def test_missing_scopes_are_named(bot: Bot) -> None:
    async with SlackServer(scopes=BOT_SCOPES - {"chat:write", "users:read"}) as slack:
        assert "lacks the scopes chat:write, users:read" in await refused(bot, slack)


async def test_the_check_returns_the_bots_id_and_workspace(bot: Bot, slack: SlackServer) -> None:
    told = await SlackBot(bot.chat_services("slack"), access(slack)).check()
    assert told == f"{slack.bot.id} in {slack.team.name}, by Socket Mode"


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_the_bot_reconnects_when_slack_asks_for_it(room: Room, reason: Any) -> None:
    await room.slack.sockets.disconnect(reason)
    await room.until(lambda: room.slack.sockets.opened >= 2)
    assert not is_failure(await room.answer(room.ask("What do bees eat in winter?")))


async def test_a_lost_connection_comes_back(room: Room) -> None:
    room.slack.sockets.drop()
    await room.until(lambda: room.slack.sockets.opened >= 2, within=30)
    assert not is_failure(await room.answer(room.ask("What do bees eat in winter?")))


async def test_an_unresponsive_connection_is_replaced(slack: SlackServer, bot: Bot) -> None:
    app = SlackBot(bot.chat_services("slack"), access(slack), QUICK)
    async with app.open():
        await slack.until(lambda: bool(slack.sockets.open))
        async with asyncio.timeout(20):
            while app.problem():
                await asyncio.sleep(0.05)
        slack.sockets.go_dead()
        await slack.until(lambda: slack.sockets.opened >= 2, within=30)
        async with asyncio.timeout(20):
            while app.problem():
                await asyncio.sleep(0.05)


async def test_a_process_with_two_connections_answers_each_question_once(slack: SlackServer, bot: Bot) -> None:
    app = SlackBot(bot.chat_services("slack"), access(slack, sockets=2), QUICK)
    async with app.open():
        await slack.until(lambda: len(slack.sockets.open) == 2)
        asked = [slack.say(slack.user, slack.channel, f"<@{slack.bot.id}> What do bees eat? ({n})") for n in range(6)]

        def whole() -> list[int]:
            return [len([m for m in slack.messages(each.channel, each.ts) if is_whole(m)]) for each in asked]

        await slack.until(lambda: all(whole()), WITHIN)
        assert whole() == [1] * 6
        assert not app.problem()

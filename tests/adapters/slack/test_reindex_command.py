"""/reindex: allowed for admins and owners, shown in one message, refused for others."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from adapters.slack.app import Access, SlackBot
from bot.app import Bot
from bot.config.loader import load_settings
from bot.config.settings import Settings
from tests.adapters.garden import write_posts
from tests.adapters.held_run import held
from tests.servers.openai import OpenAIServer
from tests.servers.slack import Message, SlackServer

WITHIN = 20.0


@pytest.fixture
def settings(redis_url: str, tmp_path: Path, model: OpenAIServer) -> Settings:
    """The garden blog in a folder of this test's own, to which something may be added."""
    garden = {"name": "garden", "folder": write_posts(tmp_path / "posts")}
    return load_settings(redis_url=redis_url, sources=[garden], openai_base_url=model.base_url)


@asynccontextmanager
async def connected(bot: Bot, *admins: str) -> AsyncIterator[SlackServer]:
    """A Slack that the bot is connected to."""
    async with SlackServer() as slack:
        access = Access(slack.bot_token, slack.app_token, api_url=slack.base_url, admins=frozenset(admins))
        async with SlackBot(bot.chat_services("slack"), access).open():
            await slack.until(lambda: bool(slack.sockets.open), within=WITHIN)
            yield slack


def written(message: Message) -> str:
    """Return all text of a message."""
    return message.text + json.dumps(message.blocks, ensure_ascii=False)


def notices(slack: SlackServer) -> list[Message]:
    """The bot's messages in the channel."""
    return [message for message in slack.messages(slack.channel.id) if message.user == slack.bot.id]


def says(slack: SlackServer, words: str) -> Callable[[], bool]:
    return lambda: any(words in written(message) for message in notices(slack))


def told(slack: SlackServer, user: str, words: str) -> Callable[[], bool]:
    return lambda: any(words in written(message) for message in slack.ephemerals(user))


async def test_a_run_is_one_message_that_ends_with_the_changes(bot: Bot, tmp_path: Path) -> None:
    (tmp_path / "posts" / "moles.md").write_text("# Moles in the lawn\n\nMoles leave when it smells of garlic.")
    async with connected(bot) as slack:
        slack.slash(slack.admin, slack.channel, "/reindex")
        await slack.until(says(slack, "The posts have been read."), within=WITHIN)
        [notice] = notices(slack)
        assert "Reading all sources for" in written(notice)
        assert "1 new" in written(notice)
        assert "5 unchanged" in written(notice)
        assert "1 passage embedded" in written(notice)
        assert "Cancel" not in written(notice)


async def test_a_member_without_rights_is_refused_privately(bot: Bot) -> None:
    async with connected(bot) as slack:
        slack.slash(slack.user, slack.channel, "/reindex")
        await slack.until(told(slack, slack.user.id, "Only admins can do that"), within=WITHIN)
        assert notices(slack) == []


async def test_admins_from_the_settings_may_reindex(bot: Bot) -> None:
    async with connected(bot, "U0PERSON01") as slack:
        assert slack.user.id == "U0PERSON01"
        slack.slash(slack.user, slack.channel, "/reindex")
        await slack.until(says(slack, "Nothing has changed."), within=WITHIN)


async def test_a_run_is_shown_in_a_direct_message_where_the_bot_cannot_write(bot: Bot) -> None:
    async with connected(bot) as slack:
        slack.channel.members.discard(slack.bot.id)
        slack.slash(slack.admin, slack.channel, "/reindex")
        direct = slack.direct(slack.admin)
        await slack.until(lambda: any("Nothing has changed" in written(m) for m in slack.messages(direct.id)), WITHIN)
        assert notices(slack) == []


async def test_a_second_run_joins_the_first_and_cancel_stops_it(bot: Bot) -> None:
    async with connected(bot) as slack, held(bot):
        slack.slash(slack.admin, slack.channel, "/reindex")
        await slack.until(says(slack, "Carol started reading all sources"), within=WITHIN)
        [notice] = notices(slack)
        assert "ago" in written(notice)
        slack.click(slack.user, notice, "cancel_reindex")
        await slack.until(told(slack, slack.user.id, "Only admins"), within=WITHIN)
        slack.click(slack.admin, notice, "cancel_reindex")
        await slack.until(says(slack, "Stopped."), within=WITHIN)

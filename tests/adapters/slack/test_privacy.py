"""Nothing of a private source is shown in another channel, whatever is asked or commanded there."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.app import Bot
from bot.config.loader import load_settings
from bot.config.settings import Settings
from bot.digest import Digest
from core.storage.statistics import Statistics
from core.telemetry import subscribed
from tests.adapters.garden import ASKED, write_posts
from tests.adapters.slack.harness import Room, entered
from tests.servers.openai import OpenAIServer
from tests.servers.slack import Channel, SlackServer

SECRETS = ("Redundancies", "Lisbon", "four salaries", "boardroom", "plan-b", "Lovelace", "broken.md")
SECRET_POST = "# Redundancies planned in Lisbon\n\nThe severance is four salaries. {}"


@pytest.fixture
def board(slack: SlackServer) -> Channel:
    """The channel that alone is answered from the private source."""
    return slack.add_channel("board", slack.bot, slack.user, slack.admin, channel_id="C0BOARD001")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "boardroom").mkdir()
    (tmp_path / "boardroom" / "plan-b.md").write_text(SECRET_POST.format(""), encoding="utf-8")
    return tmp_path / "boardroom"


@pytest.fixture
def settings(redis_url: str, tmp_path: Path, folder: Path, model: OpenAIServer) -> Settings:
    return load_settings(
        redis_url=redis_url,
        openai_base_url=model.base_url,
        sources=[
            {"name": "garden", "folder": write_posts(tmp_path / "posts")},
            {"name": "boardroom", "folder": folder},
        ],
        channels=[{"platform": "slack", "id": "C0BOARD001", "sources": ["boardroom"]}],
        rewrite=False,
        questions_per_minute=1_000,
        channel_questions_per_minute=1_000,
    )


@pytest.fixture
async def room(slack: SlackServer, board: Channel, model: OpenAIServer, bot: Bot) -> AsyncIterator[Room]:
    async with entered(slack, model, bot) as room:
        yield room


async def test_no_command_shows_anything_of_a_private_source_elsewhere(
    room: Room, board: Channel, folder: Path, tmp_path: Path
) -> None:
    slack, statistics = room.slack, Statistics(room.bot.redis)
    with subscribed(statistics):
        answer = await room.answer(room.ask("How high is the severance?", board))
        await room.answer(room.ask("Who won the chess championship of 1974, Lovelace?", board))
        assert "Redundancies" in json.dumps(answer.blocks)
        (folder / "plan-b.md").write_text(SECRET_POST.format("Not yet decided."), encoding="utf-8")
        (folder / "broken.md").write_bytes(b"\xff\xfe\x00\xd8")
        (tmp_path / "posts" / "new.md").write_text("# Moles\n\nMoles dig.", encoding="utf-8")
        await _walk(room)
    await statistics.aclose()
    for name in ("stats", "gaps"):
        slack.slash(slack.admin, slack.channel, "/reindex", name)
    await Digest(room.bot, [room.app], f"slack:{slack.channel.id}").send_if_due()
    await room.settled()
    shown = _shown_outside(room, board)
    assert "Moles" in shown
    assert "in sources that are not shown here" in shown
    assert "Last 7 days" in shown
    assert [secret for secret in SECRETS if secret in shown] == []


async def _walk(room: Room) -> None:
    """Ask and command everything in a public channel and in a direct message."""
    slack = room.slack
    for place in (slack.channel, slack.direct(slack.admin)):
        for text in ("", "help", ASKED, "How high is the severance?", "When are the redundancies?"):
            slack.say(slack.admin, place, text if place.kind == "im" else f"{room.me} {text}")
        for command in ("dry_run", "", "boardroom", "wrong", "status", "history", "rollback", "cancel"):
            slack.slash(slack.admin, place, "/reindex", command)
            await room.settled()
        for question in ("", "How high is the severance?"):
            slack.slash(slack.admin, place, "/ask", question)
        await room.settled()
        for message in list(slack.messages(place.id)):
            for block in message.blocks:
                for element in block.get("elements", ()):
                    if element.get("type") == "button":
                        slack.click(slack.admin, message, element["action_id"])
        await room.settled()
        slack.slash(slack.admin, place, "/forget")
    slack.open_app_home(slack.admin)
    await room.settled()


def _shown_outside(room: Room, board: Channel) -> str:
    """Return all that the bot has written anywhere but in the private channel."""
    slack = room.slack
    calls = [call.arguments for call in slack.calls if call.arguments.get("channel") != board.id]
    written = [message.blocks for message in slack.store.messages if message.user == slack.bot.id]
    elsewhere = [m for m in slack.store.messages if m.channel != board.id and m.user == slack.bot.id]
    texts = [[message.text, message.versions, message.blocks] for message in elsewhere]
    assert written
    return json.dumps([calls, texts], ensure_ascii=False)

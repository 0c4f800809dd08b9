"""Settings of a channel: its sources, its persona, and whether it requires a mention."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.app import Bot
from bot.config.loader import load_settings
from bot.config.settings import Settings
from tests.adapters.garden import write_posts
from tests.adapters.slack.harness import Room, entered
from tests.servers.openai import OpenAIServer
from tests.servers.slack import Channel, SlackServer

SECRET = "# Salaries of the gardeners\n\nThe head gardener earns four thousand a month, and the bees earn nothing."
ABOUT_SALARIES = "How much does the head gardener earn?"


@pytest.fixture
def people(slack: SlackServer) -> Channel:
    """The channel that alone is answered from the secret source, without a mention."""
    return slack.add_channel("people", slack.bot, slack.user, slack.admin, channel_id="C0PEOPLE01")


@pytest.fixture
def settings(redis_url: str, tmp_path: Path, model: OpenAIServer) -> Settings:
    (tmp_path / "people").mkdir()
    (tmp_path / "people" / "salaries.md").write_text(SECRET, encoding="utf-8")
    return load_settings(
        redis_url=redis_url,
        openai_base_url=model.base_url,
        sources=[
            {"name": "garden", "folder": write_posts(tmp_path / "posts")},
            {"name": "people", "folder": tmp_path / "people"},
        ],
        channels=[
            {
                "platform": "slack",
                "id": "C0PEOPLE01",
                "sources": ["people"],
                "system_prompt": "You are discreet.",
                "mode": "every-question",
            }
        ],
    )


@pytest.fixture
async def room(slack: SlackServer, people: Channel, model: OpenAIServer, bot: Bot) -> AsyncIterator[Room]:
    async with entered(slack, model, bot) as room:
        yield room


async def test_a_channel_can_have_its_own_sources_and_persona_and_need_no_mention(room: Room, people: Channel) -> None:
    asked = room.ask(ABOUT_SALARIES, channel=people, mention=False)
    answer = await room.answer(asked)
    assert "Salaries of the gardeners" in json.dumps(answer.blocks)
    chat = room.model.chats[-1]
    assert chat.messages[0]["content"].startswith("You are discreet.")
    assert "honey" not in chat.messages[-1]["content"]


async def test_a_source_of_one_channel_is_not_shown_elsewhere(room: Room) -> None:
    direct = room.slack.direct(room.slack.user)
    for place in (room.slack.channel, direct):
        asked = room.ask(ABOUT_SALARIES, channel=place)
        answer = await room.answer(asked)
        shown = answer.text + json.dumps(answer.blocks)
        assert "four thousand" not in shown
        assert "Salaries" not in shown
        room.slack.click(room.slack.user, answer, "why")
    await room.settled()
    told = json.dumps([message.blocks for message in room.slack.ephemerals(room.slack.user.id)])
    assert "Show details" in told
    assert "Salaries" not in told
    assert all("four thousand" not in request for request in room.asked_of_model())
    room.slack.open_app_home(room.slack.user)
    await room.until(lambda: room.slack.called("assistant.threads.setSuggestedPrompts"))
    assert "Salaries" not in json.dumps(room.slack.called("assistant.threads.setSuggestedPrompts")[0].arguments)


async def test_other_channels_require_a_mention(room: Room) -> None:
    asked = room.ask("What do bees eat in winter?", mention=False)
    await room.settled()
    assert room.own(asked) == []


async def test_a_bot_mentioned_in_a_long_thread_reads_all_of_it_first(room: Room) -> None:
    root = room.ask("The bees on the roof behave oddly.", mention=False)
    for number in range(250):
        room.ask(f"line {number}", thread=root, mention=False, user=room.slack.admin)
    room.ask("They shiver in a cluster around the queen.", thread=root, mention=False)
    room.ask("what does this mean?", thread=root)
    await room.answer(root)
    contents = [message["content"] for message in room.model.chats[-1].messages]
    assert any("They shiver in a cluster" in content for content in contents[1:])
    assert any("line 249" in content for content in contents[1:])
    assert len(room.slack.called("conversations.replies")) == 2

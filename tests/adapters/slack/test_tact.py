"""Lines that do not mention the bot: silence, unless the posts answer them."""

from collections.abc import AsyncIterator

import pytest

from bot.app import Bot
from bot.config.settings import Settings
from core.storage.statistics import Statistics
from tests.adapters.garden import ASKED, FOLLOW_UP, OFF_TOPIC
from tests.adapters.slack.harness import Room, entered, read
from tests.servers.loopback import Status
from tests.servers.openai import OpenAIServer, Text
from tests.servers.slack import Channel, SlackServer, callback
from tests.servers.slack.events import mention_event

CHATTER = (
    "Good morning everyone!",
    "ok cool, I'll try that tomorrow",
    "I water my tomatoes early in the morning, at the root.",
    "Bob, when should I water tomatoes?",
    OFF_TOPIC,
)


@pytest.fixture
def help_channel(slack: SlackServer) -> Channel:
    """A channel where every question is answered."""
    return slack.add_channel("help", slack.bot, slack.user, slack.admin, channel_id="C0HELP0001")


@pytest.fixture
def noting_channel(slack: SlackServer) -> Channel:
    """A channel where questions that stay unanswered are noted."""
    return slack.add_channel("noted", slack.bot, slack.user, channel_id="C0NOTED001")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    every = {"platform": "slack", "mode": "every-question"}
    channels = [every | {"id": "C0HELP0001"}, every | {"id": "C0NOTED001", "unanswered": "note"}]
    return Settings.model_validate(settings.model_dump() | {"channels": channels, "emoji": {"thanks": "🙏"}})


@pytest.fixture
async def room(
    slack: SlackServer, help_channel: Channel, noting_channel: Channel, model: OpenAIServer, bot: Bot
) -> AsyncIterator[Room]:
    async with entered(slack, model, bot) as room:
        yield room


async def test_chatter_in_a_channel_of_every_question_stays_unanswered_and_costs_nothing(
    room: Room, help_channel: Channel
) -> None:
    before = len(room.slack.calls)
    asked = [room.ask(text, help_channel, mention=False) for text in CHATTER]
    await room.settled()
    assert [message for each in asked for message in room.own(each)] == []
    assert not room.model.chats
    methods = {call.method for call in room.slack.calls[before:]}
    assert methods <= {"users.info"}
    assert (await Statistics(room.bot.redis).gaps(1, 10)) == []
    answer = await room.answer(room.ask(ASKED, help_channel, mention=False))
    assert "[[1]]" in read(answer)


async def test_a_question_that_the_channel_wants_noted_gets_a_reaction(room: Room, noting_channel: Channel) -> None:
    asked = room.ask(OFF_TOPIC, noting_channel, mention=False)
    await room.until(lambda: asked.reactions.get("eyes") == [room.slack.bot.id])
    await room.settled()
    assert room.own(asked) == []


async def test_an_answer_of_the_model_without_a_footnote_is_not_shown(room: Room) -> None:
    asked = room.ask(ASKED)
    await room.answer(asked)
    room.model.enqueue(Text("That is a fine plan, good luck!"))
    follow_up = room.ask(FOLLOW_UP, thread=asked, mention=False)
    await room.until(lambda: len(room.model.chats) == 2)
    await room.settled()
    assert len(room.own(asked)) == 1
    assert room.slack.status(asked.channel, asked.ts) == ""
    assert not follow_up.reactions


async def test_a_follow_up_without_a_mention_is_told_about_a_failure(room: Room) -> None:
    asked = room.ask(ASKED)
    await room.answer(asked)
    room.model.enqueue(Status(401))
    room.ask(FOLLOW_UP, thread=asked, mention=False)
    assert "denied this bot access" in str((await room.answer(asked, 1)).blocks)


async def test_small_talk_gets_a_reaction_at_most(room: Room) -> None:
    asked = room.ask(ASKED)
    await room.answer(asked)
    for text in ("thanks!", "lol", ":+1:"):
        room.ask(text, thread=asked, mention=False)
    await room.settled()
    thanks = room.ask("vielen Dank!", thread=asked)
    hello = room.ask("hello!", room.slack.direct(room.slack.user))
    await room.until(lambda: "pray" in thanks.reactions and "wave" in hello.reactions)
    await room.settled()
    assert len(room.own(asked)) == 1
    assert room.own(hello) == []
    assert len(room.model.chats) == 1


async def test_small_talk_is_answered_in_words_where_reactions_are_refused(room: Room) -> None:
    room.slack.refuse("reactions.add", "missing_scope")
    asked = room.ask("vielen Dank!")
    [reply] = await room.until(lambda: room.own(asked))
    assert read(reply) == "Gern geschehen!"


async def test_a_message_under_the_ids_of_two_teams_is_answered_once_and_followed_up(room: Room) -> None:
    slack = room.slack
    asked = room.ask(ASKED)
    installation = slack.installed(slack.channel.team)
    assert installation
    again = callback(mention_event(slack.store, asked, slack.channel), installation) | {"team_id": "T0PARTNER"}
    slack.deliver("events_api", again)
    await room.answer(asked)
    await room.settled()
    room.ask(FOLLOW_UP, thread=asked, mention=False)
    await room.answer(asked, 1)
    assert len(room.model.chats) == 2

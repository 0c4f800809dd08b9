"""Failures: the user sees one sentence with an id, and a retry button that works."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from adapters.slack.app import SlackBot
from bot.app import Bot
from core.errors import IndexUnavailableError
from core.index.catalog import Catalog
from core.storage.connection import connect
from core.storage.history import History
from core.storage.question_store import QuestionStore
from tests.adapters.garden import ASKED
from tests.adapters.slack.harness import Room, access, below, is_failure, is_whole, read
from tests.servers.loopback import Slow, Status
from tests.servers.openai import Broken, ContentFilter, Empty, OpenAIServer, Text
from tests.servers.slack import Dropped, Error, Message, SlackServer

SENTENCE = IndexUnavailableError.user_message

Opened = Callable[..., AbstractAsyncContextManager[Room]]


@pytest.fixture
async def nowhere() -> AsyncIterator[Redis]:
    """A Redis that cannot be reached."""
    client = connect("redis://127.0.0.1:1")
    yield client
    await client.aclose()


@pytest.fixture
def forgetful(slack: SlackServer, model: OpenAIServer, bot: Bot) -> Opened:
    """The bot with some of its stores replaced."""

    @asynccontextmanager
    async def opened(**parts: Any) -> AsyncIterator[Room]:
        app = SlackBot(replace(bot, **parts).chat_services("slack"), access(slack))
        async with app.open():
            await slack.until(lambda: slack.sockets.open)
            yield Room(slack, model, bot, app)

    return opened


async def alone(room: Room, words: str) -> Message:
    """Wait for the message with these words that only the user sees."""
    user = room.slack.user.id
    found: list[Message] = await room.until(
        lambda: [m for m in room.slack.ephemerals(user) if words in read(m) + below(m)]
    )
    return found[-1]


async def test_help_without_redis_is_an_error_message(forgetful: Opened, nowhere: Redis) -> None:
    async with forgetful(catalog=Catalog(nowhere)) as room:
        failed = await room.answer(room.ask(""))
        assert SENTENCE in below(failed)
        assert is_failure(failed)
        room.slack.slash(room.slack.user, room.slack.channel, "/ask", "")
        await alone(room, SENTENCE)


async def test_forget_without_redis_does_not_claim_success(forgetful: Opened, nowhere: Redis, bot: Bot) -> None:
    async with forgetful(history=History(nowhere, 10, bot.settings.history_ttl)) as room:
        room.slack.slash(room.slack.user, room.slack.channel, "/forget")
        assert "forgotten" not in below(await alone(room, SENTENCE))
        assert SENTENCE in below(await room.answer(room.ask("forget")))


async def test_a_button_without_redis_shows_an_error_message(forgetful: Opened, nowhere: Redis, bot: Bot) -> None:
    async with forgetful(question_store=QuestionStore(nowhere, bot.settings.history_ttl)) as room:
        answer = await room.answer(room.ask(ASKED))
        for action in ("why", "feedback"):
            room.slack.click(room.slack.user, answer, action)
        told: list[Message] = await room.until(lambda: room.slack.ephemerals(room.slack.user.id)[1:])
        assert all(SENTENCE in below(message) for message in room.slack.ephemerals(room.slack.user.id))
        assert len(told) == 1


FAILURES = {
    "refused": [Status(401)],
    "unreachable": [Status(500)] * 3,
    "used up": [Status(429, code="insufficient_quota")],
    "broken": [Broken("Water them ")],
    "filtered": [ContentFilter("Water them ")],
    "empty": [Empty()],
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
async def test_a_retry_gets_the_answer_after_any_model_failure(room: Room, failure: list[Any]) -> None:
    room.model.enqueue(*failure)
    asked = room.ask(ASKED)
    failed = await room.answer(asked)
    assert is_failure(failed)
    room.slack.click(room.slack.user, failed, "again")
    await room.until(lambda: is_whole(failed) and not is_failure(failed))
    await room.settled()
    assert room.own(asked) == [failed]
    assert room.questions()[-1] == ASKED
    assert read(failed).count("According to the posts") == 1


async def test_pressing_retry_twice_retries_once(room: Room) -> None:
    room.model.enqueue(Status(401), Text("Water them early [1]. " * 10, tokens_per_second=60))
    failed = await room.answer(room.ask(ASKED))
    for _ in range(2):
        room.slack.click(room.slack.user, failed, "again")
    await room.until(lambda: is_whole(failed) and not is_failure(failed))
    await room.settled()
    assert len(room.model.chats) == 2


async def test_a_retry_in_a_thread_includes_the_threads_earlier_messages(room: Room) -> None:
    root = room.ask("The leaves of my tomatoes are burnt at noon.", mention=False)
    room.model.enqueue(Status(401))
    room.ask("what does this mean for watering tomatoes?", thread=root)
    failed = await room.answer(root)
    room.slack.click(room.slack.user, failed, "again")
    await room.until(lambda: is_whole(failed) and not is_failure(failed))
    said = [message["content"] for message in room.model.chats[-1].messages]
    assert any("burnt at noon" in content for content in said[1:])


async def test_retrying_a_forgotten_question_reads_it_from_slack(room: Room) -> None:
    room.model.enqueue(Status(401))
    failed = await room.answer(room.ask(ASKED))
    await room.settled()
    await room.bot.redis.delete(*await room.bot.redis.keys("question:*"))
    room.slack.click(room.slack.user, failed, "again")
    await room.until(lambda: is_whole(failed) and not is_failure(failed))
    assert room.questions()[-1] == ASKED


async def test_retrying_a_forgotten_question_that_cannot_be_read_says_so(room: Room) -> None:
    room.model.enqueue(Status(401))
    failed = await room.answer(room.ask(ASKED))
    await room.settled()
    await room.bot.redis.delete(*await room.bot.redis.keys("question:*"))
    room.slack.refuse("conversations.replies", "missing_scope")
    room.slack.click(room.slack.user, failed, "again")
    await alone(room, "I no longer remember this question")
    assert len(room.model.chats) == 1


async def test_a_rate_limited_question_can_be_retried_later(room: Room) -> None:
    for _ in range(10):
        await room.answer(room.ask(ASKED))
    asked = room.ask(ASKED)
    told = await alone(room, "Please try again in")
    await room.settled()
    assert room.own(asked) == []
    assert room.slack.status(asked.channel, asked.ts) == ""
    assert room.slack.ephemerals(room.slack.admin.id) == []
    await room.answer(room.ask("What do bees eat in winter?", user=room.slack.admin))  # the limit is a person's own
    await room.bot.redis.delete(*await room.bot.redis.keys("quota:*"))
    room.slack.click(room.slack.user, told, "again")
    await room.answer(asked)
    await room.until(lambda: told.deleted)


async def test_text_written_before_a_failure_stays_above_the_error_message(room: Room) -> None:
    room.model.enqueue(Broken("Water tomatoes early in the morning, at the root [1]. "))
    failed = await room.answer(room.ask(ASKED))
    assert read(failed).startswith("Water tomatoes early in the morning")
    assert "The answer was cut off" in below(failed)


@pytest.mark.parametrize("trouble", [Status(500), Dropped(after=False), Dropped(after=True), Slow(0.3)])
async def test_an_answer_is_shared_exactly_once_or_the_user_gets_an_error_message(room: Room, trouble: Any) -> None:
    room.slack.slash(room.slack.user, room.slack.channel, "/ask", ASKED)
    answer = await alone(room, "According to the posts")
    await room.until(lambda: is_whole(answer))
    room.slack.enqueue("chat.postMessage", trouble)
    room.slack.click(room.slack.user, answer, "share")

    def shared() -> list[Message]:
        said = room.slack.messages(room.slack.channel.id)
        return [m for m in said if m.user == room.slack.bot.id and "asked:" in read(m)]

    await room.until(lambda: shared() or len(room.slack.ephemerals(room.slack.user.id)) > 1)
    await room.settled()
    if not shared():
        await alone(room, "Something went wrong on my side.")
        room.slack.click(room.slack.user, answer, "share")
        await room.until(shared)
        await room.settled()
    assert len(shared()) == 1


async def test_sharing_where_the_bot_cannot_write_explains_how_to_invite_it(room: Room) -> None:
    place = room.slack.add_channel("elsewhere", room.slack.user)
    room.slack.slash(room.slack.user, place, "/ask", ASKED)
    answer = await alone(room, "According to the posts")
    await room.until(lambda: is_whole(answer))
    room.slack.click(room.slack.user, answer, "share")
    await alone(room, "Invite me with `/invite`")
    assert [m for m in room.slack.messages(place.id) if m.user == room.slack.bot.id] == []


async def test_a_form_that_opens_too_late_is_an_error_message(room: Room) -> None:
    answer = await room.answer(room.ask(ASKED))
    room.slack.click(room.slack.user, answer, "feedback", "negative")
    offer = await alone(room, "what was wrong")
    room.slack.enqueue("views.open", Error("expired_trigger_id"))
    room.slack.click(room.slack.user, offer, "reason")
    await alone(room, "That took too long. Please press the button again.")
    assert [call.error for call in room.slack.called("views.open")] == ["expired_trigger_id"]

"""Each conversation is a list that is limited in length and time."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from core.domain import Conversation, Turn
from core.storage import history as history_module
from core.storage import keys
from core.storage.connection import connect
from core.storage.history import History

HERE = Conversation("slack", "C1", "T1")
MONTH = timedelta(days=30)


def exchange(number: int) -> tuple[Turn, Turn]:
    return Turn("user", f"question {number}"), Turn("assistant", f"answer {number} ⚡")


@pytest.fixture
def history(redis: Redis) -> History:
    return History(redis, exchanges=3, ttl=MONTH)


async def test_turns_keep_their_order(history: History) -> None:
    await history.append(HERE, *exchange(1))
    await history.append(HERE, *exchange(2))
    assert await history.turns(HERE) == (*exchange(1), *exchange(2))


async def test_oldest_turns_are_dropped_at_the_limit(redis: Redis, history: History) -> None:
    for number in range(10):
        await history.append(HERE, *exchange(number))
    assert await history.turns(HERE) == (*exchange(7), *exchange(8), *exchange(9))
    assert await redis.llen(keys.conversation(HERE)) == 6


async def test_a_conversation_is_a_list_of_json_messages(redis: Redis, history: History) -> None:
    await history.append(HERE, *exchange(1))
    key = keys.conversation(HERE)
    assert await redis.type(key) == b"list"
    messages = [json.loads(element) for element in await redis.lrange(key, 0, -1)]
    assert messages == [
        {"role": "user", "content": "question 1"},
        {"role": "assistant", "content": "answer 1 ⚡"},
    ]


async def test_every_write_renews_the_ttl(redis: Redis, history: History) -> None:
    await history.append(HERE, *exchange(1))
    key = keys.conversation(HERE)
    assert timedelta(seconds=await redis.ttl(key)) > MONTH - timedelta(minutes=1)
    await redis.expire(key, 10)
    await history.append(HERE, *exchange(2))
    assert timedelta(seconds=await redis.ttl(key)) > MONTH - timedelta(minutes=1)


async def test_conversation_expires(redis: Redis, history: History) -> None:
    await history.append(HERE, *exchange(1))
    await redis.pexpire(keys.conversation(HERE), 0)
    assert await history.turns(HERE) == ()


async def test_another_process_reads_the_same_turns(redis_url: str, history: History) -> None:
    await history.append(HERE, *exchange(1))
    async with connect(redis_url) as other:
        assert await History(other, exchanges=3, ttl=MONTH).turns(HERE) == exchange(1)


@pytest.mark.parametrize(
    "there",
    [
        Conversation("slack", "C2", "T1"),
        Conversation("slack", "C1", "T2"),
        Conversation("slack", "C1", "T1", thread="1.0"),
        Conversation("discord", "C1", "T1"),
        Conversation("slack", "T1:C1"),
    ],
)
async def test_conversations_are_separate(history: History, there: Conversation) -> None:
    await history.append(HERE, *exchange(1))
    assert await history.turns(there) == ()
    await history.append(there, *exchange(2))
    await history.forget(there)
    assert await history.turns(HERE) == exchange(1)


async def test_forgotten_conversation_is_deleted(redis: Redis, history: History) -> None:
    await history.append(HERE, *exchange(1))
    await history.forget(HERE)
    assert await history.turns(HERE) == ()
    assert not await redis.exists(keys.conversation(HERE))


async def test_history_of_length_zero_writes_nothing(redis: Redis) -> None:
    history = History(redis, exchanges=0, ttl=MONTH)
    await history.append(HERE, *exchange(1))
    assert await history.turns(HERE) == ()
    assert await redis.dbsize() == 0


async def test_smaller_limit_applies_to_existing_turns(redis: Redis, history: History) -> None:
    for number in range(3):
        await history.append(HERE, *exchange(number))
    assert await History(redis, exchanges=1, ttl=MONTH).turns(HERE) == exchange(2)


async def test_forgetting_a_thread_keeps_the_channel_and_other_threads(history: History) -> None:
    places = [HERE, replace(HERE, thread="1.0"), replace(HERE, thread="2.0")]
    for place in places:
        await history.append(place, *exchange(1))
    await history.forget(places[1])
    assert [await history.turns(place) for place in places] == [exchange(1), (), exchange(1)]


async def test_forgetting_a_channel_deletes_its_threads_and_no_others(
    redis: Redis, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "SCAN_COUNT", 10)
    threads = [replace(HERE, thread=f"{number}.0") for number in range(40)]
    others = [
        Conversation("slack", "C12", "T1", "1.0"),
        Conversation("slack", "C1", "T2", "1.0"),
        Conversation("discord", "C1", "T1", "1.0"),
        Conversation("slack", "C1:1.0", "T1"),
        Conversation("slack", "", "T1:C1", "1.0"),
    ]
    for place in (HERE, *threads, *others):
        await history.append(place, *exchange(1))
    await history.forget(HERE)
    assert len(await redis.keys("conversation:*")) == len(others)
    assert {await history.turns(place) for place in others} == {exchange(1)}


async def test_pattern_characters_in_a_channel_name_match_no_other_channel(history: History) -> None:
    there = Conversation("slack", "C1", "T1", "a")
    await history.append(there, *exchange(1))
    for odd in (Conversation("slack", "*", "T1"), Conversation("slack", "C?", "T[1]"), Conversation("*", "*", "*")):
        await history.forget(odd)
    assert await history.turns(there) == exchange(1)


async def test_edited_question_is_removed_with_its_answer(redis: Redis, history: History) -> None:
    for number in (1, 2, 1):
        await history.append(HERE, *exchange(number))
    await history.remove_exchange(HERE, "question 1")
    assert await history.turns(HERE) == (*exchange(1), *exchange(2))
    await history.remove_exchange(HERE, "answer 2 ⚡")
    await history.remove_exchange(HERE, "question 7")
    assert await history.turns(HERE) == (*exchange(1), *exchange(2))
    assert await redis.ttl(keys.conversation(HERE)) > 0
    for question in ("question 1", "question 2"):
        await history.remove_exchange(HERE, question)
    assert not await redis.exists(keys.conversation(HERE))

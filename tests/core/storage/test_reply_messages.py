"""The messages that answer a question are known to other processes and after a restart."""

from datetime import timedelta

from redis.asyncio import Redis

from core.storage import keys
from core.storage.connection import connect
from core.storage.reply_messages import TTL, ReplyMessages


async def test_messages_keep_their_order(redis: Redis, redis_url: str) -> None:
    await ReplyMessages(redis, "slack").note("T1:C1:1.0", ["1.1", "1.2"])
    async with connect(redis_url) as other:
        assert await ReplyMessages(other, "slack").messages_of("T1:C1:1.0") == ("1.1", "1.2")


async def test_last_recording_counts(redis: Redis) -> None:
    replies = ReplyMessages(redis, "slack")
    await replies.note("a", ["1"])
    await replies.note("a", ["1", "2", "ö 🐝"])
    assert await replies.messages_of("a") == ("1", "2", "ö 🐝")
    await replies.note("a", [])
    assert await replies.messages_of("a") == ()


async def test_unrecorded_question_has_no_messages(redis: Redis) -> None:
    await ReplyMessages(redis, "slack").note("a", ["1"])
    assert await ReplyMessages(redis, "slack").messages_of("b") == ()
    assert await ReplyMessages(redis, "discord").messages_of("a") == ()


async def test_recordings_expire_after_an_hour(redis: Redis) -> None:
    await ReplyMessages(redis, "slack").note("a", ["1"])
    left = timedelta(seconds=await redis.ttl(keys.reply_messages("slack", "a")))
    assert timedelta(minutes=59) < left <= TTL == timedelta(hours=1)


async def test_unrecorded_message_is_unclaimed(redis: Redis) -> None:
    replies = ReplyMessages(redis, "slack")
    await replies.note("a", ["1", "2"])
    assert await replies.unclaimed(["1", "2", "3"]) == ["3"]
    assert await replies.unclaimed([]) == []
    assert await ReplyMessages(redis, "discord").unclaimed(["1"]) == ["1"]

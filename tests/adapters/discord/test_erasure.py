"""Erasing a Discord user removes their name and words from Redis."""

from core.storage.event_claims import TTL
from tests.adapters.discord.harness import Harness
from tests.adapters.discord.test_buttons import press, response_to
from tests.adapters.garden import ASKED
from tests.adapters.slack.test_erasure import POSTS
from tests.redis_dump import redis_dump


async def test_erasing_a_user_removes_their_name_questions_and_reasons_from_redis(harness: Harness) -> None:
    alice = harness.discord.find_user("alice")
    answer = await harness.answer(harness.command(ASKED))
    await harness.answer(harness.ask("What do bees eat in winter?", user="bob"))
    await harness.answer(harness.ask("How long does my compost take?", alice))
    opened = press(harness, await response_to(harness, press(harness, answer, "down")), "reason")
    await harness.until(lambda: opened.modal)
    await response_to(harness, harness.discord.submit(opened, {"reason": "It forgets the sugar."}))
    await harness.settled()
    before = await redis_dump(harness.bot.redis, *POSTS)
    assert all(each in before for each in (str(alice.id), "Alice", "water tomatoes", "sugar", "my compost"))
    forgotten = await harness.bot.eraser.forget("discord", str(alice.id))
    assert (forgotten.questions, forgotten.turns, forgotten.votes) == (2, 4, 1)
    after = await redis_dump(harness.bot.redis, *POSTS)
    assert not any(each in after for each in ("Alice", "water tomatoes", "sugar", "my compost"))
    assert "What do bees eat in winter?" in after
    # Event claims, named by the platform's ids, expire within an hour.
    for key in (line.partition(" ")[0] for line in after.splitlines() if str(alice.id) in line):
        assert key.startswith("event:")
        assert await harness.bot.redis.ttl(key) <= TTL.total_seconds()

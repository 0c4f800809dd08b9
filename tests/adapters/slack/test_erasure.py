"""Erasing a Slack user removes their name and words from Redis."""

from core.storage.event_claims import TTL
from tests.adapters.slack.harness import Room
from tests.adapters.slack.test_buttons import private, thumb
from tests.redis_dump import redis_dump

POSTS = ("post:", "posts", "edition", "ledger:", "digests:", "listings:", "questions:")
"""Prefixes of keys of indexed posts, which hold no user data."""


async def test_erasing_a_user_removes_their_questions_and_reasons_from_redis(room: Room) -> None:
    user, other = room.slack.user, room.slack.admin
    question = room.ask("What do my bees eat in winter?")
    await room.answer(room.ask("When are tomatoes watered?", thread=question, user=other))
    answer = await room.answer(question)
    room.slack.click(user, answer, "feedback", thumb(answer, "negative_button"))
    offer = await private(room, user, "what was wrong")
    room.slack.click(user, offer, "reason")
    [modal] = await room.until(lambda: room.slack.views.of(user.id))
    room.slack.submit(modal, {"reason": "It forgets the sugar."})
    room.slack.slash(user, room.slack.channel, "/ask", "Do bees sleep?")
    await room.settled()
    before = await redis_dump(room.bot.redis, *POSTS)
    assert all(each in before for each in (user.id, "my bees", "sugar", "bees sleep", "tomatoes"))
    forgotten = await room.bot.eraser.forget("slack", user.id)
    assert (forgotten.questions, forgotten.turns, forgotten.votes) == (2, 4, 1)
    after = await redis_dump(room.bot.redis, *POSTS)
    assert not any(each in after for each in ("my bees", "sugar", "bees sleep"))
    assert "tomatoes" in after
    # That something was handled is known for an hour, by names that the platform gives it.
    for key in (line.partition(" ")[0] for line in after.splitlines() if user.id in line):
        assert key.startswith("event:")
        assert await room.bot.redis.ttl(key) <= TTL.total_seconds()

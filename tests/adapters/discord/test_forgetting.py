"""After somebody in Discord is forgotten, Redis holds neither their name nor their words."""

from core.storage.event_claims import TTL
from tests.adapters.discord.acting import Room
from tests.adapters.discord.test_buttons import press, told
from tests.adapters.garden import ASKED
from tests.adapters.slack.test_forgetting import POSTS
from tests.redis_dump import redis_dump


async def test_of_somebody_who_asked_voted_and_gave_a_reason_nothing_is_left(room: Room) -> None:
    alice = room.discord.who("alice")
    answer = await room.answer(room.command(ASKED))
    await room.answer(room.ask("What do bees eat in winter?", user="bob"))
    await room.answer(room.ask("How long does my compost take?", alice))
    opened = press(room, await told(room, press(room, answer, "down")), "reason")
    await room.until(lambda: opened.modal)
    await told(room, room.discord.submit(opened, {"reason": "It forgets the sugar."}))
    await room.settled()
    before = await redis_dump(room.bot.redis, *POSTS)
    assert all(each in before for each in (str(alice.id), "Alice", "water tomatoes", "sugar", "my compost"))
    forgotten = await room.bot.eraser.forget("discord", str(alice.id))
    assert (forgotten.questions, forgotten.turns, forgotten.votes) == (2, 4, 1)
    after = await redis_dump(room.bot.redis, *POSTS)
    assert not any(each in after for each in ("Alice", "water tomatoes", "sugar", "my compost"))
    assert "What do bees eat in winter?" in after
    # That something was handled is known for an hour, by names that the platform gives it.
    for key in (line.partition(" ")[0] for line in after.splitlines() if str(alice.id) in line):
        assert key.startswith("event:")
        assert await room.bot.redis.ttl(key) <= TTL.total_seconds()

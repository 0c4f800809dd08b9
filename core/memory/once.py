"""Each event is handled once, by one of any number of processes, and none is lost with the process that had it.

Platforms deliver an event more than once, and to any process. The first to take it keeps it in Redis while it is being
handled. A process that is gone is known by its sign of life, which nobody renews; what it had is taken over, at once
when the platform delivers again, and after some seconds when it does not.
"""

import json
import secrets
from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.memory import keys
from core.memory.connection import as_text
from core.repeating import repeating
from core.vocabulary import Event, Taken

log = structlog.get_logger()

KEPT = timedelta(hours=1)
"""How long an event is known; the last redelivery of Slack comes after some five minutes."""

ALIVE = timedelta(seconds=15)
"""A process that has given no sign for this long is gone."""

MOST_REMEMBERED = 10_000
"""Events that a process knows by itself, for the time in which Redis cannot be reached."""

_HANDLED = "handled"

# KEYS: the sign of life, what is unanswered, the event under each of its names.
# ARGV: this process, its event, what signs of life begin with, seconds an event is kept.
_TAKE = """
local taken = 1
for i = 3, #KEYS do
  local holder = redis.call('GET', KEYS[i])
  if holder then
    if holder == 'handled' or holder == ARGV[1] or redis.call('EXISTS', ARGV[3] .. holder) == 1 then return 0 end
    taken = 2
  end
end
for i = 3, #KEYS do redis.call('SET', KEYS[i], ARGV[1], 'EX', ARGV[4]) end
redis.call('HSET', KEYS[2], ARGV[5], ARGV[2])
redis.call('SET', KEYS[1], '1', 'PX', ARGV[6])
return taken
"""


class Once:
    """The events of one platform, shared by all its processes. This process is one of them as long as `living` runs."""

    def __init__(self, redis: Redis, platform: str) -> None:
        self._redis = redis
        self._platform = platform
        self._me = secrets.token_hex(8)
        self._take = redis.register_script(_TAKE)
        self._remembered: OrderedDict[str, None] = OrderedDict()

    async def take(self, event: Event) -> Taken | None:
        """Whether this process is to handle an event now; None when it was, or is being, handled.

        While Redis cannot be reached, what this process itself remembers decides: whoever asked is told that something
        is wrong, and told it once.
        """
        known = any(name in self._remembered for name in event.names)
        self._remember(event.names)
        document = json.dumps(
            {"names": event.names, "body": event.body, "at": datetime.now(UTC).isoformat()}, ensure_ascii=False
        )
        try:
            taken = await self._take(
                keys=[
                    keys.process(self._platform, self._me),
                    keys.unanswered(self._platform),
                    *(keys.event(self._platform, name) for name in event.names),
                ],
                args=[
                    self._me,
                    document,
                    keys.process(self._platform, ""),
                    int(KEPT.total_seconds()),
                    event.names[0],
                    int(ALIVE.total_seconds() * 1000),
                ],
            )
        except RedisError as error:
            log.warning("whether an event was handled cannot be known", cause=str(error))
            return None if known else Taken.NEW
        return Taken(int(taken)) if taken else None

    async def done(self, event: Event) -> None:
        """An event has been handled, however that ended."""
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                for name in event.names:
                    pipe.set(keys.event(self._platform, name), _HANDLED, ex=KEPT)
                pipe.hdel(keys.unanswered(self._platform), event.names[0])
                await pipe.execute()
        except RedisError as error:
            log.warning("that an event was handled could not be noted", cause=str(error))

    async def left_behind(self) -> list[Event]:
        """What processes that are gone were handling; this process has it now. What is older than an hour is dropped:
        nobody waits for it any more."""
        mine = []
        for document in (await self._redis.hgetall(keys.unanswered(self._platform))).values():
            kept = json.loads(document)
            event = Event(tuple(kept["names"]), kept["body"])
            if datetime.now(UTC) - datetime.fromisoformat(kept["at"]) > KEPT:
                log.error("a question was lost", event=event.names[0], at=kept["at"])
                await self.done(event)
            elif await self._abandoned(event.names) and await self.take(event):
                mine.append(event)
        return mine

    async def _abandoned(self, names: Sequence[str]) -> bool:
        holder = await self._redis.get(keys.event(self._platform, names[0]))
        return holder is None or not await self._redis.exists(keys.process(self._platform, as_text(holder)))

    @asynccontextmanager
    async def living(self) -> AsyncGenerator[None, None]:
        """Gives the signs of life of this process; at the end the others may take over at once what it leaves."""
        await self._show_life()
        try:
            async with repeating(self._show_life, every=ALIVE / 3):
                yield
        finally:
            try:
                await self._redis.delete(keys.process(self._platform, self._me))
            except RedisError as error:
                log.warning("others will take over after some seconds", cause=str(error))

    async def _show_life(self) -> None:
        try:
            await self._redis.set(keys.process(self._platform, self._me), "1", px=ALIVE)
        except RedisError as error:
            log.warning("no sign of life could be given", cause=str(error))

    def _remember(self, names: Sequence[str]) -> None:
        for name in names:
            self._remembered[name] = None
        while len(self._remembered) > MOST_REMEMBERED:
            self._remembered.popitem(last=False)

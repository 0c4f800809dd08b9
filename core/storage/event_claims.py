"""Each event is handled once, by one of any number of processes, and none is lost with the process that had it.

Platforms deliver an event more than once, and to any process. The first to take it keeps it in Redis while it is being
handled. A process that is gone is known by its sign of life, which nobody renews; what it had is taken over, at once
when the platform delivers again, and after some seconds when it does not.
"""

import json
import secrets
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from time import monotonic

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.domain import Claim, Event
from core.periodic import running_periodically
from core.storage import keys
from core.storage.connection import as_text

log = structlog.get_logger()

KEPT = timedelta(hours=1)
"""How long an event is known; the last redelivery of Slack comes after some five minutes."""

ALIVE = timedelta(seconds=15)
"""A process that has given no sign for this long is gone."""

MOST_REMEMBERED = 10_000
"""Names of events that a process knows by itself, for the time in which Redis cannot be reached."""

_HANDLED = "handled"

# KEYS: the sign of life, what is unanswered, the event under each of its names.
# ARGV: this process, its event, what signs of life begin with, seconds an event is kept, the event's first name,
# milliseconds of a sign of life, whether others can be told to be gone.
# What this process holds without knowing it, it holds because Redis' reply to the same call was lost.
# The first to take an event writes it down, with the time by the clock that all share, which is Redis': however often
# it is taken over, it keeps its age.
# The reply: how it was taken, 0 when it was not, and whether this process' own sign of life was there.
_CLAIM = """
local taken = 1
local alive = redis.call('EXISTS', KEYS[1])
for i = 3, #KEYS do
  local holder = redis.call('GET', KEYS[i])
  if holder then
    local mine = holder == ARGV[1]
    local gone = alive == 1 and ARGV[7] == '1' and redis.call('EXISTS', ARGV[3] .. holder) == 0
    if holder == 'handled' or not (mine or gone) then return {0, alive} end
    taken = 2
  end
end
for i = 3, #KEYS do redis.call('SET', KEYS[i], ARGV[1], 'EX', ARGV[4]) end
redis.call('HSETNX', KEYS[2], ARGV[5], redis.call('TIME')[1] .. ' ' .. ARGV[2])
redis.call('SET', KEYS[1], '1', 'PX', ARGV[6])
return {taken, alive}
"""

# KEYS: what is unanswered; of the nodes of a cluster, the one that wrote the time down is asked.
_NOW = "return tonumber(redis.call('TIME')[1])"


class EventClaims:
    """The events of one platform, shared by all its processes. This process is one of them as long as `living` runs."""

    def __init__(self, redis: Redis, platform: str) -> None:
        self._redis = redis
        self._platform = platform
        self._me = secrets.token_hex(8)
        self._script = redis.register_script(_CLAIM)
        self._now = redis.register_script(_NOW)
        # By name, whether it is this process that handles or handled the event.
        self._known: OrderedDict[str, bool] = OrderedDict()
        self._unnoted: dict[str, tuple[str, ...]] = {}
        self._unsure_until = 0.0

    async def claim(self, event: Event) -> Claim | None:
        """Whether this process is to handle an event now; None when it was, or is being, handled.

        While Redis cannot be reached, what this process itself remembers decides: whoever asked is told that something
        is wrong, and told it once.
        """
        if any(map(self._known.get, event.names)):
            return None
        seen = any(name in self._known for name in event.names)
        try:
            return await self._claim(event)
        except RedisError as error:
            log.warning("whether an event was handled cannot be known", cause=str(error))
            self._know(event.names, mine=not seen)
            return None if seen else Claim.NEW

    async def complete(self, event: Event) -> None:
        """An event has been handled, however that ended. While Redis cannot be reached, it is noted later."""
        try:
            await self._note_handled(event.names)
        except RedisError as error:
            log.warning("that an event was handled could not be noted yet", cause=str(error))
            if len(self._unnoted) < MOST_REMEMBERED:
                self._unnoted[event.names[0]] = event.names

    async def reassign(self, name: str) -> None:
        """Makes an event this process's, whoever handles it: what it asks for has changed, and this process sees to
        that. The other notices; nobody takes the event over any more."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(keys.event(self._platform, name), self._me, ex=KEPT, xx=True)
            pipe.hdel(keys.pending_events(self._platform), name)
            held, _ = await pipe.execute()
        if held:
            self._know((name,), mine=True)

    async def is_taken_over(self, name: str) -> bool:
        """Whether another process has an event that this one began to handle."""
        try:
            holder = await self._redis.get(keys.event(self._platform, name))
        except RedisError as error:
            log.warning("whose an event is cannot be known", cause=str(error))
            return False
        return holder is not None and as_text(holder) not in {self._me, _HANDLED}

    async def claim_orphaned(self) -> list[Event]:
        """What processes that are gone were handling; this process has it now. What is older than an hour is dropped:
        nobody waits for it any more."""
        mine: list[Event] = []
        try:
            for line in (await self._redis.hgetall(keys.pending_events(self._platform))).values():
                since, _, document = as_text(line).partition(" ")
                kept = json.loads(document)
                event = Event(tuple(kept["names"]), kept["body"])
                if not await self._abandoned(event):
                    continue
                age = await self._now(keys=[keys.pending_events(self._platform)]) - int(since)
                if age > KEPT.total_seconds():
                    log.error("a question was lost", name=event.names[0], seconds=age)
                    await self.complete(event)
                elif await self._claim(event):
                    mine.append(event)
        except RedisError as error:
            # What was taken until then is in hand all the same.
            log.warning("what others left behind cannot be known", cause=str(error))
        return mine

    async def taken_over(self, events: Iterable[Event]) -> list[Event]:
        """Those of this process' events that another has taken over, because this one gave no sign of life for too
        long: while its machine slept, or while only it could not reach Redis."""
        asked = list(events)
        if not asked:
            return []
        try:
            holders = await self._redis.mget([keys.event(self._platform, event.names[0]) for event in asked])
        except RedisError as error:
            log.warning("whether events were taken over cannot be known", cause=str(error))
            return []
        lost = [event for event, holder in zip(asked, holders, strict=True) if holder and as_text(holder) != self._me]
        for event in lost:
            self._know(event.names, mine=False)
        return lost

    @asynccontextmanager
    async def heartbeat(self) -> AsyncGenerator[None, None]:
        """Gives the signs of life of this process; at the end the others may take over at once what it leaves."""
        await self._show_life()
        self._unsure_until = 0.0  # the first sign follows on none
        try:
            async with running_periodically(self._show_life, every=ALIVE / 3):
                yield
        finally:
            try:
                await self._note_the_rest()
                await self._redis.delete(keys.process_heartbeat(self._platform, self._me))
            except RedisError as error:
                log.warning("others will take over after some seconds", cause=str(error))

    async def _claim(self, event: Event) -> Claim | None:
        document = {"names": event.names, "body": event.body}
        # While Redis is being asked, too: of two deliveries at the same time only one may ask.
        self._know(event.names, mine=True)
        taken = 0
        try:
            taken, alive = await self._script(
                keys=[
                    keys.process_heartbeat(self._platform, self._me),
                    keys.pending_events(self._platform),
                    *(keys.event(self._platform, name) for name in event.names),
                ],
                args=[
                    self._me,
                    json.dumps(document, ensure_ascii=False),
                    keys.process_heartbeat(self._platform, ""),
                    int(KEPT.total_seconds()),
                    event.names[0],
                    int(ALIVE.total_seconds() * 1000),
                    int(monotonic() >= self._unsure_until),
                ],
            )
        finally:
            if not taken:
                self._know(event.names, mine=False)
        if not alive:
            self._doubt()
        return Claim(int(taken)) if taken else None

    async def _abandoned(self, event: Event) -> bool:
        """Whether nobody handles an event any more, or this process has it without knowing."""
        reply = await self._redis.get(keys.event(self._platform, event.names[0]))
        holder = "" if reply is None else as_text(reply)
        if holder == self._me:
            return not self._known.get(event.names[0])
        return not holder or not await self._redis.exists(keys.process_heartbeat(self._platform, holder))

    async def _show_life(self) -> None:
        try:
            if await self._redis.set(keys.process_heartbeat(self._platform, self._me), "1", px=ALIVE, get=True) is None:
                self._doubt()
            await self._note_the_rest()
        except RedisError as error:
            log.warning("no sign of life could be given", cause=str(error))

    def _doubt(self) -> None:
        """A process whose own sign has run out cannot tell for a while who else is gone: Redis may have been away for
        all of them, and they are only about to be back."""
        self._unsure_until = monotonic() + ALIVE.total_seconds() / 2

    async def _note_the_rest(self) -> None:
        for first, names in list(self._unnoted.items()):
            await self._note_handled(names)
            self._unnoted.pop(first, None)

    async def _note_handled(self, names: Sequence[str]) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            for name in names:
                pipe.set(keys.event(self._platform, name), _HANDLED, ex=KEPT)
            pipe.hdel(keys.pending_events(self._platform), names[0])
            await pipe.execute()

    def _know(self, names: Sequence[str], mine: bool) -> None:
        for name in names:
            self._known[name] = mine
        while len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)

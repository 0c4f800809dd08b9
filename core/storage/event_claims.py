"""Claims on chat events: each event is handled once, by one of any number of processes, and survives their crashes.

Platforms deliver an event more than once, and to any process. The first process to claim it stores it in Redis while
handling it. A process whose heartbeat has expired is dead; its events are claimed again, immediately if the platform
redelivers them and otherwise by a periodic scan.
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

from core.events import Claim, Event
from core.periodic import running_periodically
from core.storage import keys
from core.storage.connection import as_text

log = structlog.get_logger()

TTL = timedelta(hours=1)
"""How long an event is remembered; Slack's last redelivery comes after about five minutes."""

HEARTBEAT_TTL = timedelta(seconds=15)
"""A process without a heartbeat for this long is dead."""

MAX_REMEMBERED = 10_000
"""Event names kept in memory for times when Redis is unreachable."""

_HANDLED = "handled"

# KEYS: this process's heartbeat, the hash of pending events, the event under each of its names.
# ARGV: this process, the event as JSON, key prefix of heartbeats, TTL of an event in seconds, the event's first name,
#       TTL of a heartbeat in ms, "1" if other processes may be presumed dead.
# A process can hold an event without knowing it: the reply to an earlier call was lost.
# HSETNX with Redis' clock keeps an event's age through any number of takeovers.
# Returns {0 = not claimed, 1 = new, 2 = taken over; 1 if this process's own heartbeat was alive}.
_CLAIM = """
local claimed = 1
local alive = redis.call('EXISTS', KEYS[1])
for i = 3, #KEYS do
  local holder = redis.call('GET', KEYS[i])
  if holder then
    local mine = holder == ARGV[1]
    local dead = alive == 1 and ARGV[7] == '1' and redis.call('EXISTS', ARGV[3] .. holder) == 0
    if holder == 'handled' or not (mine or dead) then return {0, alive} end
    claimed = 2
  end
end
for i = 3, #KEYS do redis.call('SET', KEYS[i], ARGV[1], 'EX', ARGV[4]) end
redis.call('HSETNX', KEYS[2], ARGV[5], redis.call('TIME')[1] .. ' ' .. ARGV[2])
redis.call('SET', KEYS[1], '1', 'PX', ARGV[6])
return {claimed, alive}
"""

# KEYS: the hash of pending events, so that a cluster runs the script on the node that wrote the timestamps.
_NOW = "return tonumber(redis.call('TIME')[1])"


class EventClaims:
    """The claims of one process on the events of one platform. Valid while `heartbeat` runs."""

    def __init__(self, redis: Redis, platform: str) -> None:
        self._redis = redis
        self._platform = platform
        self._process = secrets.token_hex(8)
        self._claim_script = redis.register_script(_CLAIM)
        self._now_script = redis.register_script(_NOW)
        # Event name → whether this process handles or handled the event.
        self._known: OrderedDict[str, bool] = OrderedDict()
        self._unrecorded: dict[str, tuple[str, ...]] = {}
        self._unsure_until = 0.0

    async def claim(self, event: Event) -> Claim | None:
        """Claim an event; return None if it has been claimed or handled already.

        While Redis is unreachable, this process's own memory decides: the user gets one error message, not several.
        """
        if any(map(self._known.get, event.names)):
            return None
        seen = any(name in self._known for name in event.names)
        try:
            return await self._claim(event)
        except RedisError as error:
            log.warning("event claim failed", cause=str(error))
            self._remember(event.names, mine=not seen)
            return None if seen else Claim.NEW

    async def complete(self, event: Event) -> None:
        """Mark an event as handled, whatever the outcome; retried later if Redis is unreachable."""
        try:
            await self._record_handled(event.names)
        except RedisError as error:
            log.warning("event completion not recorded yet", cause=str(error))
            if len(self._unrecorded) < MAX_REMEMBERED:
                self._unrecorded[event.names[0]] = event.names

    async def reassign(self, name: str) -> None:
        """Move an event to this process because its message has changed; the current holder notices and stops.

        Nobody takes the event over any more: this process handles the change as an event of its own.
        """
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(keys.event(self._platform, name), self._process, ex=TTL, xx=True)
            pipe.hdel(keys.pending_events(self._platform), name)
            held, _ = await pipe.execute()
        if held:
            self._remember((name,), mine=True)

    async def is_taken_over(self, name: str) -> bool:
        """Return whether another process holds an event that this one started to handle."""
        try:
            holder = await self._redis.get(keys.event(self._platform, name))
        except RedisError as error:
            log.warning("event owner lookup failed", cause=str(error))
            return False
        return holder is not None and as_text(holder) not in {self._process, _HANDLED}

    async def claim_orphaned(self) -> list[Event]:
        """Claim and return the events of dead processes; drop those older than an hour, whose askers have given up."""
        claimed: list[Event] = []
        try:
            for line in (await self._redis.hgetall(keys.pending_events(self._platform))).values():
                since, _, document = as_text(line).partition(" ")
                stored = json.loads(document)
                event = Event(tuple(stored["names"]), stored["body"])
                if not await self._is_orphaned(event):
                    continue
                age = await self._now_script(keys=[keys.pending_events(self._platform)]) - int(since)
                if age > TTL.total_seconds():
                    log.error("question lost", name=event.names[0], seconds=age)
                    await self.complete(event)
                elif await self._claim(event):
                    claimed.append(event)
        except RedisError as error:
            # The events claimed so far are this process's, and are returned.
            log.warning("orphaned event scan failed", cause=str(error))
        return claimed

    async def taken_over(self, events: Iterable[Event]) -> list[Event]:
        """Return those of this process's events that another has taken over.

        That happens when its heartbeat stopped: the machine slept, or only this process could not reach Redis.
        """
        mine = list(events)
        if not mine:
            return []
        try:
            holders = await self._redis.mget([keys.event(self._platform, event.names[0]) for event in mine])
        except RedisError as error:
            log.warning("event owner lookup failed", cause=str(error))
            return []
        lost = [
            event for event, holder in zip(mine, holders, strict=True) if holder and as_text(holder) != self._process
        ]
        for event in lost:
            self._remember(event.names, mine=False)
        return lost

    @asynccontextmanager
    async def heartbeat(self) -> AsyncGenerator[None, None]:
        """Send heartbeats for the length of the block; afterwards others may take over at once."""
        await self._beat()
        self._unsure_until = 0.0  # the first heartbeat always finds none
        try:
            async with running_periodically(self._beat, every=HEARTBEAT_TTL / 3):
                yield
        finally:
            try:
                await self._record_pending_completions()
                await self._redis.delete(keys.process_heartbeat(self._platform, self._process))
            except RedisError as error:
                log.warning("heartbeat not removed, takeover is delayed", cause=str(error))

    async def _claim(self, event: Event) -> Claim | None:
        document = {"names": event.names, "body": event.body}
        # Remembered before Redis replies: of two simultaneous deliveries only one may ask.
        self._remember(event.names, mine=True)
        claimed = 0
        try:
            claimed, alive = await self._claim_script(
                keys=[
                    keys.process_heartbeat(self._platform, self._process),
                    keys.pending_events(self._platform),
                    *(keys.event(self._platform, name) for name in event.names),
                ],
                args=[
                    self._process,
                    json.dumps(document, ensure_ascii=False),
                    keys.process_heartbeat(self._platform, ""),
                    int(TTL.total_seconds()),
                    event.names[0],
                    int(HEARTBEAT_TTL.total_seconds() * 1000),
                    int(monotonic() >= self._unsure_until),
                ],
            )
        finally:
            if not claimed:
                self._remember(event.names, mine=False)
        if not alive:
            self._presume_others_alive()
        return Claim(int(claimed)) if claimed else None

    async def _is_orphaned(self, event: Event) -> bool:
        """Return whether no live process handles an event, or this one holds it without knowing."""
        reply = await self._redis.get(keys.event(self._platform, event.names[0]))
        holder = "" if reply is None else as_text(reply)
        if holder == self._process:
            return not self._known.get(event.names[0])
        return not holder or not await self._redis.exists(keys.process_heartbeat(self._platform, holder))

    async def _beat(self) -> None:
        try:
            key = keys.process_heartbeat(self._platform, self._process)
            if await self._redis.set(key, "1", px=HEARTBEAT_TTL, get=True) is None:
                self._presume_others_alive()
            await self._record_pending_completions()
        except RedisError as error:
            log.warning("heartbeat failed", cause=str(error))

    def _presume_others_alive(self) -> None:
        """Suspend takeovers for a while after this process's own heartbeat has expired.

        Redis may have been unreachable for all processes, whose heartbeats are only about to return.
        """
        self._unsure_until = monotonic() + HEARTBEAT_TTL.total_seconds() / 2

    async def _record_pending_completions(self) -> None:
        for first, names in list(self._unrecorded.items()):
            await self._record_handled(names)
            self._unrecorded.pop(first, None)

    async def _record_handled(self, names: Sequence[str]) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            for name in names:
                pipe.set(keys.event(self._platform, name), _HANDLED, ex=TTL)
            pipe.hdel(keys.pending_events(self._platform), names[0])
            await pipe.execute()

    def _remember(self, names: Sequence[str], mine: bool) -> None:
        for name in names:
            self._known[name] = mine
        while len(self._known) > MAX_REMEMBERED:
            self._known.popitem(last=False)

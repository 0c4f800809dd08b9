"""Gateway sessions: intents, shards, and the events buffered for a resume."""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntFlag

from tests.servers.discord.objects import Guild, Json
from tests.servers.discord.rules import Rules


class Intent(IntFlag):
    NONE = 0
    GUILDS = 1 << 0
    MEMBERS = 1 << 1
    PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_REACTIONS = 1 << 10
    DIRECT_MESSAGES = 1 << 12
    DIRECT_REACTIONS = 1 << 13
    MESSAGE_CONTENT = 1 << 15


KNOWN_INTENTS = (1 << 17) - 1 | 0b11 << 20 | 0b11 << 24


@dataclass(eq=False)
class Session:
    """One IDENTIFY and its RESUMEs. `events` are buffered with their numbers; `present` while connected.

    `holder` is its connection; `cut` aborts that.
    """

    shard: tuple[int, int]
    intents: int
    events: deque[tuple[int, Json]]
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    last: int = 0
    present: bool = True
    left: float = 0.0
    holder: object = None
    cut: Callable[[], None] = lambda: None
    new_events: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self, name: str, data: Json) -> None:
        self.last += 1
        self.events.append((self.last, {"op": 0, "t": name, "s": self.last, "d": data}))
        self.new_events.set()

    def after(self, seq: int) -> list[tuple[int, Json]]:
        return [event for event in self.events if event[0] > seq]

    def can_replay(self, seq: int) -> bool:
        """Return whether all events after that number are still buffered."""
        return seq >= self.last or (bool(self.events) and self.events[0][0] <= seq + 1)

    def includes(self, guild: Guild | None) -> bool:
        """Return whether the guild is on this shard; events without a guild go to shard 0."""
        index, count = self.shard
        return (0 if guild is None else (guild.id >> 22) % count) == index


Payload = Json | Callable[[Session], Json]


class Sessions:
    """All sessions of the bot, including those of its other replicas.

    `copies` is how often future events are delivered, `late` the delay in seconds.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._all: list[Session] = []
        self._delayed: set[asyncio.TimerHandle] = set()
        self.copies = 1
        self.late = 0.0
        self.sent: list[tuple[str, Json]] = []

    def __iter__(self) -> Iterator[Session]:
        return iter(self._all)

    def open(self, shard: tuple[int, int], intents: int) -> Session:
        session = Session(shard, intents, deque(maxlen=self._rules.replayable))
        self._all.append(session)
        return session

    def end(self, session: Session) -> None:
        if session in self._all:
            self._all.remove(session)

    def find(self, session_id: object) -> Session | None:
        """Return a session that can still be resumed."""
        now = time.monotonic()
        for session in list(self._all):
            if not session.present and now - session.left > self._rules.session_lifetime:
                self.end(session)
        return next((session for session in self._all if session.id == session_id), None)

    def dispatch(self, name: str, payload: Payload, guild: Guild | None, intent: Intent, late: float = 0.0) -> None:
        """Send an event to all sessions that receive it, now or after so many seconds."""
        late += self.late
        if not late:
            self._deliver(name, payload, guild, intent)
            return
        handle = asyncio.get_running_loop().call_later(late, self._deliver, name, payload, guild, intent)
        self._delayed.add(handle)

    def _deliver(self, name: str, payload: Payload, guild: Guild | None, intent: Intent) -> None:
        for session in self._all:
            if session.includes(guild) and session.intents & intent == intent:
                data = payload(session) if callable(payload) else payload
                self.sent.append((name, data))
                for _ in range(self.copies):
                    session.send(name, data)

    def close(self) -> None:
        for handle in self._delayed:
            handle.cancel()
        self._delayed.clear()

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
    GUILD_TYPING = 1 << 11
    DIRECT_MESSAGES = 1 << 12
    DIRECT_REACTIONS = 1 << 13
    DIRECT_TYPING = 1 << 14
    MESSAGE_CONTENT = 1 << 15


KNOWN_INTENTS = (1 << 17) - 1 | 0b11 << 20 | 0b11 << 24


@dataclass(eq=False)
class Session:
    """One IDENTIFY and its RESUMEs. `events` are the last ones, numbered; `present` while a connection listens.

    `holder` is the connection that has it, and `cut` cuts that.
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
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self, name: str, data: Json) -> None:
        self.last += 1
        self.events.append((self.last, {"op": 0, "t": name, "s": self.last, "d": data}))
        self.news.set()

    def after(self, seq: int) -> list[tuple[int, Json]]:
        return [event for event in self.events if event[0] > seq]

    def remembers(self, seq: int) -> bool:
        """Whether nothing after that number was forgotten."""
        return seq >= self.last or (bool(self.events) and self.events[0][0] <= seq + 1)

    def serves(self, guild: Guild | None) -> bool:
        """Whether this guild is of its shard; what belongs to no guild goes to shard 0."""
        index, count = self.shard
        return (0 if guild is None else (guild.id >> 22) % count) == index


Payload = Json | Callable[[Session], Json]


class Sessions:
    """All sessions of the bot, those of its other replicas among them.

    `copies` is how often the next events are delivered, `late` how many seconds after they happened: for a test.
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
        """A session that can still be resumed."""
        now = time.monotonic()
        for session in list(self._all):
            if not session.present and now - session.left > self._rules.session_lifetime:
                self.end(session)
        return next((session for session in self._all if session.id == session_id), None)

    def dispatch(self, name: str, payload: Payload, guild: Guild | None, intent: Intent, late: float = 0.0) -> None:
        """Tell all sessions that it concerns, now or after so many seconds."""
        late += self.late
        if not late:
            self._deliver(name, payload, guild, intent)
            return
        handle = asyncio.get_running_loop().call_later(late, self._deliver, name, payload, guild, intent)
        self._delayed.add(handle)

    def _deliver(self, name: str, payload: Payload, guild: Guild | None, intent: Intent) -> None:
        for session in self._all:
            if session.serves(guild) and session.intents & intent == intent:
                data = payload(session) if callable(payload) else payload
                self.sent.append((name, data))
                for _ in range(self.copies):
                    session.send(name, data)

    def close(self) -> None:
        for handle in self._delayed:
            handle.cancel()
        self._delayed.clear()

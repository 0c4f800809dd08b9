"""Gateway sessions: intents, shards, READY, limits on identifies, and the events buffered for a resume."""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntFlag

from tests.servers.changes import Changes
from tests.servers.discord.objects import Guild, Json
from tests.servers.discord.payloads import channel_json, guild_json, member_json, stamp, thread_json, user_json
from tests.servers.discord.permissions import VIEW_CHANNEL, may
from tests.servers.discord.rules import Rules
from tests.servers.discord.store import Store


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


class Hub:
    """`closed` are close codes; `identified` and `resumed` are shards, in order."""

    def __init__(self, store: Store, rules: Rules, watch: Changes, token: str, url: Callable[[], str]) -> None:
        self.store, self.rules, self.watch, self.token, self.url = store, rules, watch, token, url
        self.sessions = Sessions(rules)
        self.closed: list[int] = []
        self.identified: list[tuple[int, int]] = []
        self.resumed: list[tuple[int, int]] = []
        self._identifies: dict[int, list[float]] = {}

    @property
    def listening(self) -> list[tuple[int, int]]:
        """Return the connected shards; one with two replicas twice."""
        return [session.shard for session in self.sessions if session.present]

    def may_identify(self, shard: int) -> bool:
        """Allow one identify per `identify_every` seconds and key (shard number modulo `max_concurrency`)."""
        now = time.monotonic()
        key = shard % self.rules.max_concurrency
        recent = [at for at in self._identifies.get(key, []) if now - at < self.rules.identify_every]
        self._identifies[key] = [*recent, now]
        return not recent

    def send_ready(self, session: Session) -> None:
        """Send READY with unavailable guilds, then each guild."""
        guilds = [guild for guild in self.store.guilds.values() if self.sees(guild) and session.includes(guild)]
        application = {"id": str(self.store.application.id), "flags": self.store.application.flags}
        session.send("READY", {
            "v": 10, "user": user_json(self.store.bot) | {"verified": True, "mfa_enabled": True, "flags": 0},
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds], "session_id": session.id,
            "resume_gateway_url": self.url(), "shard": list(session.shard), "application": application,
            "private_channels": [], "relationships": [], "presences": [], "user_settings": {},
            "geo_ordered_rtc_regions": [], "_trace": ["loopback"]})  # fmt: skip
        if session.intents & Intent.GUILDS:
            for guild in guilds:
                if not guild.unavailable:
                    session.send("GUILD_CREATE", self.guild_create(guild))

    def sees(self, guild: Guild) -> bool:
        return self.store.bot.id in guild.members

    def guild_create(self, guild: Guild) -> Json:
        """Return a guild with its channels and, as without the presences intent, only the bot as member."""
        bot = self.store.bot
        channels = [channel for channel in guild.channels.values() if not channel.deleted]
        threads = [one for one in channels if one.is_thread and not one.archived and may(bot, one, VIEW_CHANNEL)]
        me = guild.members[bot.id]
        return guild_json(guild) | {
            "joined_at": stamp(me.joined), "large": False, "member_count": len(guild.members), "voice_states": [],
            "unavailable": False, "members": [member_json(me)], "presences": [], "stage_instances": [],
            "guild_scheduled_events": [], "soundboard_sounds": [],
            "channels": [channel_json(channel) for channel in channels if not channel.is_thread],
            "threads": [thread_json(thread, bot) for thread in threads]}  # fmt: skip

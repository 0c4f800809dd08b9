"""State that all methods share, scripted replies and waiting for changes."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.servers.changes import Changes, Value
from tests.servers.slack.calls import App, Call, Installation, Reply
from tests.servers.slack.objects import Channel, Json, Message, Store
from tests.servers.slack.rules import Rules


@dataclass(frozen=True, slots=True)
class Posted:
    """The status of an assistant thread."""

    channel: str
    thread_ts: str
    status: str
    loading_messages: tuple[str, ...]
    at: float


class Platform:
    """One Slack. Web API methods are functions of it and a `Call`; `user_actions` has the users' side."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self.store = Store()
        self.app = App("A0APP00001", "footnoted")
        self.app_token = "xapp-1-A0APP00001-1-loopback"
        self.signing_secret = "loopback-signing-secret"
        self.installations: dict[str, Installation] = {}
        self.calls: list[Call] = []
        self.statuses: dict[tuple[str, str], Posted] = {}
        self.status_history: list[Posted] = []
        self.prompts: dict[tuple[str, str | None], list[Json]] = {}
        self.titles: dict[tuple[str, str], str] = {}
        self.sessions: dict[tuple[str, str], str] = {}
        self.refusals: dict[str, str] = {}
        self._scripts: dict[str, deque[Reply]] = {}
        self._timers: set[asyncio.TimerHandle] = set()
        self._changes = Changes()

    # Scripting.

    def enqueue(self, method: str, *replies: Reply) -> None:
        """Script the next calls of the method, one reply each. A scripted reply precedes all validation."""
        self._scripts.setdefault(method, deque()).extend(replies)

    def refuse(self, method: str, error: str | None) -> None:
        """Make the method fail with this error, as in a workspace without the feature; None restores it."""
        self.refusals.pop(method, None)
        if error:
            self.refusals[method] = error

    def next_reply(self, method: str) -> Reply | None:
        script = self._scripts.get(method)
        return script.popleft() if script else None

    # Waiting.

    def changed(self) -> None:
        """Wake everything that waits for a change."""
        self._changes.changed()

    async def until(self, predicate: Callable[[], Value | None], within: float = 5) -> Value:
        """Return the predicate's result once it is true. Raise TimeoutError after `within` seconds."""
        try:
            return await self._changes.until(predicate, within)
        except TimeoutError:
            said = ", ".join(f"{call.method}: {call.error or 'ok'}" for call in self.calls)
            raise TimeoutError(f"It did not come true within {within} s. Calls so far: {said or 'none'}.") from None

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Run the action after so many seconds, unless the server closes first."""

        def run() -> None:
            self._timers.discard(timer)
            action()
            self.changed()

        timer = asyncio.get_running_loop().call_later(seconds, run)
        self._timers.add(timer)

    def cancel_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    # State.

    def called(self, method: str) -> list[Call]:
        return [call for call in self.calls if call.method == method]

    def messages(self, channel: str, thread: str | None = None, *, deleted: bool = False) -> list[Message]:
        """Return a channel's visible messages with replies, or one thread's; optionally with deleted ones."""
        everything = (m for m in self.store.messages if m.channel == channel and not m.ephemeral_to)
        return [m for m in everything if (deleted or not m.deleted) and (thread is None or m.root == thread)]

    def ephemerals(self, user: str) -> list[Message]:
        """Return the ephemeral messages that the user sees."""
        return [m for m in self.store.messages if m.ephemeral_to == user and not m.deleted]

    def status(self, channel: str, thread_ts: str) -> str:
        """Return the thread's current status, such as "is thinking...", or ""."""
        posted = self.statuses.get((channel, thread_ts))
        return posted.status if posted else ""

    def installed(self, team: str) -> Installation | None:
        """Return the tested app's installation in the workspace."""
        return next((i for i in self.installations.values() if i.app == self.app and i.team == team), None)

    # Provided by the server.

    @property
    def origin(self) -> str:
        """Return `http://127.0.0.1:PORT`, without a trailing slash."""
        raise NotImplementedError

    def dispatch(self, event: Json, team: str, channel: Channel | None = None) -> None:
        """Send an event of the workspace to the app."""
        raise NotImplementedError

    @property
    def now(self) -> float:
        return time.monotonic()


@dataclass(frozen=True, slots=True)
class Method:
    """A Web API method. `tier` is its rate limit class.

    Any one of `scopes` is enough. Slack answers invalid_arguments without one of the `required` arguments.
    """

    run: Callable[[Platform, Call], Json]
    scopes: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    tier: int = 3


Methods = Mapping[str, Method]

"""A Web API call: its caller, its result, and the faults that a test can inject."""

from dataclasses import dataclass, field

from tests.servers.loopback import Slow, Status
from tests.servers.slack.world import Json, User


@dataclass(frozen=True, slots=True)
class App:
    """An app of Slack's directory."""

    id: str
    name: str


@dataclass(slots=True)
class Installation:
    """An app in a workspace: what its bot token stands for."""

    token: str
    app: App
    team: str
    bot: User
    scopes: set[str]
    revoked: str | None = None


@dataclass(slots=True)
class Call:
    """One call of a method. `at` is in seconds of the monotonic clock. `error` is Slack's word for what was wrong.

    `status` is that of HTTP; 0 when the connection was dropped.
    """

    method: str
    arguments: Json
    token: str
    at: float
    caller: Installation | None = None
    error: str | None = None
    status: int = 200
    answer: Json = field(default_factory=dict)

    @property
    def by(self) -> Installation:
        """Who calls; only methods that need a bot token ask."""
        assert self.caller
        return self.caller


class ApiError(Exception):
    """Slack says no. `more` goes into the answer; `messages` are its remarks, without their [ERROR]."""

    def __init__(self, error: str, *messages: str, status: int = 200, retry_after: int | None = None,
                 **more: object) -> None:  # fmt: skip
        super().__init__(error, *messages)
        self.error, self.messages, self.status, self.retry_after, self.more = error, messages, status, retry_after, more

    @property
    def body(self) -> Json:
        body: Json = {"ok": False, "error": self.error} | self.more
        if self.messages:
            body["response_metadata"] = {"messages": [f"[ERROR] {message}" for message in self.messages]}
        return body


# What a method can be told to do, next to `Status` and `Slow`.


@dataclass(frozen=True, slots=True)
class RateLimited:
    """429, and when to come back, in whole seconds."""

    retry_after: int = 1


@dataclass(frozen=True, slots=True)
class Error:
    """{"ok": false} with this error."""

    error: str
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dropped:
    """The connection closes without an answer, before or after the call took effect."""

    after: bool = False


class Ordinary:
    """What it does anyway: to let some calls pass."""


Reply = RateLimited | Error | Dropped | Ordinary | Status | Slow

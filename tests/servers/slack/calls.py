"""A Web API call: its caller, its result, and the faults that a test can inject."""

from dataclasses import dataclass, field

from tests.servers.loopback import Slow, Status
from tests.servers.slack.objects import Json, User


@dataclass(frozen=True, slots=True)
class App:
    """An app of Slack's directory."""

    id: str
    name: str


@dataclass(slots=True)
class Installation:
    """An app installed in a workspace, with its bot user and token."""

    token: str
    app: App
    team: str
    bot: User
    scopes: set[str]
    revoked: str | None = None


@dataclass(slots=True)
class Call:
    """A call of a Web API method. `at` is monotonic seconds; `error` is Slack's error code.

    `status` is the HTTP status, or 0 if the connection was dropped.
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
        """Return the calling installation; fail for methods that need no bot token."""
        assert self.caller
        return self.caller


class ApiError(Exception):
    """An error response of the Web API. `messages` go to `response_metadata` with the prefix [ERROR]."""

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


# Scripted replies, besides `Status` and `Slow`.


@dataclass(frozen=True, slots=True)
class RateLimited:
    """Answer 429. `retry_after` is in whole seconds."""

    retry_after: int = 1


@dataclass(frozen=True, slots=True)
class Error:
    """Answer `{"ok": false}` with this error."""

    error: str
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dropped:
    """Close the connection without an answer, before or after the call takes effect."""

    after: bool = False


class Ordinary:
    """Answer normally, so that a later call gets the next fault."""


Reply = RateLimited | Error | Dropped | Ordinary | Status | Slow

"""Settings of a loopback Slack that a test may change."""

from dataclasses import dataclass
from typing import Literal

BOT_SCOPES = frozenset(
    "app_mentions:read assistant:write channels:history channels:read chat:write commands groups:history groups:read "
    "im:history im:read im:write mpim:history mpim:read reactions:read reactions:write team:read usergroups:read "
    "users:read".split()
)


@dataclass(slots=True)
class Rules:
    """Slack's limits and settings, which a test may also change at run time. Times are in seconds.

    `subscriptions` are the app's event subscriptions (`app_mention`, `message.im`); None means all. `retry_delays` are
    the waits before an event's first, second and third retry. `stream_limit` is the maximum total length of a streamed
    message, which Slack does not document: measured appends fail with msg_too_long from about 12,000 characters on.
    `is_agent` is the app's setting "Agent". `stop_after_stop` is the error of chat.stopStream after the reader stopped
    the stream. `echoes` sends the app its own messages, as Slack does.
    """

    subscriptions: frozenset[str] | None = None
    ack_deadline: float = 3
    retry_delays: tuple[float, ...] = (0, 60, 300)
    routing: Literal["round robin", "random"] = "round robin"
    most_connections: int = 10
    ping_every: float = 10
    leaving_time: float = 10
    stream_lifetime: float = 300
    stream_limit: int = 12_000
    stop_after_stop: str = "stopped_by_user"
    status_lifetime: float = 120
    trigger_lifetime: float = 3
    response_url_lifetime: float = 1800
    response_url_uses: int = 5
    is_agent: bool = True
    echoes: bool = True

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
    """What may be set about a Slack, also while it runs. All times are in seconds.

    `subscriptions` are the events that the app gets, by the names in its settings (`app_mention`, `message.im`);
    None: all. `retry_delays` are the waits before the first, second and third repetition of an event.
    `stream_limit` is how much one streamed message may hold in all, which Slack does not document: people measured that
    appends fail with msg_too_long from about 12,000 characters on. `is_agent` is the app's setting "Agent".
    `stop_after_stop` is what chat.stopStream says of a stream that its reader has stopped.
    `echoes`: the app also hears of its own messages, as it does in Slack.
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

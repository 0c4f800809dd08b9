"""Discord's limits and timings that a test may change. Durations are in seconds."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Quota:
    """Requests per seconds, for each value of the route's top-level resource."""

    limit: int
    per: float


ROOMY = Quota(10_000, 1.0)

STRICT = {
    "POST /channels/{channel}/messages": Quota(5, 5),
    "PATCH /channels/{channel}/messages/{message}": Quota(5, 5),
    "DELETE /channels/{channel}/messages/{message}": Quota(5, 1),
    "POST /channels/{channel}/typing": Quota(5, 5),
    "PUT /channels/{channel}/messages/{message}/reactions/{emoji}/@me": Quota(1, 0.25),
    "POST /users/@me/channels": Quota(10, 10),
    "POST /webhooks/{webhook}/{token}": Quota(5, 2),
    "PATCH /webhooks/{webhook}/{token}/messages/{message}": Quota(5, 2),
    "PATCH /webhooks/{webhook}/{token}/messages/@original": Quota(5, 2),
    "PUT /applications/{application}/commands": Quota(2, 60),
    "PUT /applications/{application}/guilds/{guild}/commands": Quota(2, 60),
}
"""What bots met on these routes; Discord publishes no figures and may change them on any day."""


@dataclass(slots=True)
class Rules:
    """`strict` enforces rate limits: `quotas` by route, `usual` for others, and `global_limit` requests a second.

    Without `strict`, every route allows ten thousand a second. `old` is the age from which a message counts as old;
    `old_edits` edits of such messages are allowed per hour and channel. `user_install_follow_ups` limits the follow-ups
    of an app that is only installed by the user.
    """

    first_response: float = 3.0
    token_lifetime: float = 900.0
    user_install_follow_ups: int = 5
    nonce_memory: float = 300.0
    old: float = 3600.0
    old_edits: int = 30

    strict: bool = False
    quotas: dict[str, Quota] = field(default_factory=lambda: dict(STRICT))
    usual: Quota = field(default_factory=lambda: Quota(50, 1.0))
    global_limit: Quota = field(default_factory=lambda: Quota(50, 1.0))

    heartbeat_interval: float = 41.25
    heartbeats_missed: float = 2.0
    sends: Quota = field(default_factory=lambda: Quota(120, 60.0))
    largest_send: int = 4096
    shards: int = 1
    max_concurrency: int = 1
    identify_every: float = 0.0
    session_starts: int = 1000
    session_lifetime: float = 120.0
    replayable: int = 1000

    def quota(self, route: str) -> Quota:
        return self.quotas.get(route, self.usual) if self.strict else ROOMY

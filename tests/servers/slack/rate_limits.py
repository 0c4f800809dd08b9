"""Rate limits: tiers of methods per minute, and about one message per second and channel."""

import math
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.servers.slack.calls import ApiError, Call
from tests.servers.slack.platform import Method

# Tier 0 is "special": posting has a limit of its own, auth.test and statuses allow hundreds a minute.
TIERS: Mapping[int, int] = {0: 600, 1: 1, 2: 20, 3: 50, 4: 100}
MINUTE = 60.0
POSTING = {"chat.postMessage"}


@dataclass(slots=True)
class Rates:
    """Rate limits, enforced if `strict`. Slack tolerates short bursts of posts (`posting_burst`).

    `tiers` are calls per `window` seconds, method and workspace; `methods` overrides single methods.
    """

    strict: bool = False
    tiers: dict[int, int] = field(default_factory=lambda: dict(TIERS))
    methods: dict[str, int] = field(default_factory=dict)
    window: float = MINUTE
    posting_per_second: float = 1
    posting_burst: int = 3
    _called: dict[tuple[str, str], deque[float]] = field(default_factory=lambda: defaultdict(deque))
    _posts: dict[str, tuple[float, float]] = field(default_factory=dict)

    def check(self, call: Call, method: Method) -> None:
        """Count the call; raise ApiError with the whole seconds to wait if it exceeds a limit."""
        if not self.strict:
            return
        team = call.caller.team if call.caller else ""
        called = self._called[call.method, team]
        while called and called[0] <= call.at - self.window:
            called.popleft()
        if len(called) >= self.methods.get(call.method, self.tiers[method.tier]):
            raise _too_often(called[0] + self.window - call.at)
        if call.method in POSTING:
            self._check_posting(str(call.arguments.get("channel", "")), call.at)
        called.append(call.at)

    def _check_posting(self, channel: str, now: float) -> None:
        tokens, then = self._posts.get(channel, (float(self.posting_burst), now))
        tokens = min(float(self.posting_burst), tokens + (now - then) * self.posting_per_second)
        if tokens < 1:
            self._posts[channel] = tokens, now
            raise _too_often((1 - tokens) / self.posting_per_second)
        self._posts[channel] = tokens - 1, now


def _too_often(wait: float) -> ApiError:
    return ApiError("ratelimited", status=429, retry_after=max(1, math.ceil(wait)))

"""Rate limits: one bucket per route and top-level resource, and a global limit."""

import hashlib
import time
from dataclasses import dataclass
from math import ceil

from tests.servers.discord.rules import Quota, Rules

MAJOR = ("channel", "guild", "webhook", "token")
"""Parameters of a path that divide its bucket."""


@dataclass(slots=True)
class Window:
    """The number of requests since the window began. Times are monotonic."""

    began: float = 0.0
    used: int = 0

    def take(self, quota: Quota) -> bool:
        now = time.monotonic()
        if now - self.began >= quota.per:
            self.began, self.used = now, 0
        self.used += 1
        return self.used <= quota.limit

    def resets_after(self, quota: Quota) -> float:
        return max(0.0, self.began + quota.per - time.monotonic())


class RateLimitError(Exception):
    """A 429 with the headers of its bucket."""

    def __init__(self, retry_after: float, headers: dict[str, str], *, everywhere: bool = False) -> None:
        super().__init__(retry_after)
        self.retry_after, self.headers, self.everywhere = retry_after, headers, everywhere


class RateLimits:
    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._windows: dict[str, Window] = {}
        self._everything = Window()

    def take(self, route: str, params: dict[str, str], *, exempt: bool) -> dict[str, str]:
        """Return the headers of the response, or raise RateLimitError. `exempt` skips the global limit."""
        if self._rules.strict and not exempt and not self._everything.take(self._rules.global_limit):
            retry_after = self._everything.resets_after(self._rules.global_limit)
            raise RateLimitError(
                retry_after, {"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"}, everywhere=True
            )
        quota = self._rules.quota(route)
        major = "/".join(params.get(name, "") for name in MAJOR)
        window = self._windows.setdefault(f"{route} {major}", Window())
        allowed = window.take(quota)
        # Rounded up: a client that waits exactly this long must not be early.
        after = ceil(window.resets_after(quota) * 1000) / 1000
        headers = {
            "X-RateLimit-Limit": str(quota.limit),
            "X-RateLimit-Remaining": str(max(0, quota.limit - window.used)),
            "X-RateLimit-Reset": f"{time.time() + after:.3f}",
            "X-RateLimit-Reset-After": f"{after:.3f}",
            "X-RateLimit-Bucket": hashlib.sha256(route.encode()).hexdigest()[:32],
        }
        if not allowed:
            raise RateLimitError(after, headers | {"X-RateLimit-Scope": "user"})
        return headers

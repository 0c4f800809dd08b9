"""Faults that a test can inject before, after or instead of a REST response."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from tests.servers.discord.errors import ApiError
from tests.servers.loopback import Slow, Status


@dataclass(frozen=True, slots=True)
class RateLimited:
    """429. Without `via` it looks like Cloudflare's, at which discord.py raises at once. `message` may have a code."""

    retry_after: float
    everywhere: bool = False
    via: bool = True
    scope: str = "user"
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Dropped:
    """The connection closes without an answer; the effect took place all the same if `after_effect`."""

    after_effect: bool = False


@dataclass(frozen=True, slots=True)
class Late:
    """The effect takes place at once, the answer comes so many seconds later."""

    seconds: float


Fault = Status | Slow | RateLimited | Dropped | Late | ApiError
"""ApiError: one of Discord's own errors, whatever the request is, such as `ApiError(50013)`."""


class Script:
    """Troubles in the order in which they were ordered; the first that fits a request is taken."""

    def __init__(self) -> None:
        self._lines: list[tuple[str, Fault, int | None]] = []

    def add(self, pattern: str, fault: Fault, times: int | None) -> None:
        """`pattern` is a method and a path below the API's root, each `*` for anything: `PATCH /channels/*`."""
        self._lines.append((pattern, fault, times))

    def clear(self) -> None:
        self._lines.clear()

    def next(self, method: str, path: str) -> Fault | None:
        for index, (pattern, fault, times) in enumerate(self._lines):
            if fnmatchcase(f"{method} {path}", pattern):
                if times is not None:
                    self._lines[index : index + 1] = [(pattern, fault, times - 1)] if times > 1 else []
                return fault
        return None

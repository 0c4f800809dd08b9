"""Faults that a test can inject before, after or instead of a REST response."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from tests.servers.discord.errors import ApiError
from tests.servers.loopback import Slow, Status


@dataclass(frozen=True, slots=True)
class RateLimited:
    """Answer 429. Without `via` it looks like Cloudflare's, at which discord.py raises at once."""

    retry_after: float
    everywhere: bool = False
    via: bool = True
    scope: str = "user"
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Dropped:
    """Close the connection without an answer, after the effect if `after_effect`."""

    after_effect: bool = False


@dataclass(frozen=True, slots=True)
class Late:
    """Take effect at once; answer after so many seconds."""

    seconds: float


Fault = Status | Slow | RateLimited | Dropped | Late | ApiError
"""ApiError: one of Discord's own errors, whatever the request is, such as `ApiError(50013)`."""


class Script:
    """Scripted faults, in order. A request gets the first that matches it."""

    def __init__(self) -> None:
        self._lines: list[tuple[str, Fault, int | None]] = []

    def add(self, pattern: str, fault: Fault, times: int | None) -> None:
        """Add a fault for "METHOD path", relative to the API's root; `*` matches anything: `PATCH /channels/*`."""
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

"""Faults that a test can inject for a path of the loopback blog."""

from dataclasses import dataclass

from tests.servers.loopback import Slow, Status


@dataclass(frozen=True)
class Redirect:
    """Redirect to a path or URL."""

    to: str
    status: int = 301


class RedirectLoop:
    """Redirect to itself and a query of itself, forever."""


@dataclass(frozen=True)
class Huge:
    """Send a page of so many megabytes, with Content-Length if `declared`."""

    megabytes: float
    declared: bool = False


@dataclass(frozen=True)
class Drip:
    """Send a byte now and then, forever, so that no single read times out."""

    seconds_between: float = 0.05


Fault = Status | Slow | Redirect | RedirectLoop | Huge | Drip

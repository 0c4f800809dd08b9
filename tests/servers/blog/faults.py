"""The faults that a test can order for a path of the loopback blog."""

from dataclasses import dataclass

from tests.servers.loopback import Slow, Status


@dataclass(frozen=True)
class Redirect:
    """To a path or an address."""

    to: str
    status: int = 301


class RedirectLoop:
    """To itself and a page behind itself, for ever."""


@dataclass(frozen=True)
class Huge:
    """A page of so many megabytes. Unless `extract_canonical`, its length is not told beforehand."""

    megabytes: float
    declared: bool = False


@dataclass(frozen=True)
class Drip:
    """A byte now and then, for ever: no single read ever waits long."""

    seconds_between: float = 0.05


Fault = Status | Slow | Redirect | RedirectLoop | Huge | Drip

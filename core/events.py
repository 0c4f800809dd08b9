"""What a chat platform delivers, and how a process comes to handle it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """A platform's delivery. `names` are the ids that a redelivery may carry, the most specific first; `body` is plain
    JSON."""

    names: tuple[str, ...]
    body: Mapping[str, Any]


class Claim(Enum):
    """How a process came to handle an event."""

    NEW = 1
    TAKEOVER = 2
    """The process that had claimed it died, possibly after it began to answer."""

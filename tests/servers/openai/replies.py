"""Scripted replies and faults of the loopback OpenAI."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.servers.loopback import Status


@dataclass(frozen=True)
class Text:
    """Write this text, or these `pieces`, which are then the text; by default one token per chunk."""

    text: str = ""
    tokens_per_second: float | None = None
    pieces: Sequence[str] | None = None
    finish_reason: str = "stop"


class Empty(Text):
    """Finish without any text."""


@dataclass(frozen=True)
class Deltas(Text):
    """The model sends these deltas as they are: thoughts, lists of parts. Without a finish_reason if it is empty."""

    deltas: Sequence[dict[str, Any]] = ()


class Refusal(Text):
    """Decline in the message's `refusal` instead of its `content`."""


@dataclass(frozen=True)
class StreamFault:
    """Fail after writing `after`."""

    after: str = ""


class ContentFilter(StreamFault):
    """Finish with `content_filter`. For a filtered prompt: `Status(400, code="content_filter")`."""


class Stall(StreamFault):
    """Send nothing more, but keep the connection open."""


class Broken(StreamFault):
    """Close the connection in the middle of the body."""


class Truncated(StreamFault):
    """End the body properly, but without finish_reason and [DONE]."""


class Garbage(StreamFault):
    """Send invalid JSON."""


class Silence:
    """Accept the request, but send not even headers."""


class ContextTooLong:
    """Answer 400 context_length_exceeded, whatever the prompt's length."""


@dataclass(frozen=True)
class WrongLength:
    """Return vectors of another length than the model's."""

    dimensions: int = 8


class NaN:
    """Return vectors of NaN."""


class TooFew:
    """Omit the last vector."""


class Unnumbered:
    """Vectors in order, without their index."""


class Shuffled:
    """Return vectors in reverse order, each with its right index."""


Reply = Text | StreamFault | Silence | ContextTooLong | Status
EmbeddingReply = Stall | Silence | WrongLength | NaN | TooFew | Shuffled | Unnumbered | Status

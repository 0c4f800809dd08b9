"""The replies and faults that a test can order from the loopback OpenAI."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.servers.loopback import Status


@dataclass(frozen=True)
class Text:
    """The model writes this: in `pieces` if given (they are the text, then), else by the token."""

    text: str = ""
    tokens_per_second: float | None = None
    pieces: Sequence[str] | None = None
    finish_reason: str = "stop"


class Empty(Text):
    """The model ends without a word."""


@dataclass(frozen=True)
class Deltas(Text):
    """The model sends these deltas as they are: thoughts, lists of parts. Without a finish_reason if it is empty."""

    deltas: Sequence[dict[str, Any]] = ()


class Refusal(Text):
    """The model declines, in the message's `refusal` and not in its `content`."""


@dataclass(frozen=True)
class StreamFault:
    """Something happens after the model wrote `after`."""

    after: str = ""


class ContentFilter(StreamFault):
    """finish_reason `content_filter`. For a question that is filtered itself: `Status(400, code="content_filter")`."""


class Stall(StreamFault):
    """Nothing more comes, and the connection stays open."""


class Broken(StreamFault):
    """The connection closes in the middle of the body."""


class Truncated(StreamFault):
    """The body ends properly, without finish_reason and [DONE]."""


class Garbage(StreamFault):
    """Something comes that is no JSON."""


class Silence:
    """The request is accepted; not even a header comes back."""


class ContextTooLong:
    """400 context_length_exceeded, however short the prompt."""


@dataclass(frozen=True)
class WrongLength:
    """Vectors of another length than the model's."""

    dimensions: int = 8


class NaN:
    """Vectors that hold no numbers."""


class TooFew:
    """The last vector is missing."""


class Shuffled:
    """Vectors in reverse order, each under its right index."""


Reply = Text | StreamFault | Silence | ContextTooLong | Status
EmbeddingReply = Stall | Silence | WrongLength | NaN | TooFew | Shuffled | Status

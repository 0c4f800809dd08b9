"""What a source lists: entries, and what it could not list."""

from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Literal
from urllib.parse import urlsplit

from core.vocabulary import Source


@dataclass(frozen=True, slots=True)
class Entry:
    """A post as its source lists it. `body` is HTML, Markdown or text when the source carries it; `whole` says whether
    that is the full post, so that its page need not be fetched."""

    url: str
    title: str
    source: Source
    published: datetime | None = None
    body: str = ""
    whole: bool = False
    format: Literal["html", "markdown", "text"] = "html"


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something in a source that cannot be read; the rest of the source is."""

    address: str
    reason: str


def wanted(source: Source, address: str) -> bool:
    """Whether the source's patterns let a post in. With `include`, one of its patterns has to fit."""
    try:
        names = (address, urlsplit(address).path)
    except ValueError:  # that is no address; whoever fetches it will say so
        names = (address, "")

    def fits(patterns: tuple[str, ...]) -> bool:
        return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)

    return (not source.include or fits(source.include)) and not fits(source.exclude)

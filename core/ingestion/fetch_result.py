"""What is asked of a server, and what came."""

import re
from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict

from core.errors import SourceReadError

_MEGABYTE = 1024 * 1024
_SENDABLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,998}[\x21-\x7e])?")


@dataclass(frozen=True, slots=True)
class FetchProfile:
    """What an address is asked for. `media_types` fits the whole of a media type that is let in; a server that names
    none is let in, too. `largest` counts bytes, unpacked; what is `cut` is read up to there, all else is refused."""

    name: str
    media_types: re.Pattern[str]
    largest: int
    cut: bool = False


LISTING = FetchProfile(
    "feed or sitemap",
    re.compile(r"text/.*|.*(xml|rss|atom|gzip).*|application/(json|(x-|force-)?download|octet-stream|binary)"),
    20 * _MEGABYTE,
)
"""Feeds are served as all kinds of text, and packed sitemaps as any bytes."""

PAGE = FetchProfile("page", re.compile(r"text/(html|plain|(x-)?markdown)|application/xhtml\+xml"), 5 * _MEGABYTE)

ROBOTS = FetchProfile("robots.txt", re.compile(r".*"), 512 * 1024, cut=True)
"""RFC 9309 §2.5 asks to read at least 500 KiB."""


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server said of the state of what it sent, to be asked with the next time (RFC 9110 §8.8). They hold for
    `url`, the address that answered, and are shown to no other."""

    url: str
    etag: str = ""
    last_modified: str = ""


def validators(url: str, etag: str, last_modified: str) -> Validators | None:
    """None where the server said nothing that can be sent back."""
    kept = [value if _SENDABLE.fullmatch(value) else "" for value in (etag, last_modified)]
    return Validators(url, *kept) if any(kept) else None


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came: `url` after redirects, the body unpacked, the media type and the charset that the server names.

    `moved` is `url` when every redirect on the way was a permanent one; `canonical` is what a Link header names so.
    Keep `validators` when what was made of the body is safe, and not before.
    """

    # Where it travels as JSON: pydantic would take the bytes for UTF-8.
    __pydantic_config__: ClassVar = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    url: str
    body: bytes
    media_type: str
    charset: str | None
    validators: Validators | None = None
    moved: str = ""
    canonical: str = ""


@dataclass(frozen=True, slots=True)
class NotModified:
    """304: what was read before still stands. `validators` are the ones to keep from now on."""

    url: str
    validators: Validators
    moved: str = ""


class PageNotFoundError(SourceReadError):
    """404 or 410: there is no such page."""


class AddressBlockedError(SourceReadError):
    """A link led into a network that is not open to everybody."""

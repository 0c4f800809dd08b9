"""What is asked of a server, what comes back, and how a fetch fails."""

import re
from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict

from core.errors import SourceReadError

_MEGABYTE = 1024 * 1024
_SENDABLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,998}[\x21-\x7e])?")


@dataclass(frozen=True, slots=True)
class FetchProfile:
    """What is expected at a URL. `media_types` must match the whole media type; a response without one is accepted.
    `max_bytes` limits the decompressed body: beyond it a response is cut off if `truncate`, else refused."""

    name: str
    media_types: re.Pattern[str]
    max_bytes: int
    truncate: bool = False


LISTING = FetchProfile(
    "a feed or sitemap",
    re.compile(r"text/.*|.*(xml|rss|atom|gzip).*|application/(json|(x-|force-)?download|octet-stream|binary)"),
    20 * _MEGABYTE,
)
"""Feeds are served as any kind of text, and compressed sitemaps as any kind of bytes."""

PAGE = FetchProfile("a page", re.compile(r"text/(html|plain|(x-)?markdown)|application/xhtml\+xml"), 5 * _MEGABYTE)

ROBOTS = FetchProfile("a robots.txt", re.compile(r".*"), 512 * 1024, truncate=True)
"""RFC 9309 §2.5 requires reading at least 500 KiB."""


@dataclass(frozen=True, slots=True)
class Validators:
    """A response's ETag and Last-Modified, for the next conditional request (RFC 9110 §8.8). They are sent only to
    `url`, which gave them."""

    url: str
    etag: str = ""
    last_modified: str = ""


def make_validators(url: str, etag: str, last_modified: str) -> Validators | None:
    """Return the validators that can be sent back; None if there are none."""
    kept = [value if _SENDABLE.fullmatch(value) else "" for value in (etag, last_modified)]
    return Validators(url, *kept) if any(kept) else None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A response: `url` after redirects, the decompressed body, and the server's media type and charset.

    `moved` equals `url` if every redirect was permanent, else it is empty; `canonical` comes from the Link header.
    Store `validators` only once the result of the body is stored.
    """

    # For JSON; pydantic would take the bytes for UTF-8.
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
    """304: the content is unchanged. `validators` replace the previous ones."""

    url: str
    validators: Validators
    moved: str = ""


class PageNotFoundError(SourceReadError):
    """404 or 410."""

    code = "Gone"


class AddressBlockedError(SourceReadError):
    """A link or redirect leads to an address that is not public."""

    code = "NotOpen"


class FetchError(Exception):
    """A request failed; the message is the reason that admins see. `reported_as` is the error of the whole fetch."""

    retryable: ClassVar[bool] = False
    reported_as: ClassVar[type[SourceReadError]] = SourceReadError


class ResponseNotFoundError(FetchError):
    """404 or 410."""

    reported_as = PageNotFoundError


class BlockedRedirectError(FetchError):
    """A link or redirect leads to an address that is not public."""

    reported_as = AddressBlockedError


class TransientFetchError(FetchError):
    """The same request may succeed later. `retry_after` is the Retry-After header."""

    retryable = True

    def __init__(self, reason: str, retry_after: str = "") -> None:
        super().__init__(reason)
        self.retry_after = retry_after

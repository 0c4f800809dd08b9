"""Profiles, results and errors of fetches."""

import re
from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict

from core.errors import SourceReadError

_MEGABYTE = 1024 * 1024
_SAFE_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,998}[\x21-\x7e])?")
"""Printable ASCII, at most 1,000 characters, no space at either end."""


@dataclass(frozen=True, slots=True)
class FetchProfile:
    """Which responses are accepted for one kind of URL.

    `media_types` must match the whole media type; a response without one is accepted. `max_bytes` limits the
    decompressed body: beyond it a response is cut off if `truncate`, else refused.
    """

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
    kept = [value if _SAFE_HEADER_VALUE.fullmatch(value) else "" for value in (etag, last_modified)]
    return Validators(url, *kept) if any(kept) else None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A response: `url` after redirects, the decompressed body, and the server's media type and charset.

    `moved` is `url` if there were redirects and all were permanent; otherwise empty. `canonical` comes from the Link
    header. `further` are the bodies of the further pages of a split article.
    Store `validators` only once the result of the body is stored.
    """

    # Workers receive it as JSON, in which pydantic would otherwise encode bytes as UTF-8.
    __pydantic_config__: ClassVar = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    url: str
    body: bytes
    media_type: str
    charset: str | None
    validators: Validators | None = None
    moved: str = ""
    canonical: str = ""
    further: tuple[bytes, ...] = ()


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


class SiteDownError(SourceReadError):
    """The site does not respond, or only with 5xx."""

    code = "SiteDown"


class FetchError(Exception):
    """One request failed, for a reason that admins see. If it is not retried, the fetch raises `reported_as` with that
    reason."""

    retryable: ClassVar[bool] = False

    def __init__(self, reason: str, reported_as: type[SourceReadError] = SourceReadError) -> None:
        super().__init__(reason)
        self.reported_as = reported_as


class TransientFetchError(FetchError):
    """The same request may succeed later. `retry_after` is the Retry-After header."""

    retryable = True

    def __init__(self, reason: str, retry_after: str = "", reported_as: type[SourceReadError] = SiteDownError) -> None:
        super().__init__(reason, reported_as)
        self.retry_after = retry_after

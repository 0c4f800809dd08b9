"""From what came to passages: pure work for a processor, of this process, another one, or another machine."""

import hashlib
import traceback
from dataclasses import dataclass, replace

from core.domain import Passage, Post, Source
from core.errors import SourceReadError
from core.ingestion.chunker import chunk
from core.ingestion.entries import Entry
from core.ingestion.fetch_result import Fetched
from core.ingestion.sources import parse_post
from core.tokens import estimate_tokens

READING_VERSION = "2"
"""Part of every digest: raise it when extraction or chunking change, and all posts are read anew."""


@dataclass(frozen=True, slots=True)
class RawPost:
    """An entry as it came, and the address that its post is to have. `text_before` is the digest of the text that the
    post had, if it had one."""

    entry: Entry
    url: str
    page: Fetched | None = None
    text_before: str = ""


@dataclass(frozen=True, slots=True)
class ParseResult:
    """A post in passages; without any when its text is what it was before."""

    title: str
    text_digest: str
    passages: tuple[Passage, ...] = ()


@dataclass(frozen=True, slots=True)
class ParseFailure:
    """Why there is no post. `trace` is for the log, where nobody expected this."""

    reason: str
    trace: str = ""


def parse(raw: RawPost) -> ParseResult | ParseFailure:
    """Raises nothing: behind it stand the parsers of pages, and one page must not stop a run."""
    try:
        post = parse_post(replace(raw.entry, url=raw.url), raw.page)
        text_digest = _text_digest(post)
        if text_digest == raw.text_before:
            return ParseResult(post.title, text_digest)
        # Estimated, so that a passage is the same with every model, on every machine, with or without a network.
        passages = chunk(post, estimate_tokens)
    except SourceReadError as error:
        return ParseFailure(error.reason)
    except Exception as error:  # a door, as said above
        return ParseFailure(f"it could not be taken apart ({type(error).__name__})", traceback.format_exc())
    return ParseResult(post.title, text_digest, passages) if passages else ParseFailure("no text was found in it")


def made_with(source: Source) -> str:
    """What decides how posts of a source are read, beside what comes."""
    return digest(READING_VERSION, source.selector)[:16]


def listed_with(sources: tuple[Source, ...]) -> str:
    """What decides what is made of the sources' listings. A post that is in two of them belongs to the first, so what
    one lists cannot be understood without the others."""
    return digest(READING_VERSION, repr(sources))[:16]


def raw_digest(raw: RawPost) -> str:
    """The same for what comes the same."""
    body = raw.page.body if raw.page else raw.entry.body.encode()
    entry = raw.entry
    about = (made_with(entry.source), entry.title, entry.source.name, str(entry.published))
    return digest(*about, hashlib.sha256(body).hexdigest())


def _text_digest(post: Post) -> str:
    return digest(READING_VERSION, post.title, post.text, post.source, str(post.published))


def digest(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()
